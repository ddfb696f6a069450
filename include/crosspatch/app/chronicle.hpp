#pragma once
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "crosspatch/app/plan.hpp"
#include "crosspatch/bridge/report.hpp"
#include "crosspatch/core/log.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/record/entry.hpp"
#include "crosspatch/record/talkspurt.hpp"

namespace crosspatch::app {

// What happens on the workers, as it is known to control: who talks now, which radios are there, and what of it goes on
// record, to the event stream and into the technicians' log.
//
// Shape    one entry a running talkspurt, a channel, an endpoint, a bridge.
// Units    reports carry monotonic times; wall times are worked out from them when they are read.
// Thread   control.
class Chronicle {
public:
    struct Live {  // a running talkspurt
        record::Talkspurt record;
        std::uint32_t endpoint{};
        std::uint32_t channel{};
        floor::Claim claim{};
        core::Time granted{};
        std::chrono::milliseconds max_talk{};
        std::set<std::uint32_t> listeners;
        bool started{};
        bool revoking{};
        core::Time grace_until{};
    };
    struct Floor {
        std::optional<std::uint64_t> talkspurt;
        core::Time since{};
        core::WallTime since_wall{};
        // Of who talks beside the holder, where a channel lets two be heard.
        std::optional<std::uint64_t> beside;
        core::WallTime beside_since_wall{};
    };
    struct Radio {
        bool up{};
        bool disabled{};
        bool revoked{};
        core::Address address;
        core::WallTime since{};
    };
    struct Waiting {
        std::uint32_t endpoint;
        std::uint8_t priority;
    };
    struct Outputs {
        std::function<void(record::Entry)> record;
        std::function<void(const boost::json::object&)> event;
        core::Log& log;
    };

    Chronicle(const Estate& estate, Outputs outputs);

    void on(const bridge::Report& report);
    // Writes the counts of denials that were left out; call about once a second.
    void tick(core::Time now);

    // The number will mean somebody else.
    void forget_endpoint(std::uint32_t endpoint);
    void forget_channel(std::uint32_t channel);

    const std::map<std::uint64_t, Live>& talkspurts() const { return talkspurts_; }
    const Floor* floor(std::uint32_t channel) const;
    const Radio* radio(std::uint32_t endpoint) const;
    // Endpoints that wait for the channel's floor, best first; the first 16 of them.
    std::span<const Waiting> queue(std::uint32_t channel) const;
    // Crossings that policy refused, by the talker's channel.
    const std::map<std::uint32_t, std::uint64_t>& policy_denials() const { return policy_denials_; }
    // Presses denied because somebody talked already, by the channel that was pressed on; and how long people have talked,
    // by the talker's channel.
    const std::map<std::uint32_t, std::uint64_t>& doublings() const { return doublings_; }
    const std::map<std::uint32_t, core::Duration>& talk_times() const { return talk_times_; }
    // Why a far channel did not hear the talker on `endpoint`, in words; made by whoever knows the rules.
    void set_explainer(
        std::function<record::Talkspurt::Refusal(std::uint32_t endpoint, std::uint32_t channel)> explain) {
        explain_ = std::move(explain);
    }
    // By agency, the names that it may not know and what stands for them; asked for each entry.
    void set_hidden(std::function<const boost::json::object&()> hidden) { hidden_ = std::move(hidden); }
    // An entry about an endpoint, with its ids filled in.
    record::Entry endpoint_entry(std::string type, std::uint32_t endpoint) const;
    void publish(record::Entry entry, const bridge::Report* report = nullptr);

private:
    struct Denials {  // of one endpoint in the current second
        core::Time since{};
        unsigned recorded{};
        unsigned left_out{};
    };

    void requested(const bridge::Report& report);
    void name_bridges(const bridge::Report& report, boost::json::object& detail) const;
    void granted(const bridge::Report& report);
    void denied(const bridge::Report& report);
    void released(const bridge::Report& report);
    void floor_changed(const bridge::Report& report);
    void policy_denied(const bridge::Report& report);
    void endpoint_changed(const bridge::Report& report);
    void echoed(const bridge::Report& report);
    record::Talkspurt describe(const bridge::Report& report) const;
    floor::Claim claim_of(const bridge::Report& report) const;
    std::string explain_denial(const bridge::Report& report) const;
    record::Entry floor_entry(std::string type, const bridge::Report& report) const;
    core::WallTime wall(core::Time at) const;
    std::string talkspurt_id(std::uint64_t number) const;

    const Estate& estate_;
    Outputs out_;
    std::function<record::Talkspurt::Refusal(std::uint32_t, std::uint32_t)> explain_;
    std::function<const boost::json::object&()> hidden_;
    std::string run_;  // 16 hex digits, another in each run of the daemon
    std::map<std::uint64_t, Live> talkspurts_;
    std::map<std::uint32_t, Floor> floors_;
    std::map<std::uint32_t, Radio> radios_;
    std::map<std::uint32_t, std::vector<Waiting>> queues_;
    // By endpoint: the class as it was claimed, the priority as it counts.
    std::map<std::uint32_t, floor::Claim> asked_with_;
    std::map<std::uint32_t, Denials> denials_;
    std::map<std::uint32_t, std::uint64_t> policy_denials_;
    std::map<std::uint32_t, std::uint64_t> doublings_;
    std::map<std::uint32_t, core::Duration> talk_times_;
    std::map<std::uint32_t, std::vector<record::Talkspurt::Refusal>>
        refused_;  // of presses that are being decided
};

}  // namespace crosspatch::app
