#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "tests/policy/clock.hpp"

// A second policy, written to be read rather than to be quick: rules and situations are words, and every
// question is answered by going through them as contract.md puts it. Nothing of the module is in it.
namespace crosspatch::tests::oracle {

using Words = std::vector<std::string>;

struct Span {
    std::string text;  // as the configuration has it
    std::string zone;
    Words days;
    int begin, end;  // minutes since midnight
};

// `when`, or what is under its `not`: condition → the words that it lists.
struct Conditions {
    std::map<std::string, Words> words;
    std::vector<Span> hours;
};

struct Rule {
    std::string id;
    bool allows;
    Conditions when;
    Conditions but_not;
    int gain_db;     // 0: none written
    int max_talk_s;  // 0: none written
};
using List = std::vector<Rule>;

struct Party {
    std::string agency, channel;
};

struct Situation {
    Party from, to;
    std::string talker, role, kind, emergency, sensitivity;
    std::string suite;               // the talker's
    std::string incident, severity;  // `none`: there is no incident
    Words listeners;                 // their suites
    core::WallTime time;
};

struct Answer {
    bool allowed{};
    std::string rule;  // empty: none matched
    int gain_db{};
    int max_talk_s{};
    friend bool operator==(const Answer&, const Answer&) = default;
};

class Oracle {
public:
    // `groups`: the names that each stands for.
    explicit Oracle(std::map<std::string, Words> groups) : groups_{std::move(groups)} {}
    Answer outbound(const List& list, const Situation& s);
    Answer inbound(const List& list, const Situation& s, const std::string& listener);

private:
    using Looks = std::map<std::string, std::string>;  // condition → what it looks at
    Answer ask(const List& list, const Looks& looks, core::WallTime time, bool same_agency);
    bool matches(const Rule& rule, const Looks& looks, core::WallTime time);
    bool in_one_of(const std::vector<Span>& spans, core::WallTime time);
    bool inside(const Span& span, core::WallTime time);
    std::map<std::string, Words> groups_;
    std::map<std::string, WallClock> clocks_;
    std::map<std::string, std::vector<char>> seen_;  // by span: what was found for each quarter of an hour
};

}  // namespace crosspatch::tests::oracle
