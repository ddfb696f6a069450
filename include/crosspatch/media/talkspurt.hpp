#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crosspatch/core/time.hpp"
#include "crosspatch/media/codec_pool.hpp"
#include "crosspatch/media/delay_histogram.hpp"
#include "crosspatch/media/endpoint.hpp"
#include "crosspatch/media/listener.hpp"
#include "crosspatch/media/reorder.hpp"
#include "crosspatch/media/tap.hpp"
#include "crosspatch/media/transcoder.hpp"

namespace crosspatch::media {

class MixInput;

// What all talkspurts of one worker share: the pools, the scratch room, the outbox and the tap.
struct TalkPath {
    CodecPool& codecs;
    PacketPool& packets;
    Scratch& scratch;
    Outbox& outbox;
    Tap* tap{};  // nothing: what is carried is not copied
};

// The audio of one grant of the floor, from the talker's packets to every listener.
//
// Shape    egress groups: listeners whose codec is the talker's get each packet as it comes (relay), the others share
//          one encoder a group; the talker is decoded once for each working rate. Made once, used for one talkspurt
//          after the other.
// Units    the talker's RTP clock for timestamps and durations.
// Time     `now` is the arrival time of the packet at hand.
// Errors   a listener for whom no encoder is free, and what comes too late, is counted in Numbers.
// Thread   its worker only. No allocation but in reserve().
// Source   architecture.md, The life of a talkspurt; RFC 3550 A.1 (jumps), RFC 7587 (FEC, DTX).
class Talkspurt {
public:
    static constexpr std::size_t kMaxGroups = 24;
    static constexpr std::size_t kMaxRates = 5;
    static constexpr std::size_t kMaxTaps = 16;  // channels on which it is one of two at once

    struct Numbers {
        std::uint64_t packets_received{};
        std::uint64_t packets_lost{};
        std::uint64_t packets_late{};
        std::uint64_t frames_concealed{};
        std::uint64_t frames_recovered{};  // by in-band FEC
        std::uint64_t frames_encoded{};
        std::uint64_t listeners_without_codec{};
        std::optional<core::Time> first_sent;
    };

    explicit Talkspurt(const TalkPath& path);  // which outlives it
    explicit Talkspurt(const TalkPath&&) = delete;
    // One without an endpoint that talks: whoever has it makes the packets, in this format.
    Talkspurt(const TalkPath& path, const codec::Format& format);
    ~Talkspurt();
    Talkspurt(const Talkspurt&) = delete;
    Talkspurt& operator=(const Talkspurt&) = delete;

    // Room for so many listeners at once. Allocates: for control's posted tasks.
    void reserve(std::size_t listeners);

    // Goes on with another worker's pools. Both workers rest, and the outbox of the old one has been flushed.
    void move_to(const TalkPath& to);

    // The press: `first` is the packet that carries on from here. What is carried goes to the tap, too, under `number`; 0:
    // it does not.
    void start(Endpoint& talker, const Packet& first, core::Time now, std::uint64_t number = 0);
    void start(const Packet& first, core::Time now);  // without an endpoint that talks
    bool running() const { return running_; }
    Endpoint* talker() const { return talker_; }
    const codec::Format& format() const { return format_; }

    // Who hears it. Call arrange() after the last of several changes.
    void add(Endpoint& listener, std::uint32_t channel, const Treatment& treatment = {});
    void add(Endpoint& listener, std::uint32_t channel, double gain_db) {
        add(listener, channel, Treatment{.gain_db = gain_db});
    }
    void remove_channel(std::uint32_t channel);
    void remove(const Endpoint& listener);
    template <typename Predicate>
    void remove_if(Predicate&& gone) {
        std::erase_if(listeners_, gone);
        close_unused();
    }
    void arrange(core::Time now);
    std::span<const Listener> listeners() const { return listeners_; }
    // Decodes for `input` too, until untap() or finish(); false if no decoder or no room for it is left.
    bool tap(MixInput& input);
    void untap(const MixInput& input);

    // Sends what `packet` makes possible now.
    void carry(const Packet& packet, core::Time now);
    // A packet of the talker's without sound has come: its number is none that is missing.
    void pass_over(const Packet& packet, core::Time now);
    // The listener's stream has had a packet of ours in between: what is relayed to it goes on behind that.
    void make_way(const Endpoint& listener);
    // Gives up gaps that have been waited for, and sends what waits for a talker who has stopped.
    void advance(core::Time now);
    std::optional<core::Time> deadline() const;
    // Sends what is left and gives everything back to the pools.
    void finish();

    const Numbers& numbers() const { return numbers_; }
    DelayHistogram& delays() { return delays_; }
    void mark_sent(core::Time now) {
        if (!numbers_.first_sent) numbers_.first_sent = now;
    }
    std::size_t encoders() const;
    std::size_t decoders() const;

private:
    struct Branch {  // one working rate
        std::unique_ptr<CodecPool::Decoder> decoder;
        std::uint32_t rate{};
    };

    bool can_relay(const Listener& listener, const Treatment& treatment) const;
    std::uint8_t group_for(const Listener& listener, const Treatment& treatment);
    bool open_branch(std::uint32_t rate);
    void begin_decoding();
    void end_decoding();
    void close_unused();
    void join(Listener& listener, core::Time now);
    std::span<Listener> members(std::uint8_t group);

    static void shift(Listener& listener, std::int32_t by, std::uint64_t from);
    bool is_jump(const Packet& packet) const;
    void restart(const Packet& packet, core::Time now);
    void close_count();
    void relay(const Packet& packet);
    void decode(std::uint32_t timestamp, std::span<const std::byte> payload);
    void replace_lost();
    void silence(std::uint32_t ticks);
    void give_to_groups(const Branch& branch, std::span<const std::int16_t> samples);
    void drain(core::Time now);
    void plan_flush(core::Time now);
    void plan_pace();
    void flush();
    void adapt();
    std::chrono::microseconds time_of(std::uint32_t ticks) const;
    std::size_t samples_of(std::uint32_t ticks, std::uint32_t rate) const;

    const TalkPath* path_;
    Endpoint* talker_{};
    codec::Format format_{};
    bool running_{};
    std::uint64_t number_{};           // as the tap knows it; 0: it does not
    std::vector<Listener> listeners_;  // sorted by group
    std::array<MixInput*, kMaxTaps> taps_{};
    std::array<TranscodeGroup, kMaxGroups> groups_;
    std::array<Branch, kMaxRates> branches_{};
    Reorder order_;
    std::uint64_t newest_{};        // highest sequence number seen
    std::uint64_t counted_from_{};  // loss is counted from here
    std::uint64_t counted_{};       // packets since then
    std::uint32_t newest_timestamp_{};
    std::uint32_t expected_timestamp_{};  // of the next frame to decode
    std::uint32_t frame_ticks_{};         // length of the last frame decoded
    std::uint32_t longest_ticks_{};    // the longest packet so far: longer than a listener's ptime is split
    std::uint32_t concealed_ticks_{};  // in a row
    std::size_t transcoding_{};        // groups that are open, and taps
    std::size_t paced_{};              // the same of paced ones
    core::Time now_{};                 // of the packet or deadline at hand
    std::optional<core::Time> flush_at_;  // packets that are not full yet go out then
    std::optional<core::Time> pace_at_;   // the next packet of a paced frame does
    Numbers numbers_;
    DelayHistogram delays_;
};

}  // namespace crosspatch::media
