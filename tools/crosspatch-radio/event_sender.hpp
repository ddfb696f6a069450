#pragma once
#include <chrono>
#include <cstdint>

#include "crosspatch/rtp/telephone_event.hpp"
#include "key.hpp"
#include "options.hpp"
#include "sender.hpp"

namespace crosspatch::radio {

// A telephone event as a key: it lasts as long as the key is down.
//
// Shape    packets between those with sound, from the same numbers: one at once, then one each kUpdate, and the end
//          kEnds times.
// Source   RFC 4733 sections 2.3.5 (a duration of 0 is for ever), 2.5.1.2, 2.5.1.3 (long events), 2.5.1.4.
class EventSender final : public Key {
public:
    static constexpr std::chrono::milliseconds kUpdate{50};
    static constexpr int kEnds = 3;

    // `clock`: of the sound, in Hz. `sender` outlives this.
    EventSender(const Options::Event& event, std::uint32_t clock, Sender& sender, Send send);

    void press(core::Time now) override;
    void let_go(core::Time now) override;
    void on_time(core::Time now) override;
    std::optional<core::Time> next() const override;
    void end(core::Time now) override;

    std::uint64_t sent() const { return sent_; }  // packets

private:
    void begin_segments(core::Time now);
    void send_end();
    void send_ends();
    void send(std::uint16_t duration, bool end);
    std::uint32_t lasted(core::Time now) const;
    std::uint16_t duration(core::Time now) const;

    Options::Event event_;
    std::uint32_t shortest_;  // ticks: what a first packet says
    Sender& sender_;
    Send send_;
    bool down_{};
    bool marker_{};          // the next packet is the first of its event
    std::uint32_t begun_{};  // timestamp of the event, or of its present segment
    std::uint16_t said_{};   // the last duration
    int ends_{};             // still to be sent
    core::Time due_{};
    std::uint64_t sent_{};
};

}  // namespace crosspatch::radio
