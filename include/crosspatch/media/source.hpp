#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/core/address.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/media/drop.hpp"
#include "crosspatch/media/packet.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/rtp/reception.hpp"
#include "crosspatch/rtp/srtp_receiver.hpp"

namespace crosspatch::media {

// What comes in on a port: everything, or with ports of their own RTCP or floor messages only.
enum class PortUse : std::uint8_t { Media, Rtcp, Floor };

// The receiving half of an endpoint: from a datagram to an authentic packet of the one radio that may send here.
//
// Shape    one remote SSRC at a time; at most one change of it and one move of a learned address a second.
// Errors   a refused datagram is named by its Drop, and has changed nothing but that counter.
// Thread   built by control, then its worker's only; counters may be read by anybody. No allocation.
// Source   RFC 3550 sections 5.1, 8.2; RFC 3711; contract.md, Sources.
class Source {
public:
    struct Settings {
        codec::Format format;
        std::uint8_t payload_type{};
        std::optional<std::uint8_t> event_payload_type;       // RFC 4733
        std::optional<std::uint8_t> keep_alive_payload_type;  // ED-137
        core::Address remote;  // none: learned from the first authenticated packet
        bool learn{};
        bool own_port{};  // not on the shared media port
        bool rtcp_on_next_port{};
        std::uint16_t
            floor_port{};  // ours for floor messages, and theirs until they send from another; 0: with RTCP
        std::optional<std::uint32_t> ssrc;  // the only one that the radio may use
    };
    struct Counters {
        core::Counter packets;
        core::Counter octets;  // of datagrams
        core::Counter moves;
        core::Counter ssrc_changes;
        core::Counter old_key_packets;
        core::Counter jitter_us;  // RFC 3550 section 6.4.1, the latest
        DropCounters dropped;
    };
    // Older packets only add delay: what is left in the system's queue after a pause of the process.
    static constexpr std::chrono::milliseconds kStale{200};

    Source(const Settings& settings, rtp::SrtpReceiver receiver);

    core::Result<Packet, Drop> open_rtp(Datagram& datagram, core::Time now,
                                        std::chrono::nanoseconds wall_now);
    struct Rtcp {
        std::span<const std::byte> compound;  // decrypted
        std::optional<std::uint32_t> index;   // of the SRTCP packet; nothing without SRTP
    };
    // Counted, and good for learning the address.
    core::Result<Rtcp, Drop> open_rtcp(Datagram& datagram, core::Time now, PortUse port = PortUse::Media);

    const Settings& settings() const { return settings_; }
    const core::Address& remote() const { return remote_; }
    core::Address rtcp_remote() const;
    // Where floor messages go; none while that is not known.
    core::Address floor_remote() const;
    // Sets the address that was learned before a restart.
    void restore_remote(const core::Address& remote) { remote_ = remote; }
    // The same of the port for floor messages, after that.
    void restore_floor_port(std::uint16_t port) {
        if (settings_.floor_port != 0 && remote_) floor_remote_ = remote_.with_port(port);
    }
    // What is worth remembering of floor_remote(); 0: nothing was learned, or it is another host.
    std::uint16_t learned_floor_port() const {
        return floor_remote_ && remote_ && floor_remote_ == remote_.with_port(floor_remote_.port())
                   ? floor_remote_.port()
                   : std::uint16_t{0};
    }
    // True once after the learned address has changed.
    bool take_moved() { return std::exchange(moved_, false); }
    // The same of the address for floor messages that have a port of their own.
    bool take_floor_moved() { return std::exchange(floor_moved_, false); }
    rtp::Reception* reception() { return reception_ ? &*reception_ : nullptr; }
    rtp::SrtpReceiver& srtp() { return srtp_; }
    const rtp::SrtpReceiver& srtp() const { return srtp_; }
    Counters& counters() { return counters_; }
    const Counters& counters() const { return counters_; }
    std::optional<core::Time> last_heard() const { return last_heard_; }
    std::optional<core::Time> last_sound() const { return last_sound_; }
    // Own SSRC of the sink beside it: what comes back under it is our own packet.
    void set_own_ssrc(std::uint32_t ssrc) { own_ssrc_ = ssrc; }

private:
    std::optional<Drop> check_origin(const Datagram& datagram, PortUse port) const;
    std::optional<Drop> accept_ssrc(std::uint32_t ssrc, core::Time now, bool& changed);
    std::optional<Packet::Kind> kind_of(std::uint8_t payload_type) const;
    void follow(const core::Address& from, bool newest, bool rtcp, core::Time now);
    void follow_floor(const core::Address& from, core::Time now);
    Drop drop(Drop cause);

    Settings settings_;
    rtp::SrtpReceiver srtp_;
    std::optional<rtp::Reception> reception_;
    std::optional<core::Time> last_heard_;
    std::optional<core::Time> last_sound_;
    core::Time ssrc_changed_{};
    core::Time moved_at_{};
    core::Address floor_remote_;  // as learned
    core::Time floor_moved_at_{};
    std::uint32_t own_ssrc_{};
    bool moved_{};
    bool floor_moved_{};
    Counters counters_;
    core::Address remote_;  // last, beside the sink that sends there
};

}  // namespace crosspatch::media
