#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "crosspatch/bridge/topology.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/unique_fd.hpp"
#include "crosspatch/endpoint/config.hpp"
#include "crosspatch/media/endpoint.hpp"
#include "crosspatch/rtp/index_journal.hpp"

namespace crosspatch::app {

// One endpoint with everything that it holds: sockets, crypto, tones.
struct Radio {
    endpoint::Settings settings;
    std::vector<rtp::KeyFingerprint> receive_keys;  // new first
    std::optional<rtp::KeyFingerprint> send_key;
    std::uint32_t index{};
    core::UniqueFd rtp;    // none on the shared port
    core::UniqueFd rtcp;   // with next_port only
    core::UniqueFd floor;  // with `ptt: {signal: mcptt, port: …}` only
    core::Address local;   // where it listens, the kernel's choice filled in
    std::unique_ptr<media::Endpoint> media;
    std::shared_ptr<const bridge::Topology::Tones> tones;
    std::shared_ptr<media::VoxInput> vox;
    std::shared_ptr<ptt::McptServer> floor_messages;
    std::shared_ptr<ptt::EventKey> event_key;
    std::shared_ptr<media::PreRoll> pre_roll;  // of that key
    std::shared_ptr<ptt::Ed137> ed137;
    std::string identity;                     // of the talker, in floor messages
    std::optional<core::Time> old_key_until;  // the second receive key opens packets until then

    core::Address floor_local() const { return local.with_port(settings.floor_port); }
    core::Address rtcp_local() const { return local.with_port(static_cast<std::uint16_t>(local.port() + 1)); }
};

using Radios = std::map<std::uint32_t, std::unique_ptr<Radio>>;  // by endpoint index

// Which radio's streams are recorded under a key.
//
// Shape    a sorted list; a look-up is O(log n). Good until a radio or its keys change.
// Thread   control only.
class KeyUsers {
public:
    explicit KeyUsers(const Radios& radios);
    // One as a rule; two while a key moves from one radio to another.
    std::vector<const Radio*> of(rtp::IndexRecord::Kind kind, const rtp::KeyFingerprint& key) const;

private:
    struct Use {
        rtp::IndexRecord::Kind kind;
        rtp::KeyFingerprint key;
        const Radio* radio;
    };
    static bool before(const Use& a, const Use& b) {
        return std::tie(a.kind, a.key) < std::tie(b.kind, b.key);
    }
    std::vector<Use> uses_;
};

// What has been asked to be kept of every SRTP stream, whether it is on disk yet or not: the safe place to go
// on from.
class StreamBook {
public:
    explicit StreamBook(std::vector<rtp::IndexRecord> from_disk);
    // The newest stream that we sent under `key`; nothing if there was none.
    std::optional<rtp::IndexRecord> sent(const rtp::KeyFingerprint& key) const;
    // That very stream.
    std::optional<rtp::IndexRecord> sent(const rtp::KeyFingerprint& key, std::uint32_t ssrc) const;
    std::vector<rtp::IndexRecord> received(const rtp::KeyFingerprint& key) const;
    void note(const rtp::IndexRecord& record);

private:
    using Key = std::tuple<rtp::IndexRecord::Kind, rtp::KeyFingerprint, std::uint32_t>;
    using Records = std::map<Key, std::pair<rtp::IndexRecord, std::uint64_t>>;  // and when they were noted
    std::pair<Records::const_iterator, Records::const_iterator> of(rtp::IndexRecord::Kind kind,
                                                                   const rtp::KeyFingerprint& key) const;
    Records records_;
    std::uint64_t noted_{};
};

// Builds a Radio: opens its ports (sharing those that one of `leaving` has) and sets up its
// crypto from where the book says its streams are. The error says which port of which endpoint could not be
// opened.
core::Result<std::unique_ptr<Radio>> build_radio(const endpoint::Config& config, std::uint32_t index,
                                                 const StreamBook& book, int shared_socket,
                                                 const std::string& cname, const Radio* before,
                                                 std::span<const Radio* const> leaving);

// Who only listens sends no RTP.
inline rtp::Expect expected_of(const endpoint::Settings& settings) {
    return settings.direction == bridge::Direction::Listen ? rtp::Expect::RtcpOnly : rtp::Expect::RtpAndRtcp;
}

// A receiver and a sender for new keys of a radio that goes on talking.
rtp::SrtpReceiver make_receiver(const rtp::SrtpSettings& srtp, const StreamBook& book, rtp::Expect expect);
rtp::SrtpSender make_sender(const rtp::SrtpSettings& srtp, const StreamBook& book,
                            std::optional<std::uint32_t> ssrc, rtp::IndexLimits start_at_least);

}  // namespace crosspatch::app
