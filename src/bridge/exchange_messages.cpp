// Floor messages: what radios that have them ask, and what they are told. exchange.hpp, ptt/mcpt_server.hpp.
#include <algorithm>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {

using Heard = ptt::McptServer::Heard;
using namespace std::chrono_literals;

namespace {

constexpr auto kForgotten = 2s;  // without a message: who comes then under another SSRC has begun anew

}  // namespace

void Exchange::signalled(media::Endpoint& from, const rtp::App& app, std::optional<std::uint32_t> order,
                         core::Time now) {
    const std::uint32_t who = from.index();
    auto& dropped = from.source.counters().dropped;
    ptt::McptServer* server = plan(who).floor_messages.get();
    if (!server) return;  // some other application's
    if (endpoints_[who].standing != Standing::Enabled) return dropped(media::Drop::Disabled);
    const auto message = rtp::parse_floor_message(app);
    if (!message) return dropped(media::Drop::FloorMessage);
    EndpointState& state = endpoints_[who];
    // A radio that was switched off and on again asks as somebody new; another device does so while it is there.
    const auto press = arbiter_.participant_state(who);
    const bool rests = press == floor::ParticipantState::Silent || press == floor::ParticipantState::Queued;
    const bool asks_anew = message->type == rtp::FloorType::Request && message->sender != from.sink.ssrc() &&
                           server->client() != message->sender;
    if (asks_anew && rests && now > state.asked_at + kForgotten) {
        arbiter_.release(who, now, decisions_);  // nobody is left who waits
        act(now);
        server->set_client(message->sender);
    }
    const auto heard = server->on_message(*message, now, order);
    if (!heard) return dropped(media::Drop::FloorMessage);
    state.asked_at = now;
    if (heard->ack_wanted) say(who, server->acknowledgement(*message));
    switch (heard->kind) {
        case Heard::Kind::Request:
            return ask(who, *heard, now);
        case Heard::Kind::Release:
            arbiter_.acknowledge(who);
            arbiter_.release(who, now, decisions_);
            act(now);
            return say(who, server->answer(scene(who)));
        case Heard::Kind::QueuePositionRequest:
            return say(who, server->queue_position(arbiter_.queue_position(who), scene(who)));
        case Heard::Kind::Ack:
            return arbiter_.acknowledge(who);
    }
}

void Exchange::ask(std::uint32_t who, const Heard& heard, core::Time now) {
    const Topology::Endpoint& talker = plan(who);
    const bool may = may_claim(who, heard.level);
    const bool may_broadcast = !heard.broadcast || talker.may_broadcast;
    const floor::Claim claim{may ? heard.level : floor::Class::Normal,
                             std::min(heard.priority.value_or(talker.priority), talker.priority)};
    using State = floor::ParticipantState;
    const State before = arbiter_.participant_state(who);
    const bool presses = before == State::Talking || before == State::Revoking || before == State::Queued;
    const bool more = claims_more(who, heard.level, presses);
    const bool tell = is_news(who, claim, now);
    Report requested = report(Report::Kind::Requested, now);
    requested.endpoint = who;
    requested.channel = talker.channel;
    requested.is_explicit = true;
    requested.priority = claim.priority;
    requested.emergency = claim.level == floor::Class::Emergency;
    requested.claimed = heard.level;
    requested.user_id_size =
        static_cast<std::uint8_t>(std::min(heard.user_id.size(), requested.user_id.size()));
    std::copy_n(heard.user_id.begin(), requested.user_id_size, requested.user_id.begin());
    requested.cut_down = !may || !may_broadcast || heard.priority > talker.priority;
    if (tell || more) send(requested);
    bool broadcast = false;
    for (const auto one : {arbiter_.holder(talker.channel), arbiter_.beside(talker.channel)})
        broadcast |= one && *one != who && endpoints_[*one].broadcasts;
    if (!arbiter_.holds(who, talker.channel)) endpoints_[who].broadcasts = heard.broadcast && may_broadcast;
    if (!talker.talks || (broadcast && claim.level != floor::Class::Emergency)) {
        arbiter_.deny(
            {.participant = who, .own = {.channel = talker.channel}, .claim = claim, .signal = talker.signal},
            floor::Cause::ReceiveOnly, now, decisions_);
        return act(now);
    }
    press(who, claim, tell, now);
}

