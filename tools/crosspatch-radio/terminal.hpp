#pragma once
#include <termios.h>

#include <memory>
#include <optional>

namespace crosspatch::radio {

// The keyboard as a push-to-talk button: each space presses or lets go, `q` ends. (A terminal does not tell
// when a key is let go, so it cannot be held.)
//
// Errors   open() gives nothing where standard input is no terminal.
// Thread   one; the terminal is put back to how it was on destruction.
class Terminal {
public:
    enum class Key { Space, Quit };

    static std::unique_ptr<Terminal> open();
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    int fd() const;
    // The next key that means something; nothing when no more is waiting.
    std::optional<Key> read();

private:
    explicit Terminal(const termios& before) : before_{before} {}
    termios before_;
};

}  // namespace crosspatch::radio
