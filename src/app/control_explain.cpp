// Why something may cross or not: policy explain, and the words in records. control.hpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "crosspatch/app/control.hpp"
#include "crosspatch/policy/explain.hpp"
#include "src/app/crossing_facts.hpp"

namespace crosspatch::app {
namespace {

using boost::json::object;
using core::Error;

object key_json(const policy::Decision& decision) {
    return {{"allowed", decision.allowed},
            {"rule", decision.rule ? boost::json::value(decision.rule->id) : boost::json::value(nullptr)},
            {"reason", decision.reason()}};
}

boost::json::array inbound_json(const policy::Crossing& crossing) {
    boost::json::array inbound;
    for (std::size_t i = 0; i < policy::kSuites; ++i) {
        const auto suite = static_cast<policy::Suite>(i);
        if (!crossing.asked.contains(suite)) continue;
        object one = key_json(crossing.inbound_for(suite));
        one["suite"] = policy::word(suite);
        inbound.push_back(std::move(one));
    }
    return inbound;
}

}  // namespace

// Is there a bridge between the two, and what does it do now? Its state goes into `answer` too.
std::string Control::explain_way(const bridge::Channel& from, const bridge::Channel& to,
                                 object& answer) const {
    if (&from == &to) return "one channel: its endpoints hear each other";
    std::string way = fmt::format("no bridge joins {} and {}", from.id, to.id);
    for (const bridge::Bridge& bridge : estate_.config->bridges) {
        const auto leg = [&](const std::string& id) {
            return std::find_if(bridge.legs.begin(), bridge.legs.end(),
                                [&](const auto& l) { return l.channel == id; });
        };
        const auto out = leg(from.id);
        const auto in = leg(to.id);
        if (out == bridge.legs.end() || in == bridge.legs.end()) continue;
        const auto state = bridge_states_.find(bridge.id);
        const bool open = state != bridge_states_.end() && state->second.open;
        const bool ways =
            out->direction != bridge::Direction::Listen && in->direction != bridge::Direction::Talk;
        way = fmt::format("bridge {} joins them; it is {}{}", bridge.id, open ? "open" : "closed",
                          ways ? "" : ", but not in this direction");
        const bool carries = !bridge.sensitivity || label_of(from) >= *bridge.sensitivity;
        if (!carries)
            way +=
                fmt::format(", and what is said on {} is {}, more restricted than the {} that it may carry",
                            from.id, policy::word(label_of(from)), policy::word(*bridge.sensitivity));
        answer["bridge"] = {{"id", bridge.id}, {"open", open}, {"direction", ways}, {"carries", carries}};
        if (open && ways && carries) break;
    }
    return way;
}

core::Result<object> Control::explain(const Question& question, const api::Actor& actor) {
    const Config& config = *estate_.config;
    const endpoint::Settings* talker = nullptr;
    for (const endpoint::Config& one : config.endpoints)
        if (one.settings.id == question.from) talker = &one.settings;
    const bridge::Channel* from = find_channel(config, talker ? talker->channel : question.from);
    const bridge::Channel* to = find_channel(config, question.to);
    // Who belongs to an agency asks about what leaves or reaches his own channels; nothing else is there.
    const bool concerned =
        actor.agency.empty() || (from && is_own(actor, from->id)) || (to && is_own(actor, to->id));
    // Whom he may not know is not there for him.
    const bool is_hidden = hidden_from(actor).contains(question.from);
    if (!from || !concerned || is_hidden)
        return core::unexpected(Error::Code::NotFound,
                                fmt::format("'{}' is neither an endpoint nor a channel", question.from));
    if (!to)
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no channel '{}'", question.to));
    policy::Facts facts = facts_of(*config.names, *from, *to, talker);
    facts.emergency = question.emergency;
    facts.sensitivity = label_of(*from);
    if (question.role &&
        std::find(policy::kRoles.begin(), policy::kRoles.end(), *question.role) == policy::kRoles.end())
        return core::unexpected(Error::Code::Invalid, fmt::format("'{}' is not a role; {}", *question.role,
                                                                  fmt::join(policy::kRoles, ", ")));
    // Looked up, not added: a question leaves nothing behind.
    if (question.role) facts.role = config.names->find(*question.role);
    if (question.talker) facts.talker = config.names->find(*question.talker);
    if (question.kind) {
        const auto kind = policy::kind_of(*question.kind);
        if (!kind)
            return core::unexpected(
                Error::Code::Invalid,
                fmt::format("'{}' is not a kind; voice, text, picture or location", *question.kind));
        facts.kind = *kind;
    }
    if (question.suite) {
        const auto suite = policy::suite_of(*question.suite);
        if (!suite)
            return core::unexpected(Error::Code::Invalid,
                                    fmt::format("'{}' is not a suite; AEAD_AES_256_GCM, AEAD_AES_128_GCM, "
                                                "AES_CM_128_HMAC_SHA1_80 or none",
                                                *question.suite));
        facts.suite = *suite;
    }
    policy::SuiteSet listeners = suites_on(config, to->id);
    // What is no voice travels by the API.
    if (facts.kind != policy::Kind::Voice) {
        facts.suite = policy::Suite::Api;
        listeners = {policy::Suite::Api};
    }
    const policy::Crossing crossing = policy::decide_crossing(from->outbound, to->inbound, facts, listeners,
                                                              question.at.value_or(core::wall_now()));
    object answer{{"allowed", crossing.allowed}, {"from", question.from}, {"to", question.to}};
    answer["outbound"] = key_json(crossing.outbound);
    answer["inbound"] = inbound_json(crossing);
    boost::json::array text;
    for (const std::string& line : policy::explain(facts, crossing, *config.names)) text.emplace_back(line);
    text.emplace_back(explain_way(*from, *to, answer));
    answer["text"] = std::move(text);
    return answer;
}

// The first key that refused, in words, for the record of a talkspurt.
record::Talkspurt::Refusal Control::explain_refusal(std::uint32_t endpoint, std::uint32_t channel) const {
    const Config& config = *estate_.config;
    record::Talkspurt::Refusal refusal{estate_.channels.name(channel), "", ""};
    const auto radio = estate_.radios.find(endpoint);
    const bridge::Channel* to = find_channel(config, refusal.channel);
    if (radio == estate_.radios.end() || !to) return refusal;
    const endpoint::Settings& talker = radio->second->settings;
    const bridge::Channel* from = find_channel(config, talker.channel);
    if (!from) return refusal;
    policy::Facts facts = facts_of(*config.names, *from, *to, &talker);
    facts.sensitivity = label_of(*from);
    const policy::Crossing crossing = policy::decide_crossing(from->outbound, to->inbound, facts,
                                                              suites_on(config, to->id), core::wall_now());
    const auto lines = policy::explain(facts, crossing, *config.names);
    refusal.reason = fmt::format("{}", fmt::join(lines, "; "));
    // Both keys allow it, so it was a bridge that may not carry it.
    if (crossing.allowed) {
        boost::json::object ignored;
        refusal.reason += "; " + explain_way(*from, *to, ignored);
    }
    if (!crossing.outbound.allowed && crossing.outbound.rule) refusal.rule = crossing.outbound.rule->id;
    for (std::size_t i = 0; i < policy::kSuites && crossing.outbound.allowed; ++i)
        if (const auto suite = static_cast<policy::Suite>(i); crossing.asked.contains(suite) &&
                                                              !crossing.inbound_for(suite).allowed &&
                                                              crossing.inbound_for(suite).rule)
            refusal.rule = crossing.inbound_for(suite).rule->id;
    return refusal;
}

}  // namespace crosspatch::app
