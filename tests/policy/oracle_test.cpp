#include "tests/policy/oracle.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "tests/policy/desk.hpp"

using namespace crosspatch;
using namespace crosspatch::tests::oracle;
using namespace std::chrono_literals;
using tests::Desk;
using tests::utc;

namespace crosspatch::tests::oracle {

bool Oracle::inside(const Span& span, core::WallTime time) {
    static const Words kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    const auto shown = clocks_.try_emplace(span.zone, span.zone).first->second.read(time);
    const auto listed = [&](int day) {
        return std::count(span.days.begin(), span.days.end(), kDays[static_cast<std::size_t>(day)]) > 0;
    };
    const int yesterday = (shown.day + 6) % 7;
    if (span.begin < span.end)
        return listed(shown.day) && shown.minute >= span.begin && shown.minute < span.end;
    return (listed(shown.day) && shown.minute >= span.begin) ||
           (listed(yesterday) && shown.minute < span.end);
}

// All spans and changes of summer time here are at quarters of an hour, so a quarter is looked up once.
bool Oracle::in_one_of(const std::vector<Span>& spans, core::WallTime time) {
    for (const Span& span : spans) {
        const auto quarter = (time - utc(2025, 1, 1)) / 15min;
        auto& seen = seen_.try_emplace(span.text, 4 * 366 * 96, '?').first->second;
        char& answer = seen.at(static_cast<std::size_t>(quarter));
        if (answer == '?') answer = inside(span, time) ? 'y' : 'n';
        if (answer == 'y') return true;
    }
    return false;
}

bool Oracle::matches(const Rule& rule, const Looks& looks, core::WallTime time) {
    const auto lists = [&](const Words& words, const std::string& condition) {
        return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
            if (word.front() != '@') return word == looks.at(condition);
            const Words& members = groups_.at(word.substr(1));
            return std::count(members.begin(), members.end(), looks.at(condition)) > 0;
        });
    };
    for (const auto& [condition, words] : rule.when.words) {
        if (!lists(words, condition)) return false;
    }
    for (const auto& [condition, words] : rule.but_not.words) {
        if (lists(words, condition)) return false;
    }
    if (!rule.when.hours.empty() && !in_one_of(rule.when.hours, time)) return false;
    return !in_one_of(rule.but_not.hours, time);
}

Answer Oracle::ask(const List& list, const Looks& looks, core::WallTime time, bool same_agency) {
    for (const Rule& rule : list) {
        if (!matches(rule, looks, time)) continue;
        if (!rule.allows) return {false, rule.id, 0, 0};
        if (looks.at("suite") == "none" && !same_agency) {
            const auto suites = rule.when.words.find("suite");
            const bool named = suites != rule.when.words.end() &&
                               std::count(suites->second.begin(), suites->second.end(), "none") > 0;
            if (!named) return {false, rule.id, 0, 0};
        }
        return {true, rule.id, rule.gain_db, rule.max_talk_s};
    }
    return {same_agency, "", 0, 0};
}

Answer Oracle::outbound(const List& list, const Situation& s) {
    return ask(list,
               {{"agency", s.to.agency},
                {"channel", s.to.channel},
                {"talker", s.talker},
                {"role", s.role},
                {"kind", s.kind},
                {"emergency", s.emergency},
                {"sensitivity", s.sensitivity},
                {"suite", s.suite},
                {"incident", s.incident},
                {"severity", s.severity}},
               s.time, s.from.agency == s.to.agency);
}

Answer Oracle::inbound(const List& list, const Situation& s, const std::string& listener) {
    return ask(list,
               {{"agency", s.from.agency},
                {"channel", s.from.channel},
                {"talker", s.talker},
                {"role", s.role},
                {"kind", s.kind},
                {"emergency", s.emergency},
                {"sensitivity", s.sensitivity},
                {"suite", listener},
                {"incident", s.incident},
                {"severity", s.severity}},
               s.time, s.from.agency == s.to.agency);
}

}  // namespace crosspatch::tests::oracle

