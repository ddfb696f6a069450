#pragma once
#include <chrono>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/policy/engine.hpp"

namespace crosspatch::tests {

// `2026-07-01 14:30` in UTC.
inline core::WallTime utc(int year, unsigned month, unsigned day, int hour = 0, int minute = 0,
                          int second = 0) {
    using namespace std::chrono;
    return sys_days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}} +
           hours{hour} + minutes{minute} + seconds{second};
}

inline const core::WallTime kToday = utc(2026, 7, 1);  // a Wednesday

// Lines of text that a failed check prints.
struct Lines : std::vector<std::string> {
    using vector::vector;
    Lines(std::vector<std::string> lines) : vector{std::move(lines)} {}
    friend std::ostream& operator<<(std::ostream& out, const Lines& lines) {
        for (const std::string& line : lines) out << "\n  " << line;
        return out;
    }
};

// Two agencies with two channels each, and a desk at which rule lists are written.
struct Desk {
    policy::Names names;
    policy::Zones zones{kToday};
    policy::Known known{{"northgate", "metro-pd"},
                        {{"ng-ops", "northgate"},
                         {"ng-gate", "northgate"},
                         {"pd-tac-3", "metro-pd"},
                         {"pd-tac-4", "metro-pd"}}};
    policy::Groups groups;
    Lines problems;  // of the last read()
    Lines warnings;

    policy::RuleList read(std::string_view yaml, policy::Side side = policy::Side::Outbound,
                          std::string_view own_channel = "ng-ops") {
        core::config::Problems found{"rules.yaml"};
        const auto document = core::config::Document::parse(std::string{yaml} + "\n", found);
        policy::Vocabulary vocabulary{known};
        vocabulary.use(groups);
        policy::RuleList list =
            policy::read_rules(document.root(), side, own_channel, vocabulary, names, zones);
        problems = found.lines();
        warnings = found.warnings();
        return list;
    }

    // Puts the groups in force for what is read after it.
    void read_groups(std::string_view yaml) {
        core::config::Problems found{"rules.yaml"};
        const auto document = core::config::Document::parse(std::string{yaml} + "\n", found);
        const policy::Vocabulary vocabulary{known};
        groups = policy::read_groups(document.root(), vocabulary, names);
        problems = found.lines();
    }

    // A guard of ng-ops talks to pd-tac-3, as ng-ops sees it.
    policy::Facts guard_to_police() {
        policy::Facts facts;
        facts.own_agency = names.intern("northgate");
        facts.own_channel = names.intern("ng-ops");
        facts.other_agency = names.intern("metro-pd");
        facts.other_channel = names.intern("pd-tac-3");
        facts.talker = names.intern("ng-unit-7");
        facts.role = names.intern("guard");
        facts.sensitivity = policy::Sensitivity::Green;
        return facts;
    }
    policy::Facts guard_to_guard() {
        policy::Facts facts = guard_to_police();
        facts.other_agency = facts.own_agency;
        facts.other_channel = names.intern("ng-gate");
        return facts;
    }
};

}  // namespace crosspatch::tests
