// Who may command what: bridges, radios, consents. control.hpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "crosspatch/app/control.hpp"
#include "src/app/crossing_facts.hpp"

namespace crosspatch::app {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;
using bridge::Right;
using bridge::Verdict;
using core::Error;

const bridge::Bridge* find_bridge(const Config& config, std::string_view id) {
    const auto found = std::find_if(config.bridges.begin(), config.bridges.end(),
                                    [&](const auto& one) { return one.id == id; });
    return found == config.bridges.end() ? nullptr : &*found;
}

bool administrates(const api::Actor& actor) { return actor.role == "administrator" && actor.agency.empty(); }

// Of an agency with a channel on it.
bool is_on(const api::Actor& actor, const bridge::Bridge& bridge) {
    return std::find(bridge.agencies.begin(), bridge.agencies.end(), actor.agency) != bridge.agencies.end();
}

Verdict decide(const bridge::Bridge& bridge, Right right, const api::Actor& actor) {
    return bridge.jurisdiction.decide(right, actor.agency, actor.role);
}

// The usual words where no rule decides.
std::string why_not_opened(const bridge::Bridge& bridge, const Verdict& verdict, const api::Actor& actor) {
    if (verdict.rule)
        return fmt::format("{} may not open bridge '{}': {}", actor.name, bridge.id,
                           explain(verdict, Right::Open));
    if (!commands(actor))
        return fmt::format("{} is {} here; dispatchers and supervisors open and close bridges", actor.name,
                           actor.role.empty() ? "nobody" : actor.role);
    return fmt::format("agency '{}' of {} has no channel on bridge '{}'", actor.agency, actor.name,
                       bridge.id);
}

bool names(const bridge::Preemption& rule, Right right, const std::string& agency, std::string_view role) {
    return rule.emergency == (right == Right::Emergency) && (rule.agency.empty() || rule.agency == agency) &&
           (rule.roles.empty() || std::find(rule.roles.begin(), rule.roles.end(), role) != rule.roles.end());
}

struct Answer {
    bool allowed{};
    value rule;  // its id, or null
    std::string text;
    bool operator==(const Answer&) const = default;
};

// What jurisdiction says, and where it leaves the floor to `preemption`, what that says.
Answer answer_of(const bridge::Bridge& bridge, Right right, const std::string& agency,
                 std::string_view role) {
    const Verdict verdict = bridge.jurisdiction.decide(right, agency, role);
    Answer answer{verdict.allowed, verdict.rule ? value(verdict.rule->id) : value(nullptr),
                  explain(verdict, right)};
    const auto& rules = bridge.preemption;
    if ((right == Right::Preempt || right == Right::Emergency) && verdict.allowed &&
        std::none_of(rules.begin(), rules.end(),
                     [&](const auto& r) { return names(r, right, agency, role); })) {
        answer.allowed = false;
        answer.text = "no `preemption` of the bridge names him";
    }
    return answer;
}

// One row for all roles of an agency that get the same answer.
void add_rows(const bridge::Bridge& bridge, const std::string& agency, const std::optional<std::string>& only,
              array& rows) {
    for (std::size_t i = 0; i < bridge::kRights.size(); ++i) {
        std::vector<std::pair<Answer, array>> groups;
        for (const std::string_view role : policy::kRoles) {
            if (only ? role != *only : agency.empty() && role != "administrator") continue;
            Answer answer = answer_of(bridge, static_cast<Right>(i), agency, role);
            auto group = std::find_if(groups.begin(), groups.end(),
                                      [&](const auto& one) { return one.first == answer; });
            if (group == groups.end()) group = groups.insert(groups.end(), {std::move(answer), {}});
            group->second.emplace_back(role);
        }
        for (auto& [answer, roles] : groups)
            rows.push_back(object{{"right", bridge::kRights[i]},
                                  {"agency", agency.empty() ? value(nullptr) : value(agency)},
                                  {"roles", std::move(roles)},
                                  {"allowed", answer.allowed},
                                  {"rule", std::move(answer.rule)},
                                  {"text", std::move(answer.text)}});
    }
}

}  // namespace

core::Result<void> Control::may_open(const bridge::Bridge& bridge, const api::Actor& actor) const {
    const Verdict verdict = decide(bridge, Right::Open, actor);
    if (verdict.allowed) return {};
    return core::unexpected(Error::Code::NotPermitted, why_not_opened(bridge, verdict, actor));
}

// A signed statement: whoever may open the bridge, and whoever could if no rule kept it to others, for his agency's word
// must find its way.
core::Result<void> Control::may_hand_in(const bridge::Bridge& bridge, const api::Actor& actor) const {
    if (administrates(actor) || (commands(actor) && is_on(actor, bridge))) return {};
    return may_open(bridge, actor);
}

