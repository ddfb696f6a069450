#pragma once
#include <string>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/core/time.hpp"

namespace crosspatch::bridge {

// What a person commanded last of a bridge.
struct BridgeCommand {
    bool open{};
    core::WallTime at{};
    core::Time at_mono{};  // expiry counts from here
    std::string by;
    bool operator==(const BridgeCommand&) const = default;
};

// Whether a bridge is to be open, and why it is not.
//
// Units    `missing` are the agencies on the bridge that have not consented; `today` is `YYYY-MM-DD`, UTC.
// Source   contract.md, Bridges; architecture.md, Consent.
struct Lifecycle {
    enum class Because : std::uint8_t {
        Open,
        NoConsent,
        AgreementEnded,
        ClosedByHand,
        NotRequested,
        Expired
    };
    Because because{Because::NotRequested};
    bool open() const { return because == Because::Open; }
};
// `command` is nullptr while nobody has commanded anything.
Lifecycle decide_open(const Bridge& bridge, const BridgeCommand* command,
                      const std::vector<std::string>& missing, const std::string& today, core::Time now);
// In words, for whoever asked: "bridge 'joint' needs the consent of city-police, which has not given it: …".
std::string explain(const Bridge& bridge, Lifecycle lifecycle, const std::vector<std::string>& missing);
// Who closed it, for the record's `by`: `consent`, `agreement`, `expiry`, `configuration`.
std::string_view closed_by(Lifecycle lifecycle);

}  // namespace crosspatch::bridge
