// What a decision costs: lists of 10, 100 and 1,000 rules of which only the last matches, so a scan looks at each of
// them. Compiled tables against that scan, in turns, on the same lists and questions.
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

enum class Hours { None, Same, Own };

// Rules that other talkers, roles, kinds and (with hours) times stand in front of.
std::string rules(int count, Hours hours) {
    std::string yaml;
    for (int i = 0; i + 1 < count; ++i) {
        const int minute = i * 7 % 1430;
        const auto span = fmt::format("Sun {:02}:{:02}-{:02}:{:02}", minute / 60, minute % 60,
                                      (minute + 9) / 60, (minute + 9) % 60);
        const auto when = hours == Hours::None
                              ? fmt::format("talker: [a-{0}, b-{0}, c-{0}]", i)
                              : fmt::format("not: {{talker: [x-1, x-2]}}, hours: {} America/Chicago",
                                            hours == Hours::Same ? "Sun 03:00-04:00" : span);
        yaml += fmt::format("- {{id: r-{}, action: deny, when: {{agency: metro-pd, {}}}}}\n", i, when);
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

using Decide = policy::Decision (*)(const policy::RuleList&, const policy::Facts&, core::WallTime);

double round_ns(Decide decide, const policy::RuleList& list, const policy::Facts& facts, core::WallTime now,
                int calls) {
    int allowed = 0;
    const auto begin = cpu_time();
    for (int i = 0; i < calls; ++i) {
        // A time of its own for each call, so that no call can be left out.
        allowed += decide(list, facts, now + std::chrono::nanoseconds{i}).allowed;
    }
    const auto spent = cpu_time() - begin;
    return allowed == calls ? std::chrono::duration<double, std::nano>(spent).count() / calls : -1;
}

double median(std::vector<double> rounds) {
    std::nth_element(rounds.begin(), rounds.begin() + static_cast<std::ptrdiff_t>(rounds.size() / 2),
                     rounds.end());
    return rounds[rounds.size() / 2];
}

void measure(int count, Hours hours, const char* what) {
    const core::WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 7 / 1};
    core::config::Problems problems{"bench.yaml"};
    const auto document = core::config::Document::parse(rules(count, hours), problems);
    policy::Names names;
    policy::Zones zones{now};
    const policy::Known known{{"northgate", "metro-pd"}, {{"ng-ops", "northgate"}, {"pd-tac-3", "metro-pd"}}};
    const auto list =
        policy::read_rules(document.root(), policy::Side::Outbound, "ng-ops", known, names, zones);
    for (const auto& line : problems.lines()) fmt::print("{}\n", line);
    policy::Facts facts;
    facts.own_agency = names.intern("northgate");
    facts.other_agency = names.intern("metro-pd");
    facts.role = names.intern("guard");
    facts.talker = names.intern("ng-unit-7");
    std::vector<double> scanned, compiled;
    for (int round = 0; round < 15; ++round) {
        scanned.push_back(round_ns(policy::decide_by_scan, list, facts, now, 400'000 / count));
        compiled.push_back(round_ns(policy::decide, list, facts, now, 40'000));
    }
    fmt::print("{:5} rules, {:<22} scan {:9.1f} ns  tables {:7.1f} ns  {:6.1f} times as fast  {:7} octets\n",
               count, what, median(scanned), median(compiled), median(scanned) / median(compiled),
               list.tables ? list.tables->memory() : 0);
}

// The lists of 1,250 channels, as they are read at load.
void measure_load(int rules_each) {
    const core::WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 7 / 1};
    std::string yaml;
    policy::Known known{{"northgate", "metro-pd"}, {}};
    for (int i = 0; i < 1250; ++i)
        known.channels.push_back({fmt::format("ch-{}", i), i % 2 ? "northgate" : "metro-pd"});
    for (int i = 0; i < rules_each; ++i)
        yaml += fmt::format(
            "- {{id: r-{0}, action: allow, when: {{agency: metro-pd, channel: ch-{0}, kind: [voice, text], "
            "hours: 'Mon-Fri 06:{0:02}-22:00 America/Chicago'}}}}\n",
            i % 60);
    core::config::Problems problems{"bench.yaml"};
    const auto document = core::config::Document::parse(yaml, problems);
    policy::Names names;
    policy::Zones zones{now};
    const policy::Vocabulary vocabulary{known};
    std::size_t memory = 0;
    const auto begin = cpu_time();
    std::vector<policy::RuleList> lists;
    for (int i = 0; i < 2 * 1250; ++i) {
        lists.push_back(
            policy::read_rules(document.root(), policy::Side::Outbound, "ch-0", vocabulary, names, zones));
        if (lists.back().tables) memory += lists.back().tables->memory();
    }
    const auto spent = std::chrono::duration<double, std::milli>(cpu_time() - begin).count();
    fmt::print("2,500 lists of {:2} rules: read in {:6.1f} ms, tables {:8} octets\n", rules_each, spent,
               memory);
}

}  // namespace

int main() {
    for (const int count : {3, 8, 9, 30}) measure_load(count);
    for (const int count : {8, 10, 100, 1000}) {
        measure(count, Hours::None, "no hours");
        measure(count, Hours::Same, "hours, all the same");
        measure(count, Hours::Own, "hours, each its own");
    }
}
