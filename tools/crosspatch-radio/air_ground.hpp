#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "crosspatch/ptt/ed137.hpp"
#include "key.hpp"
#include "options.hpp"
#include "sender.hpp"

namespace crosspatch::radio {

// A radio's end of an ED-137 session: as a voice switch its key is in its packets, as a ground station it opens its
// squelch while it talks, and is on air with whatever key it is given.
//
// Shape    what the other end says is printed to standard error where it changes, and the first kMaxEvents changes are
//          kept for the closing report.
// Errors   packets without the extension say nothing.
class AirGround final : public Key {
public:
    static constexpr std::size_t kMaxEvents = 1000;

    // `sender` outlives this.
    AirGround(const Options::AirGround& options, core::Time start, Sender& sender, Send send);

    void press(core::Time now) override;
    void let_go(core::Time now) override;
    void before_sound() override { sender_.set_extension(session_.extension()); }
    void after_sound(core::Time now) override { session_.sent(now); }
    void on_time(core::Time now) override;
    std::optional<core::Time> next() const override { return session_.next_deadline(); }
    void end(core::Time now) override;

    // Each authentic packet of the other end.
    void on_packet(const rtp::Header& header, core::Time now);

    struct Counters {
        std::uint64_t keep_alives_sent{};
        std::uint64_t keep_alives_received{};
        std::uint64_t found{};    // sessions
        std::uint64_t pressed{};  // by the other end: its key, or its squelch beside our own carrier
        std::uint64_t granted{};  // the ground station was on air with our key
        std::uint64_t muted{};    // it told us that our key is on, but not our sound
    };
    const Counters& counters() const { return counters_; }
    // What happened, as a JSON object.
    std::string json() const;

private:
    using Extension = rtp::ed137::Extension;
    void heed(const ptt::Ed137::Changes& changes, core::Time now);
    void send_keep_alives(core::Time now);
    bool is_ours(const Extension& heard) const;
    void show_changes(const Extension& before, core::Time now);
    void show_ptt(const Extension& before, core::Time now);
    void show(std::string_view event, core::Time now);

    Options::AirGround options_;
    core::Time start_;
    Sender& sender_;
    Send send_;
    ptt::Ed137 session_;
    rtp::ed137::Ptt key_{};  // ours, as a voice switch
    bool granted_{};
    std::size_t kept_{};
    std::string events_;
    Counters counters_;
};

}  // namespace crosspatch::radio
