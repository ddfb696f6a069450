#include "crosspatch/bridge/jurisdiction.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace crosspatch::bridge {
namespace {

using Because = Verdict::Because;

const std::vector<std::string> kAgencies{"city-fd", "county-eoc", "metro-pd", "northgate", ""};
const std::vector<std::string> kBridges{"joint", "other"};
const std::vector<std::string> kPlaces{"", "mall", "stadium"};
const std::vector<std::string> kAllRoles{"guard",      "officer", "dispatcher",   "supervisor",
                                         "technician", "auditor", "administrator"};

// A rule as a person reads it: words, and an empty list where it says nothing.
struct Plain {
    bool allows{};
    std::vector<std::string> may, agency, role, place, bridge, incident;
};

bool has(const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}
bool holds(const std::vector<std::string>& condition, const std::string& name) {
    return condition.empty() || has(condition, name);
}

struct Asked {
    std::string right, agency, role, bridge, place, incident;
    std::vector<std::string> on_it;
};

// The reference page's sentences, one after the other, and slow. The number of the rule that is named, -1 for none.
std::pair<bool, int> by_the_book(const std::vector<Plain>& rules, const Asked& asked) {
    if (!has(kAllRoles, asked.role)) return {false, -1};
    const bool on_it = has(asked.on_it, asked.agency);
    const bool commanding = asked.role == "dispatcher" || asked.role == "supervisor";
    if (asked.right == "close" && on_it && commanding) return {true, -1};
    const bool for_all = asked.right == "open" || asked.right == "close";
    if (!for_all && !on_it) return {false, -1};
    const auto speaks = [&](const Plain& rule) {
        return has(rule.may, asked.right) && holds(rule.bridge, asked.bridge) &&
               holds(rule.place, asked.place) && holds(rule.incident, asked.incident);
    };
    for (std::size_t i = 0; i < rules.size(); ++i)
        if (speaks(rules[i]) && holds(rules[i].role, asked.role) &&
            (rules[i].agency.empty() ? on_it : has(rules[i].agency, asked.agency)))
            return {rules[i].allows, static_cast<int>(i)};
    if (asked.right != "close" && asked.right != "emergency")
        for (std::size_t i = 0; i < rules.size(); ++i)
            if (speaks(rules[i]) && rules[i].allows) return {false, static_cast<int>(i)};
    if (asked.right == "command") return {false, -1};
    if (!for_all) return {true, -1};
    return {(on_it && commanding) || (asked.agency.empty() && asked.role == "administrator"), -1};
}

template <typename Set, typename Words>
Set set_of(const std::vector<std::string>& names, const Words& words) {
    Set set;
    for (std::size_t i = 0; i < words.size(); ++i)
        if (has(names, std::string{words[i]})) set.set(i);
    return names.empty() ? set.set() : set;
}

std::shared_ptr<JurisdictionRule> compiled(const Plain& plain, std::size_t number) {
    auto rule = std::make_shared<JurisdictionRule>();
    rule->id = fmt::format("r{}", number);
    rule->allows = plain.allows;
    rule->rights = set_of<RightSet>(plain.may, kRights);
    rule->roles = set_of<RoleSet>(plain.role, policy::kRoles);
    rule->incidents = set_of<IncidentSet>(plain.incident, kIncidentKinds);
    for (auto [from, to] : {std::pair{&plain.agency, &rule->agencies}, std::pair{&plain.place, &rule->places},
                            std::pair{&plain.bridge, &rule->bridges}}) {
        *to = *from;
        std::sort(to->begin(), to->end());
    }
    return rule;
}

class Dice {
public:
    explicit Dice(unsigned seed) : random_{seed} {}
    std::size_t below(std::size_t count) {
        return std::uniform_int_distribution<std::size_t>{0, count - 1}(random_);
    }
    template <typename Words>
    std::string one(const Words& words) {
        return std::string{words[below(std::size(words))]};
    }
    // None, two times in three, or up to three of them.
    template <typename Words>
    std::vector<std::string> some(const Words& words, bool at_least_one = false) {
        std::vector<std::string> chosen;
        if (!at_least_one && below(3) != 0) return chosen;
        for (std::size_t left = 1 + below(3); left > 0; --left)
            if (std::string word = one(words); !word.empty() && !has(chosen, word))
                chosen.push_back(std::move(word));
        return chosen;
    }
    Plain rule() {
        Plain plain{.allows = below(3) != 0};
        plain.may = some(kRights, true);
        plain.agency = some(kAgencies);
        plain.role = some(kAllRoles);
        plain.place = some(kPlaces);
        plain.bridge = some(kBridges);
        plain.incident = some(kIncidentKinds);
        return plain;
    }

private:
    std::mt19937 random_;
};

TEST_CASE("every question about random rules is decided as the reference says") {
    std::size_t by_rule = 0;
    std::size_t allowed = 0;
    std::size_t asked = 0;
    for (unsigned seed = 0; seed < 3000; ++seed) {
        Dice dice{seed};
        std::vector<Plain> rules;
        JurisdictionRules all;
        for (std::size_t i = dice.below(6); i > 0; --i) {
            rules.push_back(dice.rule());
            all.push_back(compiled(rules.back(), rules.size() - 1));
        }
        for (int i = 0; i < 40; ++i) {
            const std::size_t kind = dice.below(kIncidentKinds.size() + 1);
            Asked one{.right = dice.one(kRights), .agency = dice.one(kAgencies), .role = dice.one(kAllRoles)};
            if (dice.below(50) == 0) one.role = "";
            one.bridge = dice.one(kBridges);
            one.place = dice.one(kPlaces);
            one.incident = kind < kIncidentKinds.size() ? std::string{kIncidentKinds[kind]} : "none";
            one.on_it = dice.below(2) ? std::vector<std::string>{"northgate", "metro-pd"}
                                      : std::vector<std::string>{"metro-pd", "city-fd"};
            const Jurisdiction there{one.bridge, one.place, one.on_it, all};
            const auto right =
                static_cast<Right>(std::find(kRights.begin(), kRights.end(), one.right) - kRights.begin());
            const Verdict verdict =
                there.decide(right, one.agency, one.role, static_cast<IncidentKind>(kind));
            const auto [may, rule] = by_the_book(rules, one);
            CAPTURE(seed);
            CAPTURE(one.right);
            CAPTURE(one.agency);
            REQUIRE(verdict.allowed == may);
            REQUIRE((verdict.rule ? verdict.rule->id : "") == (rule < 0 ? "" : fmt::format("r{}", rule)));
            REQUIRE_FALSE(explain(verdict, right).empty());
            ++asked;
            by_rule += verdict.rule ? 1 : 0;
            allowed += verdict.allowed ? 1 : 0;
        }
    }
    // The dice show all sides.
    CHECK(by_rule > asked / 10);
    CHECK(allowed > asked / 10);
    CHECK(allowed < asked / 2);
}

// --- What the sentences mean, one by one, on a bridge of northgate and metro-pd at the stadium. ---

struct Stadium {
    Verdict ask(Right right, std::string_view agency, std::string_view role,
                IncidentKind kind = IncidentKind::None) const {
        return Jurisdiction{"joint", "stadium", {"northgate", "metro-pd"}, rules}.decide(right, agency, role,
                                                                                         kind);
    }
    bool may(Right right, std::string_view agency, std::string_view role) const {
        return ask(right, agency, role).allowed;
    }
    void rule(Plain plain) { rules.push_back(compiled(plain, rules.size())); }
    JurisdictionRules rules;
};

TEST_CASE("without a rule dispatchers and supervisors of both sides open and close, and nobody commands") {
    const Stadium stadium;
    for (const auto* agency : {"northgate", "metro-pd"})
        for (const std::string_view role : policy::kRoles) {
            const bool commanding = role == "dispatcher" || role == "supervisor";
            CHECK(stadium.may(Right::Open, agency, role) == commanding);
            CHECK(stadium.may(Right::Close, agency, role) == commanding);
            CHECK(stadium.may(Right::Preempt, agency, role));
            CHECK(stadium.may(Right::Emergency, agency, role));
            CHECK_FALSE(stadium.may(Right::Command, agency, role));
        }
    CHECK_FALSE(stadium.may(Right::Open, "city-fd", "supervisor"));
    CHECK_FALSE(stadium.may(Right::Preempt, "city-fd", "supervisor"));
    CHECK(stadium.may(Right::Open, "", "administrator"));
    CHECK(stadium.may(Right::Close, "", "administrator"));
    CHECK_FALSE(stadium.may(Right::Open, "", "supervisor"));
    CHECK_FALSE(stadium.may(Right::Open, "northgate", "administrator"));
    CHECK_FALSE(stadium.may(Right::Open, "northgate", ""));
}

TEST_CASE(
    "a rule that allows leaves opening, pre-empting and commanding to whom it names, and to nobody else") {
    Stadium stadium;
    stadium.rule({.allows = true,
                  .may = {"open", "preempt", "command"},
                  .agency = {"metro-pd"},
                  .role = {"supervisor"}});
    for (const Right right : {Right::Open, Right::Preempt, Right::Command}) {
        CHECK(stadium.may(right, "metro-pd", "supervisor"));
        CHECK_FALSE(stadium.may(right, "metro-pd", "dispatcher"));
        const Verdict other = stadium.ask(right, "northgate", "supervisor");
        CHECK(other == Verdict{false, Because::Reserved, stadium.rules[0].get()});
        CHECK(explain(other, right) == "jurisdiction rule 'r0' gives it to supervisor of metro-pd");
    }
    // The gateway's administrator is none of those who signed.
    CHECK_FALSE(stadium.may(Right::Open, "", "administrator"));
    CHECK(stadium.may(Right::Close, "", "administrator"));
}

TEST_CASE("closing and emergencies are not left to others by a rule that allows them") {
    Stadium stadium;
    stadium.rule(
        {.allows = true, .may = {"close", "emergency"}, .agency = {"metro-pd"}, .role = {"officer"}});
    CHECK(stadium.may(Right::Close, "metro-pd", "officer"));
    CHECK(stadium.may(Right::Close, "northgate", "dispatcher"));
    CHECK(stadium.may(Right::Emergency, "northgate", "guard"));
}

TEST_CASE("either side closes, whatever a rule says that came past the loader") {
    Stadium stadium;
    stadium.rule({.allows = false, .may = {"close"}});
    CHECK(stadium.ask(Right::Close, "northgate", "dispatcher") == Verdict{true, Because::OwnAgency, nullptr});
    CHECK_FALSE(stadium.may(Right::Close, "northgate", "officer"));
}

TEST_CASE("an emergency is taken away by a rule that denies `emergency`, not by one that denies `preempt`") {
    Stadium stadium;
    stadium.rule({.allows = false, .may = {"preempt"}, .agency = {"northgate"}});
    CHECK_FALSE(stadium.may(Right::Preempt, "northgate", "guard"));
    CHECK(stadium.may(Right::Preempt, "metro-pd", "officer"));
    CHECK(stadium.may(Right::Emergency, "northgate", "guard"));
    stadium.rule({.allows = false, .may = {"emergency"}, .agency = {"northgate"}});
    CHECK_FALSE(stadium.may(Right::Emergency, "northgate", "guard"));
}

TEST_CASE("an agency without a channel there opens and closes where it is named, and has nothing else") {
    Stadium stadium;
    stadium.rule({.allows = true,
                  .may = {"open", "close", "preempt", "emergency", "command"},
                  .agency = {"county-eoc"}});
    CHECK(stadium.may(Right::Open, "county-eoc", "dispatcher"));
    CHECK(stadium.may(Right::Close, "county-eoc", "dispatcher"));
    for (const Right right : {Right::Preempt, Right::Emergency, Right::Command})
        CHECK(stadium.ask(right, "county-eoc", "dispatcher").because == Because::NotOnBridge);
    stadium.rules.clear();
    stadium.rule({.allows = true, .may = {"open"}, .role = {"dispatcher"}});  // of the agencies on the bridge
    CHECK_FALSE(stadium.may(Right::Open, "county-eoc", "dispatcher"));
    CHECK(stadium.may(Right::Open, "northgate", "dispatcher"));
}

TEST_CASE("the first rule decides, with its reason, and only where bridge, place and incident fit") {
    Stadium stadium;
    stadium.rule({.allows = true, .may = {"open"}, .place = {"mall"}});
    stadium.rule({.allows = true, .may = {"open"}, .agency = {"northgate"}, .incident = {"fire", "rescue"}});
    CHECK(stadium.ask(Right::Open, "metro-pd", "dispatcher").because == Because::Usual);
    CHECK(stadium.ask(Right::Open, "metro-pd", "dispatcher", IncidentKind::Fire).because ==
          Because::Reserved);
    CHECK(stadium.ask(Right::Open, "northgate", "guard", IncidentKind::Rescue).allowed);
    CHECK(stadium.ask(Right::Open, "northgate", "guard", IncidentKind::Met).because == Because::Usual);
    auto denies = compiled({.allows = false, .may = {"open"}, .role = {"dispatcher"}}, 7);
    denies->reason = "Supervisors open this one";
    stadium.rules.push_back(denies);
    stadium.rule({.allows = true, .may = {"open"}, .bridge = {"joint"}});
    CHECK(explain(stadium.ask(Right::Open, "metro-pd", "dispatcher"), Right::Open) ==
          "jurisdiction rule 'r7' denies it: Supervisors open this one");
    CHECK(stadium.may(Right::Open, "metro-pd", "guard"));
}

TEST_CASE("who is concerned with a bridge are the agencies on it and those that its rules name") {
    const auto rule = compiled({.allows = true, .may = {"open"}, .agency = {"county-eoc", "metro-pd"}}, 0);
    const Jurisdiction there{"joint", "", {"northgate", "metro-pd"}, {rule}};
    CHECK(there.concerned() == std::vector<std::string>{"county-eoc", "metro-pd", "northgate"});
    CHECK(there.rules().size() == 1);
}

}  // namespace
}  // namespace crosspatch::bridge