// contract.md, Floor: what is claimed without the right to it is recorded, also where it changes nothing; once a class and
// press.
bool Exchange::claims_more(std::uint32_t who, floor::Class level, bool presses) {
    floor::Class& claimed = endpoints_[who].claimed;
    const bool more = presses && level > claimed;
    if (!presses || more) claimed = level;
    return more;
}

// Not the same press again, and no more than five of them a second: what is beyond is counted as messages are.
bool Exchange::is_news(std::uint32_t who, const floor::Claim& claim, core::Time now) {
    constexpr std::uint8_t kMost = 5;
    using State = floor::ParticipantState;
    const State press = arbiter_.participant_state(who);
    const bool presses = press == State::Talking || press == State::Revoking || press == State::Queued;
    if (presses && claim.level <= arbiter_.claim(who).level) return false;
    EndpointState& state = endpoints_[who];
    if (now > state.asking_since + 1s || claim.level > state.asked_level) {
        state.asking_since = now;
        state.asked = 0;
        state.asked_level = claim.level;
    }
    return state.asked < kMost && ++state.asked > 0;
}

// The bridge's `when_busy` is for who can be told that he waits.
floor::WhenBusy Exchange::when_busy(std::uint32_t who) const {
    if (plan(who).signal != floor::Signal::Explicit) return floor::WhenBusy::Skip;
    const auto& bridges = topology_->channels[plan(who).channel].bridges;
    const auto waits = [this](std::uint32_t bridge) {
        return open_[bridge] && topology_->bridges[bridge].when_busy == floor::WhenBusy::Wait;
    };
    return std::any_of(bridges.begin(), bridges.end(), waits) ? floor::WhenBusy::Wait : floor::WhenBusy::Skip;
}

// Who may not hear somebody is told that the floor is taken, and not by whom: policy takes listeners out by suite.
bool Exchange::may_know(std::uint32_t who, std::uint32_t talker) const {
    if (plan(who).channel == plan(talker).channel) return true;
    const Far* far = far_of(talker, plan(who).channel);
    return far && plan(who).listens && far->suites.contains(plan(who).suite);
}

// Who is to hear somebody without knowing him is told a pseudonym.
std::string_view Exchange::name_for(std::uint32_t who, std::uint32_t talker) const {
    if (!may_know(who, talker)) return {};
    const Far* far = far_of(talker, plan(who).channel);
    if (far && far->hidden.contains(plan(who).suite)) return {far->alias.data(), far->alias_size};
    return plan(talker).identity;
}

// How his talkspurt gets to `channel`; nothing if it does not, or is said there.
const Exchange::Far* Exchange::far_of(std::uint32_t talker, std::uint32_t channel) const {
    const auto& far = home(talker).far;
    const auto found =
        std::find_if(far.begin(), far.end(), [&](const Far& one) { return one.channel == channel; });
    return found == far.end() ? nullptr : &*found;
}

// `sip:K7QX2MAB@riverside-gw`. Nobody at all where the bridge has no keys, or where it does not fit.
void Exchange::hide(Far& far, std::uint32_t talker) const {
    const Topology::Channel& channel = topology_->channels[plan(talker).channel];
    if (far.bridge >= pseudonyms_.size() || !pseudonyms_[far.bridge]) return;
    const auto made = pseudonyms_[far.bridge]->of(channel.agency_id, plan(talker).talker_id);
    const std::string_view identity = plan(talker).identity;
    const std::string_view host = identity.substr(std::min(identity.find('@'), identity.size()));
    const std::string_view scheme = "sip:";
    if (!made || scheme.size() + made->size() + host.size() > far.alias.size()) return;
    auto end = std::copy(scheme.begin(), scheme.end(), far.alias.begin());
    end = std::copy(made->begin(), made->end(), end);
    end = std::copy(host.begin(), host.end(), end);
    far.alias_size = static_cast<std::uint8_t>(end - far.alias.begin());
}

