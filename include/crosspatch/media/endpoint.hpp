#pragma once
#include <cstdint>
#include <span>
#include <utility>

#include "crosspatch/core/prefetch.hpp"
#include "crosspatch/media/report_timers.hpp"
#include "crosspatch/media/sink.hpp"
#include "crosspatch/media/source.hpp"

namespace crosspatch::media {

// One radio's attachment as the talk path sees it: where its packets come in and how ours go out.
//
// Thread   built and freed by control, used by one worker in between.
class Endpoint {
public:
    struct Parts {
        Source::Settings source;
        rtp::SrtpReceiver receiver;
        Sink::Settings sink;
        rtp::SrtpSender sender;
        std::uint32_t first_timestamp;  // random
    };
    Endpoint(std::uint32_t index, Parts parts, core::Time now)
        : source{parts.source, std::move(parts.receiver)},
          sink{std::move(parts.sink), std::move(parts.sender), parts.first_timestamp, now},
          index_{index} {
        source.set_own_ssrc(sink.ssrc());
    }

    std::uint32_t index() const { return index_; }
    const codec::Format& format() const { return source.settings().format; }

    bool send(Outbox& outbox, bool marker, std::uint64_t packet_index, std::uint32_t timestamp,
              std::span<const std::byte> payload) {
        return sink.send(outbox, source.remote(), marker, packet_index, timestamp, payload);
    }
    bool send_empty(Outbox& outbox, std::uint8_t payload_type, core::Time now) {
        return sink.send_empty(outbox, source.remote(), payload_type, now);
    }
    // What send() touches, but for the key: SrtpSender::prefetch().
    void prefetch() const {
        core::prefetch<sizeof(core::Address)>(&source.remote());
        core::prefetch<Sink::kHot>(&sink);
    }
    bool send_floor_message(Outbox& outbox, const rtp::FloorMessage& message) {
        return sink.send_floor_message(outbox, source.floor_remote(), message);
    }
    bool send_report(Outbox& outbox, core::Time now, core::WallTime wall, bool bye = false) {
        rtp::Reception* heard = source.reception();
        return sink.send_report(outbox, source.rtcp_remote(), heard ? heard->report(now) : std::nullopt, now,
                                wall, bye);
    }

    // The worker that its channel lives on; changes only while all workers rest.
    std::uint8_t worker() const { return worker_; }
    void set_worker(std::uint8_t number) { worker_ = number; }

    Source source;
    Sink sink;
    ReportTimers::Hook report;

private:
    const std::uint32_t index_;  // dense; the floor's Participant
    std::uint8_t worker_{0};
};

}  // namespace crosspatch::media
