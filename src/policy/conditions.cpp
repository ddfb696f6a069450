#include "crosspatch/policy/conditions.hpp"

#include <algorithm>

namespace crosspatch::policy {

bool NameSet::contains(NameId id) const noexcept {
    // Most conditions are not written at all, and most of the others have one name.
    if (ids.empty()) return except;
    if (ids.size() == 1) return (ids.front() == id) != except;
    return std::binary_search(ids.begin(), ids.end(), id) != except;
}

bool NameSet::covers(const NameSet& other) const noexcept {
    if (any() || other.empty()) return true;
    // Two exceptions: the narrower set leaves out at least what this one does.
    if (except && other.except)
        return std::includes(other.ids.begin(), other.ids.end(), ids.begin(), ids.end());
    if (except) {
        return std::none_of(other.ids.begin(), other.ids.end(),
                            [&](NameId id) { return std::binary_search(ids.begin(), ids.end(), id); });
    }
    // A list never covers "all except": there are always names that nobody has written yet.
    return !other.except && std::includes(ids.begin(), ids.end(), other.ids.begin(), other.ids.end());
}

bool TimeSet::contains(core::WallTime time) const noexcept {
    const auto inside = [&](const auto& hours) { return hours->contains(time); };
    return (any_of.empty() || std::any_of(any_of.begin(), any_of.end(), inside)) &&
           std::none_of(none_of.begin(), none_of.end(), inside);
}

core::WallTime TimeSet::steady_until(core::WallTime time) const noexcept {
    auto until = core::WallTime::max();
    const auto look_at = [&](const auto& hours) {
        until = std::min(until, hours->next_change(time).value_or(core::WallTime::max()));
    };
    std::for_each(any_of.begin(), any_of.end(), look_at);
    std::for_each(none_of.begin(), none_of.end(), look_at);
    return until;
}

bool TimeSet::covers(const TimeSet& other) const noexcept {
    const auto covered_by_one_of = [](const auto& list) {
        return [&list](const auto& narrow) {
            return std::any_of(list.begin(), list.end(),
                               [&](const auto& wide) { return wide->covers(*narrow); });
        };
    };
    const bool positive =
        any_of.empty() || (!other.any_of.empty() &&
                           std::all_of(other.any_of.begin(), other.any_of.end(), covered_by_one_of(any_of)));
    return positive && std::all_of(none_of.begin(), none_of.end(), covered_by_one_of(other.none_of));
}

std::uint32_t field::bits_of(const Facts& facts) noexcept {
    return 1U << (kKind + static_cast<unsigned>(facts.kind)) |
           1U << (kEmergency + (facts.emergency ? 1U : 0U)) |
           1U << (kSensitivity + static_cast<unsigned>(facts.sensitivity)) |
           1U << (kSuite + static_cast<unsigned>(facts.suite)) |
           1U << (kIncident + static_cast<unsigned>(facts.incident)) |
           1U << (kSeverity + static_cast<unsigned>(facts.severity));
}

bool Conditions::match_apart_from_time(const Facts& facts, std::uint32_t bits) const noexcept {
    return (fields & bits) == bits && agency.contains(facts.other_agency) &&
           channel.contains(facts.other_channel) && role.contains(facts.role) &&
           talker.contains(facts.talker);
}

bool Conditions::covers(const Conditions& other) const noexcept {
    return (fields & other.fields) == other.fields && agency.covers(other.agency) &&
           channel.covers(other.channel) && role.covers(other.role) && talker.covers(other.talker) &&
           hours.covers(other.hours);
}

}  // namespace crosspatch::policy
