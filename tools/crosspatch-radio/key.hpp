#pragma once
#include <functional>
#include <optional>
#include <span>

#include "crosspatch/core/time.hpp"

namespace crosspatch::radio {

// A key that is told beside the sound and asks nobody: who presses it talks.
//
// Time     passed in; on_time() at next() or later.
// Thread   one.
class Key {
public:
    // Sends a sealed packet from the socket of the sound.
    using Send = std::function<void(std::span<const std::byte>)>;

    virtual ~Key() = default;
    // Before the first sound of a press goes out, and after the last one has been spoken.
    virtual void press(core::Time now) = 0;
    virtual void let_go(core::Time now) = 0;
    // Before and after a packet with sound.
    virtual void before_sound() {}
    virtual void after_sound(core::Time) {}
    virtual void on_time(core::Time now) = 0;
    virtual std::optional<core::Time> next() const = 0;
    // The program ends: what is still to be said is said at once.
    virtual void end(core::Time now) = 0;
};

}  // namespace crosspatch::radio
