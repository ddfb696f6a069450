// Where radios are, whether they are there at all, and what of their streams has to outlast a restart: exchange.hpp.
#include <utility>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {
namespace {

using media::Drop;
constexpr std::chrono::seconds kGone{15};  // three reports missed
constexpr std::size_t kManySources = 200;  // of 256 that one key may have

}  // namespace

void Exchange::heard(media::Endpoint& from, core::Time now) {
    EndpointState& state = endpoints_[from.index()];
    const bool moved = from.source.take_moved();
    if (!state.up || moved) {
        Report seen = report(state.up ? Report::Kind::EndpointMoved : Report::Kind::EndpointUp, now);
        seen.endpoint = from.index();
        seen.address = from.source.remote();
        state.up = true;
        send(seen);
        if (seen.kind == Report::Kind::EndpointUp) tell_state(from.index());
    }
    if (from.source.take_floor_moved()) {
        Report elsewhere = report(Report::Kind::FloorPortMoved, now);
        elsewhere.endpoint = from.index();
        elsewhere.address = from.source.floor_remote();
        send(elsewhere);
    }
    wish_to_receive(from, now);
}

void Exchange::wish_to_receive(media::Endpoint& endpoint, core::Time now) {
    while (const auto wish = endpoint.source.srtp().next_wish()) {
        Report limit = report(Report::Kind::ReceiveLimit, now);
        limit.endpoint = endpoint.index();
        limit.ssrc = wish->ssrc;
        limit.limits = wish->limits;
        limit.address = endpoint.source.settings().learn ? endpoint.source.remote() : core::Address{};
        limit.position = endpoint.source.learned_floor_port();
        if (!send(limit)) return endpoint.source.srtp().repeat_wishes();
    }
}

void Exchange::wish_to_send(media::Endpoint& endpoint, core::Time now) {
    while (const auto wish = endpoint.sink.srtp().next_wish()) {
        Report limit = report(Report::Kind::SendLimit, now);
        limit.endpoint = endpoint.index();
        limit.ssrc = wish->ssrc;
        limit.limits = wish->limits;
        if (!send(limit)) return endpoint.sink.srtp().repeat_wishes();
    }
}

// srtp.md section 11: at 256 SSRCs under one key a new one is refused, which must not come as a surprise.
void Exchange::watch_sources(media::Endpoint& endpoint, core::Time now) {
    const rtp::SrtpReceiver& receiver = endpoint.source.srtp();
    const std::size_t lasting = receiver.sources() < kManySources ? 0 : receiver.lasting_sources();
    const bool many = lasting >= kManySources;
    bool& reported = endpoints_[endpoint.index()].many_sources;
    if (many == reported) return;
    Report sources = report(Report::Kind::ManySources, now);
    sources.endpoint = endpoint.index();
    sources.position = static_cast<std::uint16_t>(lasting);
    if (send(sources)) reported = many;
}

void Exchange::tend(media::Endpoint& endpoint, core::Time now) {
    const std::uint32_t who = endpoint.index();
    EndpointState& state = endpoints_[who];
    const auto last = endpoint.source.last_heard();
    if (state.up && plan(who).reports && last && now > *last + kGone) {
        state.up = false;
        Report gone = report(Report::Kind::EndpointDown, now);
        gone.endpoint = who;
        gone.left = std::chrono::round<std::chrono::milliseconds>(now - *last);
        send(gone);
    }
    const std::uint64_t loops = endpoint.source.counters().dropped.read(Drop::OwnSsrc);
    if (loops != std::exchange(state.loops_seen, loops)) {
        Report loop = report(Report::Kind::LoopSuspected, now);
        loop.endpoint = who;
        send(loop);
    }
    if (arbiter_.participant_state(who) == floor::ParticipantState::Silent) end_overrun(who, now);
    if (plan(who).pre_roll)
        endpoint.source.counters().dropped(Drop::NoFloor, plan(who).pre_roll->drop_old(now));
    endpoint.sink.srtp().repeat_wishes();
    wish_to_send(endpoint, now);
    endpoint.source.srtp().repeat_wishes();
    wish_to_receive(endpoint, now);
    watch_sources(endpoint, now);
}

}  // namespace crosspatch::bridge
