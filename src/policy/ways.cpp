#include "src/policy/ways.hpp"

#include <fmt/format.h>

namespace crosspatch::policy {

Answer answer_of(const Grid::Way& way, const Grid::Cell& cell, const Names& names) {
    const Passage passage{way.from, way.to, cell.talker, cell.role, cell.kind, cell.emergency, cell.suite};
    const Crossing crossing = decide_passage(passage, {cell.listener}, names, cell.time);
    // All of them are of voice.
    const Effects effects = cell.kind == Kind::Voice ? crossing.effects_for(cell.listener) : Effects{};
    return {crossing.allowed, crossing.outbound, crossing.inbound_for(cell.listener), effects};
}

bool decided_alike(const Decision& one, const Decision& other) {
    return one.rule == other.rule && one.cause == other.cause;
}

std::string effects_text(const Effects& effects) {
    std::string text;
    if (effects.gain_db != 0) text = fmt::format("gain {:g} dB", effects.gain_db);
    if (effects.max_talk)
        text += fmt::format("{}at most {:g} s", text.empty() ? "" : ", ",
                            static_cast<double>(effects.max_talk->count()) / 1000);
    const auto add = [&](bool has, std::string_view what) {
        if (has) text += fmt::format("{}{}", text.empty() ? "" : ", ", what);
    };
    add(effects.pseudonymise, "pseudonym");
    add(effects.strip_tones, "tones stripped");
    add(effects.announce, "mark");
    return text;
}

std::string too_confidential(const Layout::Channel& from, const Layout::Bridge& bridge) {
    return fmt::format("{} is {}, bridge {} carries {} at most", from.id, word(from.sensitivity), bridge.id,
                       word(*bridge.sensitivity));
}

std::string rule_text(const Decision& decision) {
    if (decision.cause == Decision::Cause::InsideAgency) return "no rule, inside one agency";
    if (!decision.rule) return "no rule";
    if (decision.cause == Decision::Cause::SuiteNotNamed)
        return fmt::format("rule {} without suite none", decision.rule->id);
    return fmt::format("rule {}", decision.rule->id);
}

std::map<std::pair<std::string, std::string>, std::string> open_ways(const Layout& layout) {
    std::map<std::pair<std::string, std::string>, std::string> ways;
    for (const Layout::Bridge& bridge : layout.bridges)
        for (const Layout::Leg& from : bridge.legs)
            for (const Layout::Leg& to : bridge.legs)
                if (from.heard && to.hears && from.channel != to.channel &&
                    bridge.carries(*layout.channel(from.channel)))
                    ways.emplace(std::pair{from.channel, to.channel}, bridge.id);
    return ways;
}

core::WallTime week_after(core::WallTime now) {
    using namespace std::chrono;
    const auto day = floor<days>(now);
    return day + days{8 - weekday{day}.iso_encoding()};
}

}  // namespace crosspatch::policy
