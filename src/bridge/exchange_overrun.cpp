// Who goes on after his floor was taken away, by a stuck key or an open squelch: told once, and once when it is over.
#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {
namespace {

using namespace std::chrono_literals;
constexpr auto kUnderWay = 500ms;  // packets that were on their way, and a thumb that lets go

}  // namespace

void Exchange::note_end(const floor::Decision& released, core::Time now) {
    if (floor::message(released.cause) != floor::Message::Revoke) return;
    EndpointState& state = endpoints_[released.participant];
    state.revoked = released.cause;
    state.revoked_at = now;
}

void Exchange::note_refused(std::uint32_t endpoint, core::Time now) {
    EndpointState& state = endpoints_[endpoint];
    if (state.revoked == floor::Cause::None || state.overruns || now < state.revoked_at + kUnderWay) return;
    Report overrun = report(Report::Kind::Overrun, now);
    overrun.endpoint = endpoint;
    overrun.channel = plan(endpoint).channel;
    overrun.cause = state.revoked;
    state.overruns = send(overrun);
}

// He presses anew, or has fallen silent.
void Exchange::end_overrun(std::uint32_t endpoint, core::Time now) {
    EndpointState& state = endpoints_[endpoint];
    state.revoked = floor::Cause::None;
    if (!state.overruns) return;
    Report ended = report(Report::Kind::OverrunEnded, now);
    ended.endpoint = endpoint;
    state.overruns = !send(ended);
}

}  // namespace crosspatch::bridge
