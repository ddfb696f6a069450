#pragma once
#include <cstddef>
#include <vector>

#include "crosspatch/policy/rule.hpp"

namespace crosspatch::policy {

// Whether the rules before another leave it anything to match: by one of them, or by several together.
//
// Shape    what several cover together is found by taking what each matches away from what is left, piece by piece.
//          Agencies and channels are those of the configuration (up to kMaxClosed of each); roles and talkers are
//          without end, so only a rule that leaves some out covers the rest. Times are not cut: a rule with hours
//          counts where its hours cover those of the other. kMaxSteps for a whole list, then nothing more is found.
// Errors   none: what is not found out is not claimed.
// Thread   the one that loads the configuration.
class Coverage {
public:
    static constexpr std::size_t kMaxClosed = 64;
    static constexpr std::size_t kMaxSteps = 1'000'000;  // some 50 ms

    // Both outlive it.
    Coverage(const Vocabulary& vocabulary, Names& names) : vocabulary_{vocabulary}, names_{names} {}

    // The rules of `earlier` that leave `rule` nothing, in order; empty if something is left.
    std::vector<const Rule*> of(const Rule& rule, const std::vector<Rule>& earlier);

private:
    static constexpr std::size_t kNameConditions = 4;
    // What is still to be matched: everything that is in all of these.
    struct Box {
        std::uint32_t fields{};
        std::array<NameSet, kNameConditions> names;
    };
    struct Candidate {
        const Rule* rule;
        bool used{};
    };

    bool spend(std::size_t steps);  // false: none are left
    bool meets(const Box& box, const Conditions& conditions);
    Box start(const Conditions& conditions);
    bool covered(Box box, std::vector<Candidate>& candidates, std::size_t from);
    void drop_needless(const Box& box, std::vector<Candidate>& candidates);

    const Vocabulary& vocabulary_;
    Names& names_;
    std::size_t steps_left_{kMaxSteps};
};

}  // namespace crosspatch::policy
