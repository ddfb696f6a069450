#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "crosspatch/core/time.hpp"
#include "crosspatch/policy/facts.hpp"
#include "crosspatch/policy/rule.hpp"

namespace crosspatch::policy {

// The answer of one list.
struct Decision {
    enum class Cause : std::uint8_t {
        Rule,           // `rule` matched first
        InsideAgency,   // no rule matched; inside one agency the default is allow
        NoRule,         // no rule matched; between agencies the default is deny
        SuiteNotNamed,  // `rule` would allow, but between agencies suite `none` needs a rule that names it
    };
    bool allowed{};
    Cause cause{Cause::NoRule};
    const Rule* rule{};  // nullptr: no rule matched; otherwise into the list that was asked
    Effects effects;     // none unless allowed
    bool depends_on_time{};
    core::WallTime valid_until{
        core::WallTime::max()};  // the same question has the same answer at least until here

    // For whoever is refused; empty if allowed. Valid as long as the list.
    std::string_view reason() const noexcept;
};

// First match wins; no match allows inside one agency and denies between two.
//
// Time     `now` is only looked at where a rule that could decide has hours.
// Errors   none, and no allocation, lock or clock: safe on the packet path.
//          Up to 8 rules about 6 ns a rule, 55 ns where it has hours; with tables well under 1 us for 1,000 rules
//          (tests/bench/policy_decide).
// Source   contract.md, "Defaults and meanings" and "Sources".
Decision decide(const RuleList& list, const Facts& facts, core::WallTime now) noexcept;
// The same without tables: one rule after the other. `valid_until` may be another, neither is late.
Decision decide_by_scan(const RuleList& list, const Facts& facts, core::WallTime now) noexcept;

// The answer of both keys. The bridge and its consents are asked elsewhere.
struct Crossing {
    bool allowed{};  // outbound allows, and inbound allows at least one of the listeners' suites
    Decision outbound;
    std::array<Decision, kSuites> inbound{};  // by the listener's suite; only those in `asked` mean something
    SuiteSet asked;
    SuiteSet listeners;  // endpoints with these suites hear it; empty unless allowed
    std::optional<std::chrono::milliseconds> max_talk;  // the shortest of all that apply to `listeners`
    bool depends_on_time{};
    core::WallTime valid_until{core::WallTime::max()};

    const Decision& inbound_for(Suite listener) const { return inbound[static_cast<std::size_t>(listener)]; }
    // Both keys together for one listener. None unless it hears.
    Effects effects_for(Suite listener) const noexcept;
    // For whoever is refused: of the outbound key if that refuses, else of the inbound one; empty if allowed.
    std::string_view reason() const noexcept;
};

// `facts` as the talker's channel sees them (own = where it comes from, suite = the talker's); `listeners`:
// the suites that the other channel's endpoints use.
Crossing decide_crossing(const RuleList& outbound, const RuleList& inbound, const Facts& facts,
                         SuiteSet listeners, core::WallTime now) noexcept;

// Could this cross under a pseudonym: at some time, as an emergency or not, to one of `listeners`? Who is hidden from an
// agency at times is hidden from what it reads at any time.
bool may_pseudonymise(const RuleList& outbound, const RuleList& inbound, Facts facts,
                      SuiteSet listeners) noexcept;

}  // namespace crosspatch::policy
