#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/policy/facts.hpp"
#include "crosspatch/policy/hours.hpp"

namespace crosspatch::policy {

// A condition on a name: one of those listed, or any except those listed.
struct NameSet {
    std::vector<NameId> ids;  // sorted, each once
    bool except{true};        // as it stands: any name

    bool contains(NameId id) const noexcept;
    bool covers(const NameSet& other) const noexcept;  // contains all that `other` does
    bool empty() const { return !except && ids.empty(); }
    bool any() const { return except && ids.empty(); }
};

// A condition on the time: inside one of `any_of` (if there are any) and inside none of `none_of`.
struct TimeSet {
    std::vector<std::shared_ptr<const Hours>> any_of;
    std::vector<std::shared_ptr<const Hours>> none_of;

    bool always() const { return any_of.empty() && none_of.empty(); }
    bool contains(core::WallTime time) const noexcept;
    // contains() stays as it is at `time` until this moment at least; WallTime::max() if for ever.
    core::WallTime steady_until(core::WallTime time) const noexcept;
    bool covers(const TimeSet& other) const noexcept;
};

// The conditions that take one of a few values, as one word with a bit for each value.
namespace field {
inline constexpr unsigned kKind = 0;         // 4 bits
inline constexpr unsigned kEmergency = 4;    // 2 bits: no, yes
inline constexpr unsigned kSensitivity = 6;  // 5 bits
inline constexpr unsigned kSuite = 11;       // 5 bits
inline constexpr unsigned kIncident = 16;    // 3 bits: actual, exercise, none
inline constexpr unsigned kSeverity = 19;    // 6 bits: the five words, none
inline constexpr unsigned kWidth = 25;
inline constexpr std::uint32_t kAny = (1U << kWidth) - 1;

std::uint32_t bits_of(const Facts& facts) noexcept;  // six bits set, one for each condition
}  // namespace field

// The `when` of a rule, compiled: `not` is folded in, so every condition is a plain set and all must contain
// their fact.
//
// Shape    a copy costs what its lists cost.
// Thread   immutable after load; matching takes no memory, no lock and no clock.
struct Conditions {
    std::uint32_t fields{field::kAny};
    NameSet agency;
    NameSet channel;
    NameSet talker;
    NameSet role;
    TimeSet hours;
    bool names_suite_none{};  // `none` written under `suite`, not only left in by `not`

    // `bits` are field::bits_of(facts), which are the same for every rule.
    bool match_apart_from_time(const Facts& facts, std::uint32_t bits) const noexcept;
    // Whatever matches `other` matches this too, at every time.
    bool covers(const Conditions& other) const noexcept;
};

}  // namespace crosspatch::policy
