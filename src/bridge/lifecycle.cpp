#include "crosspatch/bridge/lifecycle.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace crosspatch::bridge {

using Because = Lifecycle::Because;

Lifecycle decide_open(const Bridge& bridge, const LifecycleFacts& facts) {
    const BridgeCommand* command = facts.command;
    if (!facts.missing.empty())
        return {command && command->waiting(facts.now) ? Because::Waiting : Because::NoConsent};
    if (!bridge.agreement_until.empty() && facts.today > bridge.agreement_until)
        return {Because::AgreementEnded};
    if (command && !command->open) return {Because::ClosedByHand};
    if (bridge.opens == Opens::Always) return {Because::Open};
    if (!command) return {Because::NotRequested};
    if (command->waits.count() > 0)  // its time to be open begins when it opens
        return {command->waiting(facts.now) ? Because::Open : Because::NotRequested};
    if (bridge.expires && facts.now >= std::max(command->at_mono, facts.emergency) + *bridge.expires)
        return {Because::Expired};
    return {Because::Open};
}

bool is_armed(const Bridge& bridge, const LifecycleFacts& facts) {
    if (bridge.opens != Opens::OnEmergency) return false;
    const Because because = decide_open(bridge, facts).because;
    return because == Because::NotRequested || because == Because::Expired;
}

std::string_view word(Stage stage) {
    switch (stage) {
        case Stage::Requested:
            return "requested";
        case Stage::Consented:
            return "consented";
        case Stage::Open:
            return "open";
        case Stage::Closing:
            return "closing";
        case Stage::Closed:
            break;
    }
    return "closed";
}

Stage stage_of(Lifecycle lifecycle, bool all_consent, bool open, bool closing) {
    if (open) return Stage::Open;
    if (closing) return Stage::Closing;
    switch (lifecycle.because) {
        case Because::Waiting:
            return Stage::Requested;
        case Because::Open:  // it is about to be
        case Because::NotRequested:
        case Because::Expired:
            return all_consent ? Stage::Consented : Stage::Closed;
        case Because::NoConsent:
        case Because::AgreementEnded:
        case Because::ClosedByHand:
            break;
    }
    return Stage::Closed;
}

std::string explain(const Bridge& bridge, Lifecycle lifecycle, const std::vector<std::string>& missing) {
    switch (lifecycle.because) {
        case Because::Open:
            return fmt::format("bridge '{}' is open", bridge.id);
        case Because::NoConsent:
            return fmt::format(
                "bridge '{0}' needs the consent of {1}, which has not given it: there `crosspatchctl bridge "
                "consent "
                "{0}`, or `crosspatchctl consent sign` where the key is",
                bridge.id, fmt::join(missing, " and "));
        case Because::Waiting:
            return fmt::format("bridge '{}' was asked for and waits for the consent of {}", bridge.id,
                               fmt::join(missing, " and "));
        case Because::AgreementEnded:
            return fmt::format("the agreement '{}' under bridge '{}' ended on {}", bridge.agreement,
                               bridge.id, bridge.agreement_until);
        case Because::ClosedByHand:
            return fmt::format("bridge '{}' was closed by command", bridge.id);
        case Because::NotRequested:
            return fmt::format("nobody has opened bridge '{}'", bridge.id);
        case Because::Expired:
            return fmt::format("bridge '{}' was open for as long as `expires` allows", bridge.id);
    }
    return {};
}

std::string_view closed_by(Lifecycle lifecycle) {
    switch (lifecycle.because) {
        case Because::NoConsent:
        case Because::Waiting:
            return "consent";
        case Because::AgreementEnded:
            return "agreement";
        case Because::Expired:
            return "expiry";
        default:
            return "configuration";
    }
}

}  // namespace crosspatch::bridge
