// A telephone event as a key, told anything in any order: octets are steps of five (event and end, timestamp,
// how long after, two of duration). Presses and releases take turns, and the key is up when nothing more comes.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "crosspatch/ptt/event_key.hpp"

using namespace crosspatch;
using namespace std::chrono_literals;
using ptt::EventKey;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void take(const std::optional<EventKey::Change>& change, bool& pressed) {
    if (!change) return;
    require((*change == EventKey::Change::Pressed) != pressed);
    pressed = !pressed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    EventKey key{1};
    bool pressed = false;
    core::Time now{1h};
    std::uint32_t timestamp = 0;
    for (std::size_t at = 0; at + 5 <= size; at += 5) {
        const std::uint8_t* step = data + at;
        now += step[2] * 10ms;
        timestamp += step[1] == 255 ? 0xFFFF : step[1] == 254 ? -160u : step[1];
        if (step[0] & 0x40) take(key.on_time(now), pressed);
        const rtp::TelephoneEvent event{static_cast<std::uint8_t>(step[0] % 3), (step[0] & 0x80) != 0, 10,
                                        static_cast<std::uint16_t>(step[3] << 8 | step[4])};
        for (const auto& change : key.on_packet(event, timestamp, now)) take(change, pressed);
        require(key.pressed() == pressed && key.next_deadline().value_or(core::Time::max()) > now);
    }
    take(key.on_time(now + 1s), pressed);
    require(!pressed);
    return 0;
}
