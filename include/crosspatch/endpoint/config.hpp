#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/bridge/talker_tone.hpp"
#include "crosspatch/codec/format.hpp"
#include "crosspatch/core/address.hpp"
#include "crosspatch/core/config.hpp"
#include "crosspatch/ptt/ed137.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

// One endpoint's section of the configuration. Source: contract.md, Configuration.
namespace crosspatch::endpoint {

enum class Rtcp : std::uint8_t { Mux, NextPort, Off };
// How a press is told: by packets, by sound, by telephone events of RFC 4733, by floor messages of TS 24.380, by the
// header extension of ED-137.
enum class Signal : std::uint8_t { Media, Vox, Event, Mcptt, Ed137 };
// `ptt: {signal: event, …}`.
struct EventPtt {
    std::uint8_t payload_type{101};
    std::optional<std::uint8_t> event;  // nothing: every event is the key
    bool operator==(const EventPtt&) const = default;
};

// Everything but the keys: two endpoints with equal settings are the same endpoint to a reload.
struct Settings {
    std::string id;
    std::string channel;
    core::Address remote;               // none: learned
    core::Address listen;               // none: the shared media port
    std::optional<std::uint32_t> ssrc;  // the radio's
    codec::Format format;
    std::uint8_t payload_type{};
    std::chrono::milliseconds ptime{20};
    Rtcp rtcp{Rtcp::Mux};
    bridge::Direction direction{bridge::Direction::Both};  // seen from the radio
    rtp::Suite suite{rtp::Suite::Aes256Gcm};
    Signal signal{Signal::Media};
    EventPtt event;
    std::uint16_t floor_port{};  // of floor messages; 0: with RTCP
    ptt::Ed137Settings ed137;
    bridge::TalkerToneSet tones;
    bool half_duplex{};
    bool pace{};  // what is split for it leaves ptime apart
    bridge::Talker talker;
    bool operator==(const Settings&) const = default;
};

// Copies share the keys.
struct Config {
    Settings settings;
    std::shared_ptr<const rtp::SrtpSettings> srtp{std::make_shared<rtp::SrtpSettings>()};
    std::string
        shared_path;  // `path`: what lies beyond it and other endpoints lead to as well; empty: nothing
    core::config::Mark mark;
    std::string path;  // where it stands in the file

    std::vector<rtp::KeyFingerprint> fingerprints() const;
};

// Reads the `endpoints:` list of a channel; what could not be read is reported and left out.
std::vector<Config> read_endpoints(const core::config::Node& list, const std::string& channel,
                                   const rtp::KeyPlace& keys);

// What only shows when all endpoints of the file are known: ids, ports, sources, SSRCs and keys that stand twice.
void check_together(const std::vector<Config>& endpoints, const core::Address& shared_port,
                    core::config::Problems& problems);

}  // namespace crosspatch::endpoint
