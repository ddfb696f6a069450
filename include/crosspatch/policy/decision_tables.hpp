#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/policy/conditions.hpp"
#include "crosspatch/policy/hours_table.hpp"
#include "crosspatch/policy/rule_bits.hpp"

namespace crosspatch::policy {

struct Rule;

// A rule list turned round: for each value of each condition the rules that it leaves in question, as a bit each. A
// decision intersects one row a condition and takes the first bit that is left.
//
// Shape    made at load for lists of more than kScanned rules; shorter ones are gone through and cost nothing more.
//          Octets for a list of N rules: N/8 for each value of kind, emergency, sensitivity, suite, incident and
//          severity that conditions tell apart (25 at most); 12 for each different name, and 2 more wherever a
//          condition lists it; hours_table.hpp says what hours cost. 1,000 rules on three talkers each: 43 kB.
// Time     at most kSteps changes of the clock on the wall are looked ahead at, so `valid_until` may be early.
// Errors   none, and no allocation, lock or clock: safe on the packet path. 1,000 rules: well under 1 us
//          (tests/bench/policy_decide).
// Thread   immutable: any.
class DecisionTables {
public:
    static constexpr std::size_t kScanned = 8;

    struct Found {
        std::optional<std::size_t> rule;  // the first that matches
        core::WallTime valid_until{core::WallTime::max()};
    };

    // Of 1 to RuleList::kMaxRules rules, which are given to find() again.
    explicit DecisionTables(const std::vector<Rule>& rules);

    Found find(const std::vector<Rule>& rules, const Facts& facts, core::WallTime now) const noexcept;
    std::size_t memory() const;  // octets

private:
    // One name: the rules whose answer to it is another than to names that nobody wrote.
    struct Entry {
        NameId id;
        std::uint32_t at;     // in flips_, or in rows_ where count is 0
        std::uint32_t count;  // flips
    };
    // A condition on names.
    struct NameTable {
        bool asked{};              // by any rule
        std::vector<Entry> names;  // sorted
        std::uint32_t others{};    // row of the rules that take a name which nobody wrote
    };
    static constexpr std::uint32_t kNoRow = UINT32_MAX;

    std::uint32_t add_row(const RuleBits& bits);
    void add_fields(const std::vector<Rule>& rules);
    void add_names(NameTable& table, const std::vector<Rule>& rules, NameSet Conditions::*condition);
    void keep_row(RuleBits& bits, std::uint32_t row) const noexcept;
    void keep_named(RuleBits& bits, const NameTable& table, NameId id) const noexcept;
    RuleBits match_apart_from_time(const Facts& facts) const noexcept;
    Found find_by_hours(const std::vector<Rule>& rules, const RuleBits& matching,
                        core::WallTime now) const noexcept;

    std::size_t words_;                                  // of a row
    std::vector<std::uint64_t> rows_;                    // words_ for each
    std::vector<std::uint16_t> flips_;                   // rules
    std::array<std::uint32_t, field::kWidth> fields_{};  // row of each value, or kNoRow: no rule asks
    NameTable agency_;
    NameTable channel_;
    NameTable role_;
    NameTable talker_;
    RuleBits all_{};
    RuleBits timed_{};                         // whose hours begin and end
    std::unique_ptr<const HoursTable> hours_;  // none: no rule is timed, or the table would be too large
};

}  // namespace crosspatch::policy
