#include "crosspatch/bridge/lifecycle.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crosspatch::bridge {

using Because = Lifecycle::Because;

Lifecycle decide_open(const Bridge& bridge, const BridgeCommand* command,
                      const std::vector<std::string>& missing, const std::string& today, core::Time now) {
    if (!missing.empty()) return {Because::NoConsent};
    if (!bridge.agreement_until.empty() && today > bridge.agreement_until) return {Because::AgreementEnded};
    if (command && !command->open) return {Because::ClosedByHand};
    if (bridge.opens == Opens::Always) return {Because::Open};
    if (!command) return {Because::NotRequested};
    if (bridge.expires && now >= command->at_mono + *bridge.expires) return {Because::Expired};
    return {Because::Open};
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
