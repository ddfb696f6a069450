#include "terminal.hpp"

#include <unistd.h>

namespace crosspatch::radio {

std::unique_ptr<Terminal> Terminal::open() {
    termios before{};
    if (::tcgetattr(STDIN_FILENO, &before) != 0) return nullptr;
    termios raw = before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (::tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) return nullptr;
    return std::unique_ptr<Terminal>{new Terminal{before}};
}

Terminal::~Terminal() { ::tcsetattr(STDIN_FILENO, TCSANOW, &before_); }

int Terminal::fd() const { return STDIN_FILENO; }

std::optional<Terminal::Key> Terminal::read() {
    char key = 0;
    while (::read(STDIN_FILENO, &key, 1) == 1) {
        if (key == ' ') return Key::Space;
        if (key == 'q' || key == 'Q') return Key::Quit;
    }
    return std::nullopt;
}

}  // namespace crosspatch::radio
