// What a decision costs: lists of 10, 100 and 1,000 rules of which only the last matches, so each is looked
// at.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/policy/engine.hpp"

using namespace crosspatch;

namespace {

// Rules that other talkers, roles, kinds and (where `with_hours`) times stand in front of.
std::string rules(int count, bool with_hours) {
    std::string yaml;
    for (int i = 0; i + 1 < count; ++i) {
        const char* hours = with_hours ? ", hours: Sun 03:00-04:00 America/Chicago" : "";
        const auto talkers =
            with_hours ? "not: {talker: [x-1, x-2]}" : fmt::format("talker: [a-{}, b-{}, c-{}]", i, i, i);
        yaml += fmt::format("- {{id: r-{}, action: deny, when: {{agency: metro-pd, {}{}}}}}\n", i, talkers,
                            hours);
    }
    return yaml +
           "- {id: last, action: allow, when: {agency: metro-pd, role: guard}, effects: {gain: -3dB}}\n";
}

// This thread's CPU time: other programs on the machine do not count.
std::chrono::nanoseconds cpu_time() {
    timespec spent{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return std::chrono::seconds{spent.tv_sec} + std::chrono::nanoseconds{spent.tv_nsec};
}

double median_ns(const policy::RuleList& list, const policy::Facts& facts, core::WallTime now, int calls) {
    std::vector<double> rounds;
    std::size_t allowed = 0;
    for (int round = 0; round < 15; ++round) {
        const auto begin = cpu_time();
        for (int i = 0; i < calls; ++i) {
            // A time of its own for each call, so that no call can be left out.
            allowed += policy::decide(list, facts, now + std::chrono::nanoseconds{i}).allowed;
        }
        rounds.push_back(std::chrono::duration<double, std::nano>(cpu_time() - begin).count() / calls);
    }
    if (allowed != rounds.size() * static_cast<std::size_t>(calls)) return -1;
    std::nth_element(rounds.begin(), rounds.begin() + 7, rounds.end());
    return rounds[7];
}

}  // namespace

int main() {
    const core::WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 7 / 1};
    for (const bool with_hours : {false, true}) {
        for (const int count : {10, 100, 1000}) {
            core::config::Problems problems{"bench.yaml"};
            const auto document = core::config::Document::parse(rules(count, with_hours), problems);
            policy::Names names;
            policy::Zones zones{now};
            const policy::Known known{{"northgate", "metro-pd"},
                                      {{"ng-ops", "northgate"}, {"pd-tac-3", "metro-pd"}}};
            const auto list =
                policy::read_rules(document.root(), policy::Side::Outbound, "ng-ops", known, names, zones);
            for (const auto& line : problems.lines()) fmt::print("{}\n", line);
            policy::Facts facts;
            facts.own_agency = names.intern("northgate");
            facts.other_agency = names.intern("metro-pd");
            facts.role = names.intern("guard");
            facts.talker = names.intern("ng-unit-7");
            fmt::print("{:5} rules{}: {:9.1f} ns a decision\n", count,
                       with_hours ? " with hours" : "           ",
                       median_ns(list, facts, now, 2'000'000 / count));
        }
    }
}
