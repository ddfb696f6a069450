#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "crosspatch/core/time.hpp"
#include "crosspatch/floor/request.hpp"
#include "crosspatch/rtp/ed137.hpp"
#include "crosspatch/rtp/packet.hpp"

namespace crosspatch::ptt {

// What the gateway is in an ED-137 session: the voice switch before a ground radio station, or the ground
// station before a voice switch.
enum class Ed137Role : std::uint8_t { Vcs, Grs };

// `ptt: {signal: ed137, …}` of an endpoint.
struct Ed137Settings {
    Ed137Role role{Ed137Role::Vcs};
    std::chrono::milliseconds period{200};  // R2S-KeepAlivePeriod, 20 to 1,000
    std::uint8_t multiplier{10};            // R2S-KeepAliveMultiplier, 2 to 50
    std::uint8_t ptt_id{0};                 // of this session, up to 63
    std::uint8_t repeats{0};                // ptt_rep, 0 to 3: the end of a key is told so often again
    friend bool operator==(const Ed137Settings&, const Ed137Settings&) = default;
};

// Our end of one ED-137 session: the other end's key or squelch becomes a press, and what the floor decides
// becomes the extension of the packets that go out.
//
//   Vcs  the peer's open squelch is a press of class Normal: somebody is heard on its receiver. While others
//        talk, our packets key its transmitter, with the key that suits their class. Its own carrier that it
//        hears back is no press: what opens while we key counts once it has outlasted the key by kEcho.
//   Grs  the peer's key is a press: 1 and 2 Normal, 3 ImminentPeril, 4 Emergency; 5, a test, is not relayed.
//        Our packets open the squelch while others talk, give its key back while it has the floor, and say
//        that it is muted when it was refused.
//
// Shape    about 100 octets.
// Time     `now` is the arrival time, or when the caller acts; it should not go back.
// Errors   none. Packets without the extension, and those that a later one has overtaken, count for nothing,
//          not even as a sign of life: who sends no more than these is lost after period x multiplier.
// Thread   its owner's; no allocation.
// Source   EUROCAE ED-137 volume 1 as implementations have it: behaviour, PTT types, R2S keep-alives.
class Ed137 {
public:
    static constexpr std::chrono::milliseconds kEcho{250};
    // Five presses a second, each told on, off and three times off again.
    static constexpr std::uint8_t kHurried{25};
    static constexpr std::chrono::seconds kHurryTime{1};

    struct Change {
        enum class Kind : std::uint8_t {
            Found,     // the first packet, or the first after Lost
            Pressed,   // with this class
            Claimed,   // the press goes on with another class; lower ones, too
            Released,  // also before Lost
            Lost,      // nothing heard for period x multiplier
        } kind;
        floor::Class level{};
        friend bool operator==(const Change&, const Change&) = default;
    };
    // In order, from the front. What a late on_time() should have said comes first.
    using Changes = std::array<std::optional<Change>, 4>;

    explicit Ed137(const Ed137Settings& settings);

    // Each packet of the peer that has proved to be authentic, with sound or without.
    Changes on_packet(const rtp::Header& header, core::Time now);
    // Call at next_deadline() or later.
    Changes on_time(core::Time now);
    // The peer has begun anew: a key that is down in its next packet is Pressed then.
    void forget_press();

    // Somebody else begins to be heard on this endpoint, claims more, or ends.
    void talk_begins(floor::Class level, core::Time now);
    void talk_ends(core::Time now);
    // What the floor made of the peer's press; `as` which class it counts, if that is less than was claimed. Both hold
    // until it is released; without a press, nothing.
    void press_granted(core::Time now, floor::Class as = floor::Class::Emergency);
    void press_refused(core::Time now);  // denied or revoked

    // For Header::extension of the next packet that goes out, under rtp::ed137::kProfile.
    rtp::ed137::Octets extension() const { return rtp::ed137::write(said_); }
    // Whether a packet without sound is to go out now, under the R2S payload type. Ask again after each sent().
    bool keep_alive_due(core::Time now) const;
    // A packet with extension() has gone out, with sound or without.
    void sent(core::Time now);
    // For a caller who does not tell each one with sound: some have gone out since the last deadline, nobody knows when.
    void sent_meanwhile(core::Time now);

    // When on_time() or keep_alive_due() has something; Time::min(): at once.
    core::Time next_deadline() const;

    // For people and counters.
    bool found() const { return found_; }
    bool pressed() const { return pressed_.has_value(); }
    floor::Class level() const { return pressed_.value_or(floor::Class::Normal); }  // of the press
    core::Duration patience() const {
        return settings_.period * settings_.multiplier;
    }  // then a silent peer is lost
    const rtp::ed137::Extension& heard() const {
        return heard_;
    }  // the last; SCT: two at once on its receiver

private:
    std::optional<floor::Class> key_of(const rtp::ed137::Extension& extension) const;
    bool is_overtaken(const rtp::Header& header) const;
    void set_key(std::optional<floor::Class> key, Changes& changes);
    void say(const rtp::ed137::Extension& extension);
    rtp::ed137::Extension to_say() const;
    bool awaits_echo() const;
    core::Time lost_at() const;

    Ed137Settings settings_;

    // What the peer says.
    bool found_{};
    std::uint32_t ssrc_{};
    std::uint16_t sequence_{};
    core::Time heard_at_{};
    rtp::ed137::Extension heard_;
    std::optional<floor::Class> pressed_;
    rtp::ed137::Ptt key_{};  // with which it pressed
    floor::Class counts_as_{};
    bool echo_{};  // its squelch opened while we keyed
    core::Time unkeyed_at_{core::Time::min()};

    // What we say.
    enum class Answer : std::uint8_t { None, Granted, Refused } answer_{};
    std::optional<floor::Class> talk_;
    rtp::ed137::Extension said_;
    std::uint8_t owed_{};     // packets that are to go out at once
    std::uint8_t hurried_{};  // so many have since then
    core::Time hurried_since_{core::Time{} - kHurryTime};
    std::optional<core::Time> sent_at_;
};

}  // namespace crosspatch::ptt
