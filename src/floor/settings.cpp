#include "crosspatch/floor/settings.hpp"

#include <fmt/format.h>

#include <array>

namespace crosspatch::floor {
using std::chrono::milliseconds;
namespace config = core::config;

namespace {

using namespace std::chrono_literals;

// Reads one duration into `into` if it is there; false after a problem.
bool read(config::Map& map, std::string_view key, milliseconds min, milliseconds max, milliseconds& into) {
    const auto node = map.find(key);
    if (!node) return true;
    const auto value = config::duration(*node, min, max);
    if (value) into = *value;
    return value.has_value();
}

bool read(config::Map& map, std::string_view key, std::uint8_t max, std::uint8_t& into) {
    const auto node = map.find(key);
    if (!node) return true;
    const auto value = config::integer(*node, 0, max);
    if (value) into = static_cast<std::uint8_t>(*value);
    return value.has_value();
}

enum class Override { Preempt, BothHeard };
constexpr std::array kOverrides{config::Word{"preempt", static_cast<int>(Override::Preempt)},
                                config::Word{"both_heard", static_cast<int>(Override::BothHeard)}};

bool read_override(config::Map& map, bool& both_heard) {
    const auto node = map.find("override");
    if (!node) return true;
    const auto value = config::choice_of<Override>(*node, "way to override a talker", kOverrides);
    both_heard = value == Override::BothHeard;
    return value.has_value();
}

}  // namespace

std::optional<Settings> read_settings(const config::Node& node) {
    config::Map map = node.map();
    if (!map.present()) return std::nullopt;
    Settings settings;
    bool good = read(map, "priority", 255, settings.priority);
    good &= read(map, "queue", 64, settings.queue);
    // A floor that nothing ends is no floor: there is always a limit, and the wire carries it in 16 bits of
    // seconds.
    const bool limits = read(map, "max_talk", 1s, 1h, settings.max_talk);
    const bool warns = read(map, "warn", 0ms, 10min, settings.warn);
    good &= limits && warns;
    good &= read(map, "grace", 0ms, 10s, settings.grace);
    good &= read(map, "cooldown", 0ms, 10min, settings.cooldown);
    good &= read(map, "hang", 0ms, 1min, settings.hang);
    // Below 200 ms a lost packet or two ends a talkspurt; above 6 s is more than TS 24.380 lets T1 be.
    good &= read(map, "lease", 200ms, 6s, settings.lease);
    // Who thinks before he speaks is not a dead carrier.
    good &= read(map, "dead_carrier", 2s, 1h, settings.dead_carrier);
    good &= read_override(map, settings.both_heard);
    if (limits && warns && settings.warn >= settings.max_talk) {
        if (const auto warn = map.find("warn")) {
            warn->problem(fmt::format(
                "{} ms before a talk limit of {} ms is before the first word; make it shorter than max_talk",
                settings.warn.count(), settings.max_talk.count()));
            good = false;
        }
        settings.warn = settings.max_talk / 2;  // the default does not fit so short a limit
    }
    if (settings.dtx_lease < settings.lease) settings.dtx_lease = settings.lease;
    map.finish();
    return good ? std::optional{settings} : std::nullopt;
}

}  // namespace crosspatch::floor
