// Who goes on after his floor was taken away, by a stuck key or an open squelch: told once, and once when it is over.
#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {
namespace {

using namespace std::chrono_literals;
// Packets that were on their way, and a thumb that lets go; who is cut off without a word finishes his sentence.
constexpr auto kUnderWay = 500ms;
constexpr auto kSentence = 10s;

}  // namespace

void Exchange::note_end(const floor::Decision& released, core::Time now) {
    if (floor::message(released.cause) != floor::Message::Revoke) return;
    EndpointState& state = endpoints_[released.participant];
    state.revoked = released.cause;
    state.revoked_at = now;
}

void Exchange::note_refused(std::uint32_t endpoint, core::Time now) {
    EndpointState& state = endpoints_[endpoint];
    // Of a loop there is an alarm already.
    if (state.revoked == floor::Cause::None || state.revoked == floor::Cause::Loop || state.overruns) return;
    const bool was_warned =
        state.revoked == floor::Cause::TalkLimit || plan(endpoint).signal == floor::Signal::Explicit;
    if (now < state.revoked_at + (was_warned ? kUnderWay : kSentence)) return;
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
