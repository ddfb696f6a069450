#pragma once
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/record/entry.hpp"

namespace crosspatch::record {

// One press to release, or one press that was denied: what `talkspurt.ended` and `floor.denied` put on record
// and what the list of calls is made from.
//
// Units    in the names; a figure that was not measured is left empty and shown as null.
struct Talkspurt {
    // A channel where it was not heard although a bridge leads there, and why.
    struct Refusal {
        std::string channel;
        std::string rule;    // the rule's id, or empty
        std::string reason;  // in words
    };
    std::string id;  // 32 hex digits
    std::string talker;
    std::string role;
    std::string agency;
    std::string endpoint;
    std::string channel;                // the talker's own
    std::string bridge;                 // empty: it stayed on its channel
    std::string incident;               // empty: none
    std::vector<std::string> channels;  // everywhere it was heard, its own included
    core::WallTime started{};
    core::WallTime ended{};
    core::Time ended_mono{};
    core::Duration duration{};  // by the monotonic clock; a clock step leaves it alone
    std::string end_cause;      // a phrase of TS 24.380, `released`, `silence`, `timeout`, …
    std::vector<std::string> listeners;
    std::vector<Refusal> refused;
    // By agency: the names that it may not see, and what stands for them. Kept under `detail` by whoever records it.
    boost::json::object pseudonyms;
    std::uint64_t packets_received{};
    std::uint64_t packets_lost{};
    std::uint64_t frames_concealed{};
    std::optional<std::chrono::milliseconds> access_time;
    std::optional<std::chrono::microseconds> gateway_delay_p99;
    bool denied{false};
    bool emergency{false};
    int priority{0};
};

// The entry that records it: `floor.denied` if it was denied, else `talkspurt.ended`. More than 256 listeners
// are given as a count and the root over all of them, so that the record keeps to its size.
Entry to_entry(const Talkspurt& talkspurt);

// The talkspurt that a record tells of; nothing if it tells of something else. Takes a parsed record, as
// Reader gives it.
std::optional<Talkspurt> talkspurt_of(const boost::json::object& record);

// Groups talkspurts into calls: those on one bridge (or, without one, one channel) with less than `gap`
// between them.
//
// Shape    one open call for each bridge and channel that ever spoke; pure: the same talkspurts give the same
// ids. Time     by the monotonic clock while the machine has not been restarted, by the wall clock across a
// restart. Thread   its owner's.
class CallGrouper {
public:
    struct Spoken {
        std::string place;  // `bridge/ID` or `channel/ID`
        std::string talkspurt;
        std::string boot;
        std::int64_t mono_started_ns{}, mono_ended_ns{};
        std::int64_t wall_started_ns{}, wall_ended_ns{};
    };
    explicit CallGrouper(std::chrono::milliseconds gap) : gap_{gap} {}

    // The id of the call that it belongs to: 32 hex digits made from the call's first talkspurt.
    std::string place(const Spoken& spoken);

    // Takes up where an earlier run ended.
    void resume(Spoken last, std::string call);

private:
    struct Open {
        Spoken last;
        std::string call;
    };
    std::chrono::milliseconds gap_;
    std::map<std::string, Open> open_;
};

}  // namespace crosspatch::record
