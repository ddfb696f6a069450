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

ChannelIndex index_of(const Layout& layout) {
    ChannelIndex index;
    for (const Layout::Channel& channel : layout.channels) index.emplace(channel.id, &channel);
    return index;
}

std::optional<Ways> open_ways(const Layout& layout, std::size_t most) {
    const ChannelIndex channels = index_of(layout);
    std::size_t looked_at = 0;
    Ways ways;
    for (const Layout::Bridge& bridge : layout.bridges)
        for (const Layout::Leg& from : bridge.legs) {
            looked_at += bridge.legs.size();
            if (looked_at > most) return std::nullopt;
            if (!from.heard || !bridge.carries(*channels.at(from.channel))) continue;
            for (const Layout::Leg& to : bridge.legs)
                if (to.hears && from.channel != to.channel)
                    ways.emplace(std::pair{from.channel, to.channel}, bridge.id);
        }
    return ways;
}

std::uint64_t Costs::size_of(const RuleList& list) {
    const auto [found, is_new] = sizes_.try_emplace(&list);
    if (!is_new) return found->second;
    for (const Rule& rule : list.rules)
        found->second += 1 + rule.when.role.ids.size() + rule.when.talker.ids.size() +
                         100 * (rule.when.hours.any_of.size() + rule.when.hours.none_of.size());
    return found->second;
}

core::WallTime week_after(core::WallTime now) {
    using namespace std::chrono;
    const auto day = floor<days>(now);
    return day + days{8 - weekday{day}.iso_encoding()};
}

}  // namespace crosspatch::policy