namespace {

const Words kAgencies{"northgate", "metro-pd"};
const Words kChannels{"ng-ops", "ng-gate", "pd-tac-3", "pd-tac-4"};
const std::map<std::string, Words> kVocabulary{
    {"agency", kAgencies},
    {"channel", kChannels},
    {"talker", {"unit-1", "unit-2", "unit-3"}},
    {"role", {"guard", "officer", "dispatcher", "supervisor"}},
    {"kind", {"voice", "text", "picture", "location"}},
    {"emergency", {"true", "false"}},
    {"sensitivity", {"RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"}},
    {"suite", {"AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "none"}},
    {"incident", {"actual", "exercise"}},
    {"severity", {"Extreme", "Severe", "Moderate", "Minor", "Unknown"}}};
// The groups of each condition that has any: as the module reads them, and written out for the oracle.
const char* const kGroupsYaml = R"(
pair: {talkers: [unit-1, unit-2]}
crew: {talkers: ['@pair', unit-3]}
command: {roles: [dispatcher, supervisor]}
guards-side: {channels: [ng-ops, ng-gate]}
mixed: {channels: [ng-gate, pd-tac-3]}
police: {agencies: metro-pd}
)";
const std::map<std::string, Words> kGroups{{"pair", {"unit-1", "unit-2"}},
                                           {"crew", {"unit-1", "unit-2", "unit-3"}},
                                           {"command", {"dispatcher", "supervisor"}},
                                           {"guards-side", {"ng-ops", "ng-gate"}},
                                           {"mixed", {"ng-gate", "pd-tac-3"}},
                                           {"police", {"metro-pd"}}};
const std::map<std::string, Words> kGroupsOf{{"talker", {"@pair", "@crew"}},
                                             {"role", {"@command"}},
                                             {"channel", {"@guards-side", "@mixed"}},
                                             {"agency", {"@police"}}};
const std::vector<Span> kSpans{
    {"Mon-Fri 06:00-22:00 America/Chicago",
     "America/Chicago",
     {"Mon", "Tue", "Wed", "Thu", "Fri"},
     360,
     1320},
    {"Sun 01:00-03:00 America/Chicago", "America/Chicago", {"Sun"}, 60, 180},
    {"Sat-Mon 22:00-02:30 Europe/Berlin", "Europe/Berlin", {"Sat", "Sun", "Mon"}, 1320, 150},
    {"Wed,Sun 00:00-24:00 Australia/Lord_Howe", "Australia/Lord_Howe", {"Wed", "Sun"}, 0, 1440},
    {"Mon-Sun 01:45-02:15 Australia/Lord_Howe",
     "Australia/Lord_Howe",
     {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
     105,
     135}};

// Makes rules and situations that meet often: few names, few conditions.
class Chance {
public:
    explicit Chance(std::uint32_t seed) : random_{seed} {}

    bool once_in(unsigned n) { return random_() % n == 0; }
    std::size_t below(std::size_t n) { return random_() % n; }
    template <typename T>
    const T& one_of(const std::vector<T>& list) {
        return list[below(list.size())];
    }

    Conditions conditions(unsigned rarity) {
        Conditions made;
        for (const auto& [condition, vocabulary] : kVocabulary) {
            if (!once_in(rarity)) continue;
            Words& words = made.words[condition];
            const auto groups = kGroupsOf.find(condition);
            do {
                const bool group = groups != kGroupsOf.end() && once_in(4);
                words.push_back(one_of(group ? groups->second : vocabulary));
            } while (once_in(2));
        }
        if (once_in(rarity)) {
            do {
                made.hours.push_back(one_of(kSpans));
            } while (once_in(3));
        }
        return made;
    }
    // Mostly short; of those that are long, most rules are narrow, so that many of them are come to.
    List list() {
        List made;
        const bool is_long = once_in(8);
        const std::size_t count = is_long ? 9 + below(80) : below(12);
        for (std::size_t i = 0; i < count; ++i) {
            Rule rule{fmt::format("r-{}", i), once_in(2), conditions(is_long ? 2 : 5), {}, 0, 0};
            if (once_in(3)) rule.but_not = conditions(8);
            // One rule that contradicts itself has the whole list refused: too likely among many.
            if (is_long || !once_in(5))
                std::erase_if(rule.but_not.words,
                              [&](const auto& one) { return rule.when.words.contains(one.first); });
            if (rule.allows && once_in(3)) rule.gain_db = static_cast<int>(below(20)) - 10;
            if (rule.allows && once_in(3)) rule.max_talk_s = static_cast<int>(below(60)) + 1;
            made.push_back(std::move(rule));
        }
        return made;
    }
    Party party() {
        const std::size_t channel = below(kChannels.size());
        return {kAgencies[channel / 2], kChannels[channel]};
    }
    Situation situation() {
        Situation s{party(), party(), "", "", "", "", "", "", "none", "none", {}, {}};
        s.talker = once_in(5) ? "stranger" : one_of(kVocabulary.at("talker"));
        s.role = one_of(kVocabulary.at("role"));
        s.kind = one_of(kVocabulary.at("kind"));
        s.emergency = one_of(kVocabulary.at("emergency"));
        s.sensitivity = one_of(kVocabulary.at("sensitivity"));
        s.suite = one_of(kVocabulary.at("suite"));
        if (once_in(2)) {
            s.incident = one_of(kVocabulary.at("incident"));
            s.severity = one_of(kVocabulary.at("severity"));
        }
        for (const std::string& suite : kVocabulary.at("suite")) {
            if (once_in(2)) s.listeners.push_back(suite);
        }
        s.time = time();
        return s;
    }
    // Any quarter of an hour of a year, or one near a change of summer time.
    core::WallTime time() {
        static const std::vector<core::WallTime> kChanges{utc(2026, 3, 8, 8),  utc(2026, 11, 1, 7),
                                                          utc(2026, 3, 29, 1), utc(2026, 10, 25, 1),
                                                          utc(2026, 4, 4, 15), utc(2026, 10, 3, 15, 30)};
        if (once_in(3)) return one_of(kChanges) + 15min * (static_cast<int>(below(24)) - 12);
        return utc(2026, 1, 1) + 15min * static_cast<int>(below(365 * 96));
    }
    core::WallTime between(core::WallTime from, core::WallTime until) {
        const auto span = std::min<std::chrono::nanoseconds>(until - from, std::chrono::days{30});
        return from + std::chrono::nanoseconds{
                          static_cast<std::int64_t>(below(static_cast<std::size_t>(span.count())))};
    }

private:
    std::mt19937_64 random_;
};

std::string yaml(const Conditions& conditions, const std::string& rest) {
    std::string text;
    for (const auto& [condition, words] : conditions.words) {
        text += condition + ": [";
        for (const std::string& word : words) text += word.front() == '@' ? "'" + word + "', " : word + ", ";
        text += "], ";
    }
    if (!conditions.hours.empty()) {
        text += "hours: [";
        for (const Span& span : conditions.hours) text += fmt::format("'{}', ", span.text);
        text += "], ";
    }
    return "{" + text + rest + "}";
}

std::string yaml(const List& list) {
    std::string text = list.empty() ? "[]" : "";
    for (const Rule& rule : list) {
        const bool has_not = !rule.but_not.words.empty() || !rule.but_not.hours.empty();
        text += fmt::format("- {{id: {}, action: {}, when: {}", rule.id, rule.allows ? "allow" : "deny",
                            yaml(rule.when, has_not ? "not: " + yaml(rule.but_not, "") : ""));
        if (rule.gain_db != 0) text += fmt::format(", effects: {{gain: {}dB", rule.gain_db);
        if (rule.max_talk_s != 0)
            text += fmt::format("{}max_talk: {}s", rule.gain_db ? ", " : ", effects: {", rule.max_talk_s);
        text += rule.gain_db || rule.max_talk_s ? "}}\n" : "}\n";
    }
    return text;
}

policy::Facts facts_of(Desk& desk, const Situation& s) {
    policy::Facts facts;
    facts.own_agency = desk.names.find(s.from.agency);
    facts.own_channel = desk.names.find(s.from.channel);
    facts.other_agency = desk.names.find(s.to.agency);
    facts.other_channel = desk.names.find(s.to.channel);
    facts.talker = desk.names.find(s.talker);
    facts.role = desk.names.find(s.role);
    facts.kind = *policy::kind_of(s.kind);
    facts.emergency = s.emergency == "true";
    facts.sensitivity = *policy::sensitivity_of(s.sensitivity);
    facts.suite = *policy::suite_of(s.suite);
    if (s.incident == "none") return facts;
    facts.incident = s.incident == "exercise" ? policy::Incident::Exercise : policy::Incident::Actual;
    const Words& severities = kVocabulary.at("severity");
    facts.severity = static_cast<policy::Severity>(
        std::find(severities.begin(), severities.end(), s.severity) - severities.begin());
    return facts;
}

Answer answer_of(const policy::Decision& decision) {
    const auto max_talk = decision.effects.max_talk.value_or(0ms);
    return {decision.allowed, decision.rule ? decision.rule->id : "",
            static_cast<int>(decision.effects.gain_db), static_cast<int>(max_talk.count() / 1000)};
}

// Two lists, read by the module from the text that means what the oracle knows; with tables, however short they are.
struct Pair {
    List out, in;
    policy::RuleList outbound, inbound;
};

class Comparison {
public:
    explicit Comparison(std::uint32_t seed) : chance_{seed} {
        for (const auto& [condition, words] : kVocabulary) {
            for (const std::string& word : words) desk_.names.intern(word);
        }
        desk_.known.incidents = true;
        desk_.read_groups(kGroupsYaml);
        REQUIRE(desk_.problems.empty());
    }

    // Compares `situations` decisions; false where the lists contradict themselves and were refused.
    bool compare(int situations) {
        Pair pair{chance_.list(), chance_.list(), {}, {}};
        if (!read(pair.out, policy::Side::Outbound, pair.outbound)) return false;
        const Words shadowed = shadowed_rules();
        if (!read(pair.in, policy::Side::Inbound, pair.inbound)) return false;
        for (int i = 0; i < situations; ++i) compare(pair, chance_.situation(), shadowed);
        return true;
    }

    std::size_t differences{};
    std::string first_difference;
    std::size_t allowed{};
    std::size_t shadowed_seen{};
    std::size_t timed{};    // answers that rest on the time
    std::size_t changes{};  // that were found by stepping

private:
    bool read(const List& list, policy::Side side, policy::RuleList& into) {
        into = desk_.read(yaml(list), side, "");
        if (refused()) return false;
        if (!into.rules.empty() && !into.tables)
            into.tables = std::make_shared<const policy::DecisionTables>(into.rules);
        return true;
    }
    bool refused() {
        if (desk_.problems.empty()) return false;
        for (const auto& line : desk_.problems) {
            // The only thing that these lists can have wrong with them.
            if (line.find("`not` takes away every") == std::string::npos) note("refused: " + line);
        }
        return true;
    }
    Words shadowed_rules() {
        Words ids;
        for (const auto& line : desk_.warnings) {
            const auto begin = line.find("rule 'r-");
            if (begin != std::string::npos)
                ids.push_back(line.substr(begin + 6, line.find('\'', begin + 6) - begin - 6));
        }
        return ids;
    }
    void note(std::string what) {
        if (differences++ == 0) first_difference = std::move(what);
    }
    void compare(const Pair& pair, const Situation& s, const Words& shadowed);
    void compare_with_scan(const policy::RuleList& list, const policy::Facts& facts, const Situation& s,
                           const policy::Decision& by_tables);
    void check_steady(const Pair& pair, Situation s, const policy::Crossing& crossing, const Answer& out);
    void step_to_first_change(const Pair& pair, Situation s, const policy::Crossing& crossing);
    void compare_inbound(const Pair& pair, const Situation& s, const policy::Crossing& crossing,
                         const Answer& out);

    Chance chance_;
    Desk desk_;
    Oracle oracle_{kGroups};
    unsigned situations_{};
};

// The scan says the same, and never that it holds for longer than the oracle finds.
void Comparison::compare_with_scan(const policy::RuleList& list, const policy::Facts& facts,
                                   const Situation& s, const policy::Decision& by_tables) {
    const auto scanned = policy::decide_by_scan(list, facts, s.time);
    if (scanned.rule != by_tables.rule || scanned.cause != by_tables.cause ||
        scanned.allowed != by_tables.allowed || scanned.effects != by_tables.effects ||
        scanned.depends_on_time != by_tables.depends_on_time)
        note("scan and tables differ");
    const auto later = policy::decide_by_scan(list, facts, chance_.between(s.time, scanned.valid_until));
    if (later.rule != scanned.rule) note("the scan is not steady");
}

void Comparison::compare_inbound(const Pair& pair, const Situation& s, const policy::Crossing& crossing,
                                 const Answer& out) {
    int max_talk = 0;
    bool any = false;
    for (const std::string& listener : s.listeners) {
        const auto suite = *policy::suite_of(listener);
        const Answer in = oracle_.inbound(pair.in, s, listener);
        if (answer_of(crossing.inbound_for(suite)) != in) note("inbound:\n" + yaml(pair.in));
        const bool hears = out.allowed && in.allowed;
        any |= hears;
        if (crossing.listeners.contains(suite) != hears) note("listener " + listener + ":\n" + yaml(pair.in));
        if (!hears) continue;
        if (crossing.effects_for(suite).gain_db != out.gain_db + in.gain_db) note("gain:\n" + yaml(pair.in));
        for (const int limit : {out.max_talk_s, in.max_talk_s}) {
            if (limit != 0 && (max_talk == 0 || limit < max_talk)) max_talk = limit;
        }
    }
    if (crossing.allowed != any) note("both keys:\n" + yaml(pair.out) + yaml(pair.in));
    if (crossing.max_talk.value_or(0ms) != std::chrono::seconds{max_talk})
        note("max_talk:\n" + yaml(pair.in));
    allowed += any;
}

void Comparison::compare(const Pair& pair, const Situation& s, const Words& shadowed) {
    policy::SuiteSet listeners;
    for (const std::string& suite : s.listeners) listeners.insert(*policy::suite_of(suite));
    const policy::Facts facts = facts_of(desk_, s);
    const auto crossing = policy::decide_crossing(pair.outbound, pair.inbound, facts, listeners, s.time);
    const Answer out = oracle_.outbound(pair.out, s);
    if (answer_of(crossing.outbound) != out) note("outbound:\n" + yaml(pair.out));
    compare_inbound(pair, s, crossing, out);
    if (std::count(shadowed.begin(), shadowed.end(), out.rule) > 0)
        note("decided by " + out.rule + ":\n" + yaml(pair.out));
    shadowed_seen += shadowed.size();
    compare_with_scan(pair.outbound, facts, s, crossing.outbound);
    for (const std::string& listener : s.listeners) {
        const auto suite = *policy::suite_of(listener);
        compare_with_scan(pair.inbound, facts.from_other_side(suite), s, crossing.inbound_for(suite));
    }
    check_steady(pair, s, crossing, out);
    timed += crossing.depends_on_time;
    if (++situations_ % 200 == 0) step_to_first_change(pair, s, crossing);
}

// What is said to stand until some time stands at any time before it, to the last moment.
void Comparison::check_steady(const Pair& pair, Situation s, const policy::Crossing& crossing,
                              const Answer& out) {
    const auto begin = s.time;
    for (const auto time : {chance_.between(begin, crossing.valid_until), crossing.valid_until - 1ns}) {
        s.time = std::min(time, begin + std::chrono::days{30});
        if (oracle_.outbound(pair.out, s) != out) note("not steady:\n" + yaml(pair.out));
        for (const std::string& listener : s.listeners) {
            if (oracle_.inbound(pair.in, s, listener) !=
                answer_of(crossing.inbound_for(*policy::suite_of(listener)))) {
                note("not steady:\n" + yaml(pair.in));
            }
        }
    }
}

// Every quarter of an hour for eight days: the first at which the oracle answers otherwise comes no earlier than
// each key's valid_until.
void Comparison::step_to_first_change(const Pair& pair, Situation s, const policy::Crossing& crossing) {
    const auto begin = s.time;
    const auto first_change = [&](const auto& ask) {
        s.time = begin;
        const Answer before = ask();
        while (s.time < begin + std::chrono::days{8} && ask() == before) s.time += 15min;
        changes += s.time < begin + std::chrono::days{8};
        return s.time < begin + std::chrono::days{8} ? s.time : core::WallTime::max();
    };
    if (crossing.outbound.valid_until > first_change([&] { return oracle_.outbound(pair.out, s); }))
        note("late:\n" + yaml(pair.out));
    if (s.listeners.empty()) return;
    const std::string& listener = s.listeners.front();
    const auto& inbound = crossing.inbound_for(*policy::suite_of(listener));
    if (inbound.valid_until > first_change([&] { return oracle_.inbound(pair.in, s, listener); }))
        note("late:\n" + yaml(pair.in));
}

}  // namespace

TEST_CASE("random rules in random situations are decided as the slow and plain policy decides them") {
    // 10^6 situations with CROSSPATCH_LONG=1, 60,000 otherwise.
    const bool thorough = std::getenv("CROSSPATCH_LONG") != nullptr;
    const int wanted = thorough ? 50'000 : 3'000;  // pairs of lists
    constexpr int kSituations = 20;                // for each
    Comparison comparison{20260701};
    int refused = 0;
    for (int pairs = 0; pairs < wanted;) comparison.compare(kSituations) ? ++pairs : ++refused;
    CHECK(comparison.differences == 0);
    INFO(comparison.first_difference);
    CHECK(comparison.first_difference.empty());
    // The situations are worth something: both answers are common, and shadowed rules occur.
    CHECK(comparison.allowed > static_cast<std::size_t>(wanted) * kSituations / 20);
    CHECK(comparison.allowed < static_cast<std::size_t>(wanted) * kSituations * 19 / 20);
    CHECK(comparison.shadowed_seen > 1000);
    CHECK(comparison.timed > static_cast<std::size_t>(wanted) * kSituations / 20);
    CHECK(comparison.changes > 50);
    CHECK(refused < wanted / 3);
}
