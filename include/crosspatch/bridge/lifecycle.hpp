#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/core/time.hpp"

namespace crosspatch::bridge {

// What was commanded last of a bridge, by a person or by an emergency.
struct BridgeCommand {
    bool open{};
    core::WallTime at{};
    core::Time at_mono{};  // expiry counts from here
    std::string by;
    std::chrono::milliseconds waits{};  // for consents that are missing, from `at`; 0: for none
    bool operator==(const BridgeCommand&) const = default;

    bool waiting(core::Time now) const { return open && waits.count() > 0 && now < at_mono + waits; }
};

// What a bridge is decided by.
//
// Units    `missing` are the agencies on the bridge that have not consented; `today` is `YYYY-MM-DD`, UTC.
struct LifecycleFacts {
    const BridgeCommand* command{};  // nullptr while nobody has commanded anything
    const std::vector<std::string>& missing;
    const std::string& today;
    core::Time now;
    core::Time emergency{core::Time::min()};  // when somebody in an emergency was last heard over it
};

// Whether a bridge is to be open, and why it is not.
//
// Source   contract.md, Bridges; architecture.md, Consent.
struct Lifecycle {
    enum class Because : std::uint8_t {
        Open,
        NoConsent,
        Waiting,  // for consents, since somebody has asked for it
        AgreementEnded,
        ClosedByHand,
        NotRequested,
        Expired
    };
    Because because{Because::NotRequested};
    bool open() const { return because == Because::Open; }
};
Lifecycle decide_open(const Bridge& bridge, const LifecycleFacts& facts);
// Whether the next emergency on it opens it: `opens: on_emergency`, and nothing is in the way but that there was none.
bool is_armed(const Bridge& bridge, const LifecycleFacts& facts);

// Where a bridge stands, for those who look at it.
enum class Stage : std::uint8_t { Closed, Requested, Consented, Open, Closing };
std::string_view word(Stage stage);
// `open`: its crossings are open now; `closing`: some worker has not yet said that they are shut.
Stage stage_of(Lifecycle lifecycle, bool all_consent, bool open, bool closing);

// In words, for whoever asked: "bridge 'joint' needs the consent of city-police, which has not given it: …".
std::string explain(const Bridge& bridge, Lifecycle lifecycle, const std::vector<std::string>& missing);
// Who closed it, for the record's `by`: `consent`, `agreement`, `expiry`, `configuration`.
std::string_view closed_by(Lifecycle lifecycle);

}  // namespace crosspatch::bridge
