#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/policy/conditions.hpp"
#include "crosspatch/policy/rule_bits.hpp"

namespace crosspatch::policy {

// The hours of a list's rules as one timetable of the week for each zone: between two of its times nobody's hours
// begin or end.
//
// Shape    4 octets for each such time, and N/8 (N/4 where rules have hours under `not`) for each different set of
//          rules that is in its hours, with N rules. At most kMaxOctets and kMaxZones zones; a list that would need
//          more has no table, and each rule's hours are looked at when a decision comes to it (55 ns).
// Time     wall clocks, as hours.hpp.
// Errors   none, no allocation, lock or clock after make().
// Thread   immutable: any.
class HoursTable {
public:
    static constexpr std::size_t kMaxOctets = 256 * 1024;
    static constexpr std::size_t kMaxZones = 8;
    static constexpr int kSteps = 16;

    // `hours[i]` are those of rule i; those that are always() are none of the table's business. Nothing: too large.
    static std::unique_ptr<const HoursTable> make(std::span<const TimeSet* const> hours);

    // Of the rules in the table, those that are in their hours.
    RuleBits open_at(core::WallTime now) const noexcept;
    // No rule of `of` begins or ends before this moment; WallTime::max() if none ever does. At most kSteps changes of
    // the timetable are looked at, so it may be early, never late.
    core::WallTime steady_until(const RuleBits& of, core::WallTime now) const noexcept;
    std::size_t memory() const;

private:
    struct Week {
        std::shared_ptr<const Zone> zone;
        std::vector<std::uint16_t> begins;    // minutes since Monday 00:00; the first is 0
        std::vector<std::uint16_t> patterns;  // of each span that begins there
    };
    // Where the clock of one zone stands.
    struct Place {
        std::size_t span;
        core::WallTime next;  // when it may be in another span
    };
    class Builder;

    HoursTable() = default;
    Place place_at(const Week& week, core::WallTime time) const noexcept;
    RuleBits open_with(const std::array<Place, kMaxZones>& places) const noexcept;
    const std::uint64_t* pattern(const Week& week, std::size_t span) const {
        return patterns_.data() + week.patterns[span] * stride_;
    }

    std::size_t words_{};
    std::size_t stride_{};  // words of a pattern: who is inside, then who is inside those under `not`
    std::vector<Week> weeks_;
    std::vector<std::uint64_t> patterns_;
    RuleBits free_;  // rules that have hours only under `not`
};

}  // namespace crosspatch::policy