// How things stand for this endpoint while `talker` has its channel's floor.
ptt::McptServer::Scene Exchange::scene(std::uint32_t who, std::optional<std::uint32_t> talker) const {
    ptt::McptServer::Scene scene{.claim = arbiter_.claim(who)};
    scene.broadcast = talker && endpoints_[*talker].broadcasts;
    if (talker)
        scene.talker = ptt::McptServer::Talker{.who = *talker,
                                               .identity = name_for(who, *talker),
                                               .ssrc = plan(who).media->sink.ssrc(),
                                               .level = arbiter_.claim(*talker).level};
    return scene;
}

ptt::McptServer::Scene Exchange::scene(std::uint32_t who) const {
    return scene(who, arbiter_.holder(plan(who).channel));
}

void Exchange::say(std::uint32_t who, const std::optional<rtp::FloorMessage>& message) {
    if (!message || !plan(who).media) return;
    plan(who).media->send_floor_message(path_.outbox, *message);
    wish_to_send(*plan(who).media, core::Time{});  // each one takes an SRTCP index
}

void Exchange::tell_one(std::uint32_t who, const floor::Decision& decision) {
    ptt::McptServer* server = plan(who).floor_messages.get();
    if (!server || !plan(who).media) return;
    // Who had the floor when that was decided: it may be free again, or another's.
    using Kind = floor::Decision::Kind;
    const bool taken = decision.kind == Kind::Taken || decision.kind == Kind::RepeatTaken;
    // Who talks beside the holder would take it for the end of his own floor.
    if (taken && !decision.beside && arbiter_.beside(plan(who).channel) == who) return;
    const bool granted = decision.kind == Kind::Granted || decision.kind == Kind::RepeatGranted;
    say(who, server->tell(decision, taken || granted ? scene(who, decision.participant) : scene(who)));
}

// Who joins, or is switched on, learns how things stand.
void Exchange::tell_state(std::uint32_t who) {
    ptt::McptServer* server = plan(who).floor_messages.get();
    if (endpoints_[who].standing != Standing::Enabled) return;
    if (!server || !plan(who).media) return;
    if (arbiter_.beside(plan(who).channel) != who) say(who, server->state(scene(who)));
    if (const auto beside = arbiter_.beside(plan(who).channel))
        say(who, server->state(scene(who, *beside), true));
}

void Exchange::tell(const floor::Decision& decision) {
    using Kind = floor::Decision::Kind;
    switch (decision.kind) {
        case Kind::Taken:
        case Kind::Idle:
        case Kind::RepeatTaken:
        case Kind::RepeatIdle:
            admission_.told(topology_->channels[decision.channel].telling);
            for (const std::uint32_t listener : topology_->channels[decision.channel].messaged)
                if (endpoints_[listener].standing == Standing::Enabled) tell_one(listener, decision);
            return;
        default:
            if (decision.participant != floor::kNobody) tell_one(decision.participant, decision);
    }
}

void Exchange::empty_queue(std::uint32_t channel, floor::Class spared, floor::Cause cause, core::Time now) {
    for (const std::uint32_t who : topology_->channels[channel].messaged) {
        if (arbiter_.participant_state(who) != floor::ParticipantState::Queued) continue;
        if (arbiter_.claim(who).level >= spared) continue;
        arbiter_.revoke(who, cause, now, decisions_);
        act(now);
    }
}

void Exchange::refuse_floors(bool refuse, core::Time now) {
    refuse_floors_ = refuse;
    if (!refuse) return;
    for (std::uint32_t channel = 0; channel < topology_->channels.size(); ++channel)
        if (minds(channel)) empty_queue(channel, floor::Class::Emergency, floor::Cause::RecordFailed, now);
}

void Exchange::show_queue(std::uint32_t channel, core::Time now) {
    std::array<floor::Waiting, Report::kListed> waiting;
    Report shown = report(Report::Kind::Queue, now);
    shown.channel = channel;
    shown.position = static_cast<std::uint16_t>(arbiter_.queue(channel, waiting));
    shown.listed_count = static_cast<std::uint8_t>(std::min<std::size_t>(shown.position, waiting.size()));
    for (std::size_t i = 0; i < shown.listed_count; ++i) shown.listed[i] = waiting[i].participant;
    send(shown);
}

}  // namespace crosspatch::bridge
