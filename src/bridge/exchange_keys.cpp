// Radios that tell their key beside the sound, by ED-137 or telephone events: exchange.hpp, ptt/ed137.hpp, ptt/event_key.hpp.
#include "crosspatch/bridge/exchange.hpp"
#include "crosspatch/rtp/telephone_event.hpp"

namespace crosspatch::bridge {

using media::Drop;
using media::Packet;

// Sound counts while the key is down. A key that stays down after its floor ran out presses anew with what comes next.
media::Talkspurt* Exchange::pass_keyed(media::Endpoint& from, const Packet& packet, core::Time now) {
    const std::uint32_t who = from.index();
    auto& dropped = from.source.counters().dropped;
    if (packet.new_stream && plan(who).event_key) begin_anew(who, now);
    if (plan(who).pre_roll && !key_is_down(who)) return keep_for_key(from, packet, now), nullptr;
    if (!key_is_down(who) || talk_by_key(who, packet.dtx, now) != floor::Verdict::Pass) {
        note_refused(who, now);
        return dropped(Drop::NoFloor), nullptr;
    }
    if (packet.stale) return dropped(Drop::Stale), nullptr;
    return carried_by(from, packet, now);
}

// The first packet of an event may be lost, or overtaken by the sound under it: that waits a moment for the next one.
void Exchange::keep_for_key(media::Endpoint& from, const Packet& packet, core::Time now) {
    auto& dropped = from.source.counters().dropped;
    media::PreRoll& pre_roll = *plan(from.index()).pre_roll;
    note_refused(from.index(), now);
    if (packet.stale) return dropped(Drop::Stale);
    dropped(Drop::NoFloor, pre_roll.drop_old(now) + pre_roll.keep(packet, now));
}

// The event says when it began, by the clock of the sound: what was kept of before that is nobody's press.
void Exchange::play_kept(media::Endpoint& from, std::uint32_t since, core::Time now) {
    const std::uint32_t who = from.index();
    auto& dropped = from.source.counters().dropped;
    media::PreRoll& pre_roll = *plan(who).pre_roll;
    dropped(Drop::NoFloor, pre_roll.drop_old(now) + pre_roll.drop_before(since));
    if (pre_roll.size() == 0) return;
    const bool granted = arbiter_.media(who, now, false) == floor::Verdict::Pass;
    media::Talkspurt* talkspurt = granted ? carried_by(from, pre_roll.first({}), now) : nullptr;
    if (talkspurt)
        pre_roll.replay(*talkspurt, now);
    else
        dropped(Drop::NoFloor, pre_roll.clear());  // what was denied is not bridged later either
}

bool Exchange::key_is_down(std::uint32_t who) const {
    const Topology::Endpoint& radio = plan(who);
    return radio.event_key ? radio.event_key->pressed() : radio.ed137->pressed();
}

floor::Verdict Exchange::talk_by_key(std::uint32_t who, bool dtx, core::Time now) {
    const floor::Verdict verdict = arbiter_.media(who, now, dtx);
    if (verdict != floor::Verdict::NeedsRequest || endpoints_[who].key_is_over) return verdict;
    press_key(who, plan(who).ed137 ? plan(who).ed137->level() : floor::Class::Normal, now);
    return arbiter_.media(who, now, dtx);
}

// A key that is held down keeps the floor as sound does, but what it lost it does not ask for again without any.
void Exchange::beside(media::Endpoint& from, const Packet& packet, core::Time now) {
    const std::uint32_t who = from.index();
    auto& dropped = from.source.counters().dropped;
    if (plan(who).signal != floor::Signal::Key) return dropped(Drop::PayloadType);
    // What the key does while the radio is switched off counts, too: one that is held through it is not pressed anew.
    if (plan(who).ed137)
        heed_extension(from, packet, now);
    else
        heed_event(from, packet, now);
    if (endpoints_[who].standing != Standing::Enabled) return dropped(Drop::Disabled);
    if (!plan(who).talks && plan(who).event_key) return dropped(Drop::ListenOnly);
    media::Talkspurt& talkspurt = *home(who).talkspurt;
    if (talkspurt.running() && talkspurt.talker() == &from) talkspurt.pass_over(packet, now);
    if (key_is_down(who)) arbiter_.media(who, now, false);
}

// The sender's numbers and timestamps begin anew: what its key was down for is over, and if it is down, it is pressed anew.
void Exchange::begin_anew(std::uint32_t who, core::Time now) {
    if (key_is_down(who)) release_key(who, now);
    if (plan(who).event_key) {
        plan(who).event_key->restart();
        plan(who).media->source.counters().dropped(Drop::NoFloor, plan(who).pre_roll->clear());
    } else
        plan(who).ed137->forget_press();
}

void Exchange::heed_event(media::Endpoint& from, const Packet& packet, core::Time now) {
    const std::uint32_t who = from.index();
    ptt::EventKey& key = *plan(who).event_key;
    if (packet.new_stream) begin_anew(who, now);
    const auto event = rtp::parse_telephone_event(packet.payload);
    if (!event) return from.source.counters().dropped(Drop::BadPayload);
    for (const auto& change : key.on_packet(*event, packet.timestamp, now)) {
        if (change == ptt::EventKey::Change::Pressed) {
            press_key(who, floor::Class::Normal, now);
            play_kept(from, packet.timestamp, now);
        }
        if (change == ptt::EventKey::Change::Released) release_key(who, now);
    }
    keys_.set(who, key.next_deadline().value_or(core::kNever));
}

void Exchange::heed_extension(media::Endpoint& from, const Packet& packet, core::Time now) {
    const rtp::Header header{.sequence = static_cast<std::uint16_t>(packet.sequence),
                             .ssrc = packet.ssrc,
                             .extension_profile = packet.extension_profile,
                             .extension = packet.extension};
    if (packet.new_stream) begin_anew(from.index(), now);
    heed(from.index(), plan(from.index()).ed137->on_packet(header, now), now);
    show_on_air(from.index(), now);
}

void Exchange::heed(std::uint32_t who, const ptt::Ed137::Changes& changes, core::Time now) {
    using Kind = ptt::Ed137::Change::Kind;
    for (const auto& change : changes) {
        if (!change) continue;
        switch (change->kind) {
            case Kind::Found:  // as with any packet, heard() has told it
                endpoints_[who].session_lost = false;
                break;
            case Kind::Pressed:
                press_key(who, change->level, now);
                break;
            case Kind::Claimed:  // of a press that was refused, only more than that is a new act
                if (!endpoints_[who].key_is_over || counted(who, change->level) > endpoints_[who].over_at)
                    press_key(who, change->level, now);
                else if (claims_more(who, change->level, true))
                    report_key(who, change->level, now);
                break;
            case Kind::Released:
                release_key(who, now);
                break;
            case Kind::Lost:
                endpoints_[who].session_lost = true;
                note_lost(who, now);
        }
    }
}

// Reports may still come of a radio whose session is over: it is gone when they end, too.
void Exchange::note_lost(std::uint32_t who, core::Time now) {
    if (!endpoints_[who].session_lost) return;
    const auto heard = plan(who).media->source.last_heard();
    const core::Duration silent = heard ? now - *heard : plan(who).ed137->patience();
    if (!endpoints_[who].up || silent < plan(who).ed137->patience()) return;
    endpoints_[who].up = endpoints_[who].session_lost = false;
    Report gone = report(Report::Kind::EndpointDown, now);
    gone.endpoint = who;
    gone.left = std::chrono::round<std::chrono::milliseconds>(silent);
    send(gone);
}

// While somebody has the floor, less than he claims already is no press. More than five presses a second are none either,
// whatever they would cost: the key has to go up.
void Exchange::press_key(std::uint32_t who, floor::Class level, core::Time now) {
    if (!plan(who).talks || endpoints_[who].standing != Standing::Enabled) return;
    const floor::Claim claim{counted(who, level), plan(who).priority};
    using State = floor::ParticipantState;
    const State state = arbiter_.participant_state(who);
    const bool talks = state == State::Talking || state == State::Revoking;
    const bool more = claims_more(who, level, talks);
    if (talks && claim.level <= arbiter_.claim(who).level) {
        if (more) report_key(who, level, now);
        return;
    }
    if (!is_news(who, claim, now)) {
        plan(who).media->source.counters().dropped(Drop::KeyFlood);
        return end_key(who);
    }
    endpoints_[who].key_is_over = false;
    report_key(who, level, now);
    press(who, claim, true, now);
}

void Exchange::report_key(std::uint32_t who, floor::Class level, core::Time now) {
    Report requested = report(Report::Kind::Requested, now);
    requested.endpoint = who;
    requested.channel = plan(who).channel;
    requested.is_explicit = true;
    requested.priority = plan(who).priority;
    requested.emergency = counted(who, level) == floor::Class::Emergency;
    requested.claimed = level;
    requested.cut_down = counted(who, level) != level;
    send(requested);
}

floor::Class Exchange::counted(std::uint32_t who, floor::Class level) const {
    return may_claim(who, level) ? level : floor::Class::Normal;
}

void Exchange::end_key(std::uint32_t who) {
    endpoints_[who].key_is_over = true;
    endpoints_[who].over_at = plan(who).ed137 ? counted(who, plan(who).ed137->level()) : floor::Class::Normal;
    if (plan(who).ed137) plan(who).ed137->press_refused(core::Time{});
}

void Exchange::release_key(std::uint32_t who, core::Time now) {
    endpoints_[who].key_is_over = false;
    arbiter_.release(who, now, decisions_);
    act(now);
}

// What the floor made of a press, and who talks on the channel: in the extension of what the radio is sent.
void Exchange::answer_key(const floor::Decision& decision, core::Time now) {
    using Kind = floor::Decision::Kind;
    if (decision.kind == Kind::Taken || decision.kind == Kind::Idle) {
        for (const std::uint32_t who : topology_->channels[decision.channel].on_air) follow_channel(who, now);
        return;
    }
    const std::uint32_t who = decision.participant;
    if (who == floor::kNobody || plan(who).signal != floor::Signal::Key) return;
    const auto& session = plan(who).ed137;
    using floor::Cause;
    if (decision.kind == Kind::Granted) endpoints_[who].key_is_over = false;
    if (session && (decision.kind == Kind::Granted || decision.kind == Kind::RepeatGranted))
        session->press_granted(now, arbiter_.claim(who).level);
    if (decision.kind == Kind::Denied) end_key(who);
    // While his grace lasts he is heard; Released says when it is over. A key whose lease ran out presses again with what
    // comes next, and is muted until then.
    if (decision.kind == Kind::Released) {
        if (decision.cause != Cause::Timeout && decision.cause != Cause::TalkerReleased) end_key(who);
        if (decision.cause == Cause::Timeout && session) session->press_refused(now);
    }
    if (session) show_on_air(who, now);
}

void Exchange::follow_channel(std::uint32_t who, core::Time now) {
    const Topology::Endpoint& radio = plan(who);
    if (!radio.ed137 || !radio.media) return;
    const auto talker = heard_talker(who);
    const bool hears = talker && may_know(who, *talker) && may_listen(who, *talker, policy::SuiteSet::all());
    if (hears || tones_.sounds(who))
        radio.ed137->talk_begins(hears ? arbiter_.claim(*talker).level : floor::Class::Normal, now);
    else
        radio.ed137->talk_ends(now);
    show_on_air(who, now);
}

// What has changed is told at once, in a packet without sound, and the packets with sound say it from now on.
void Exchange::show_on_air(std::uint32_t who, core::Time now) {
    const Topology::Endpoint& radio = plan(who);
    ptt::Ed137& session = *radio.ed137;
    // Sound has been sent since, at some time of this period: that was a sign of life, too.
    if (radio.media->sink.counters().packets.read() != endpoints_[who].sent_on_air)
        session.sent_meanwhile(now);
    radio.media->sink.set_extension(rtp::ed137::kProfile, session.extension().view());
    while (session.keep_alive_due(now)) {
        if (radio.media->send_empty(path_.outbox, rtp::ed137::kKeepAlive, now)) make_way(who);
        session.sent(now);
    }
    endpoints_[who].sent_on_air = radio.media->sink.counters().packets.read();
    keys_.set(who, session.next_deadline());
}

void Exchange::tend_key(std::uint32_t who, core::Time now) {
    if (!minds_endpoint(who)) return keys_.set(who, core::kNever);
    const Topology::Endpoint& radio = plan(who);
    if (radio.event_key) {
        const auto change = radio.event_key->on_time(now);
        if (change == ptt::EventKey::Change::Released) release_key(who, now);
        keys_.set(who, radio.event_key->next_deadline().value_or(core::kNever));
    } else if (radio.ed137) {
        heed(who, radio.ed137->on_time(now), now);
        note_lost(who, now);
        show_on_air(who, now);
    } else {
        keys_.set(who, core::kNever);
    }
}

}  // namespace crosspatch::bridge