// Who may cut: an administrator without an agency, the commanding roles of an agency that is concerned, and whom
// jurisdiction lets. Consent is taken back only by who may give it.
core::Result<Control::Command> Control::may_cut(api::Cut what, std::string_view id, const api::Actor& actor,
                                                const Config& config) const {
    if (what == api::Cut::DisableEndpoint || what == api::Cut::RevokeEndpoint)
        return may_switch(id, what == api::Cut::DisableEndpoint, actor, config);
    const bridge::Bridge* bridge = find_bridge(config, id);
    if (what == api::Cut::RevokeConsent) {
        if (bridge && commands(actor) && is_on(actor, *bridge)) return Command{};
        return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("{} may not revoke a consent to '{}': dispatchers and supervisors of an agency on it "
                        "revoke their own; `crosspatchctl bridge close` closes it as fast",
                        actor.name, id));
    }
    const Verdict verdict = bridge ? decide(*bridge, Right::Close, actor) : Verdict{};
    if (verdict.allowed) return Command{};
    return core::unexpected(
        Error::Code::NotPermitted,
        fmt::format("{} may not close '{}': {}", actor.name, id, bridge::explain(verdict, Right::Close)));
}

// His own agency's radio, or one that an open bridge joins to it and jurisdiction lets him command.
core::Result<Control::Command> Control::may_switch(std::string_view endpoint, bool by_command,
                                                   const api::Actor& actor, const Config& config) const {
    const auto radio = std::find_if(config.endpoints.begin(), config.endpoints.end(),
                                    [&](const auto& one) { return one.settings.id == endpoint; });
    const bridge::Channel* channel =
        radio == config.endpoints.end() ? nullptr : find_channel(config, radio->settings.channel);
    const bool own = channel && channel->agency == actor.agency;
    if (administrates(actor) || (own && (commands(actor) || actor.role == "technician"))) return Command{};
    std::string why;
    for (const bridge::Bridge& bridge : config.bridges) {
        const bool joins = channel && !own && by_command && is_open_now(bridge.id) &&
                           std::any_of(bridge.legs.begin(), bridge.legs.end(),
                                       [&](const auto& leg) { return leg.channel == channel->id; });
        if (!joins) continue;
        const Verdict verdict = decide(bridge, Right::Command, actor);
        if (verdict.allowed) return Command{bridge.id, verdict.rule->id, channel->id};
        if (verdict.rule && why.empty())
            why = fmt::format(" by command of bridge '{}': {}", bridge.id,
                              bridge::explain(verdict, Right::Command));
    }
    return core::unexpected(Error::Code::NotPermitted,
                            fmt::format("{} may not switch '{}' off or on{}", actor.name, endpoint, why));
}

// Whose radio it is finds it in his log, too.
void Control::note_command(const Command& command, record::Entry& entry) {
    if (command.rule.empty()) return;
    entry.object["channel"] = command.channel;
    entry.detail["bridge"] = command.bridge;
    entry.detail["rule"] = command.rule;
}

// A bridge that is being cut is closed already.
bool Control::is_open_now(const std::string& id) const {
    const std::shared_ptr<const std::set<std::string>> open = open_now_.load();
    const std::shared_ptr<const Directory> directory = directory_.load();
    if (!open || !directory || !open->contains(id)) return false;
    const auto index = directory->bridges.find(id);
    return index != directory->bridges.end() && !cuts_.closes(index->second);
}

void Control::publish_open() {
    auto open = std::make_shared<std::set<std::string>>();
    for (const auto& [id, state] : bridge_states_)
        if (state.open) open->insert(id);
    open_now_.store(std::move(open));
}

// Who has no channel on a bridge sees it all the same if a rule lets him open or close it.
bool Control::has_rights(const api::Actor& actor, const bridge::Bridge& bridge) {
    return decide(bridge, Right::Open, actor).allowed || decide(bridge, Right::Close, actor).allowed;
}

array Control::rights_json(const api::Actor& actor, const bridge::Bridge& bridge) {
    array rights;
    for (std::size_t i = 0; i < bridge::kRights.size(); ++i)
        if (answer_of(bridge, static_cast<Right>(i), actor.agency, actor.role).allowed)
            rights.emplace_back(bridge::kRights[i]);
    return rights;
}

core::Result<object> Control::jurisdiction(std::string_view id, const Whom& whom, const api::Actor& actor) {
    const bridge::Bridge* bridge = bridge_config(id);
    if (!bridge || !may_see(actor, *bridge))
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no bridge '{}'", id));
    const auto& agencies = estate_.config->agencies;
    if (whom.agency && std::none_of(agencies.begin(), agencies.end(),
                                    [&](const auto& one) { return one.id == *whom.agency; }))
        return core::unexpected(Error::Code::Invalid, "there is no such agency");
    if (whom.role &&
        std::find(policy::kRoles.begin(), policy::kRoles.end(), *whom.role) == policy::kRoles.end())
        return core::unexpected(Error::Code::Invalid, fmt::format("there is no such role; it is one of {}",
                                                                  fmt::join(policy::kRoles, ", ")));
    std::vector<std::string> asked = bridge->jurisdiction.concerned();
    asked.emplace_back();  // who belongs to none
    if (whom.agency) asked = {*whom.agency};
    array rows;
    for (const std::string& agency : asked) add_rows(*bridge, agency, whom.role, rows);
    return object{{"id", bridge->id},
                  {"place", bridge->place.empty() ? value(nullptr) : value(bridge->place)},
                  {"rights", std::move(rows)}};
}

}  // namespace crosspatch::app
