#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crosspatch/codec/gain.hpp"

namespace crosspatch::radio {
namespace {

double ms(core::Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

std::string ns(const std::optional<core::WallTime>& time) {
    return time ? fmt::format("{}", time->time_since_epoch().count()) : "null";
}

std::string since_start(const Radio::Summary& summary, const std::optional<core::WallTime>& time) {
    return time ? fmt::format("{:.3f}", ms(*time - summary.started)) : "null";
}

// Of what was decoded, silence between talkspurts apart; dBov as codec::level_dbov() measures it.
double level(const PlayOut::Counters& heard) {
    if (heard.samples == 0 || heard.energy <= 0) return codec::kSilence_dbov;
    const double mean = heard.energy / static_cast<double>(heard.samples);
    return std::max(codec::kSilence_dbov, 10 * std::log10(mean / (32768.0 * 32768.0)));
}

core::Duration heard_for(const PlayOut& play) {
    return std::chrono::milliseconds{play.counters().samples * 1000 / play.rate()};
}

std::string bad_of(const Listener::Counters& counters) {
    std::string text;
    for (const auto& [cause, count] : counters.bad)
        text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ",", cause, count);
    return text;
}

std::string spans_of(const Radio::Summary& summary) {
    std::string text;
    for (const auto& span : summary.play.counters().heard)
        text += fmt::format("{}[{:.3f},{:.3f}]", text.empty() ? "" : ",", ms(span.from - summary.start),
                            ms(span.until - summary.start));
    return text;
}

std::string air_ground_of(const AirGround::Counters& counters) {
    return fmt::format("\n{:12}{:>9} keep-alives sent, {} received; {} sessions, {} presses of the other end",
                       "ed137", counters.keep_alives_sent, counters.keep_alives_received, counters.found,
                       counters.pressed);
}

}  // namespace

std::string json_of(const Radio::Summary& summary) {
    const auto& sent = summary.sender.counters();
    const auto& in = summary.listener.counters();
    const auto& heard = summary.play.counters();
    std::string text = fmt::format(R"({{"started_ns":{},"ran_ms":{:.3f},)",
                                   summary.started.time_since_epoch().count(), ms(summary.ran));
    text += fmt::format(
        R"("sent":{{"ssrc":{},"packets":{},"octets":{},"talkspurts":{},"refused":{},"unsent":{},"first_ns":{},"first_ms":{},"last_ns":{},"reported_loss_percent":{},"round_trip_ms":{}}},)",
        summary.sender.ssrc(), sent.packets, sent.octets, sent.talkspurts, sent.refused, summary.unsent,
        ns(sent.first), since_start(summary, sent.first), ns(sent.last),
        in.reported_loss ? fmt::format("{}", *in.reported_loss) : "null",
        in.round_trip ? fmt::format("{:.3f}", ms(*in.round_trip)) : "null");
    const auto ssrc = summary.listener.ssrc();
    text += fmt::format(
        R"("received":{{"ssrc":{},"streams":{},"packets":{},"octets":{},"lost":{},"late":{},"duplicates":{},"overflow":{},"undecodable":{},"bad":{{{}}},"reports":{},"byes":{},"jitter_ms":{:.3f},"first_ns":{},"first_ms":{},"last_ns":{}}},)",
        ssrc ? fmt::format("{}", *ssrc) : "null", in.streams, in.packets, in.octets, summary.listener.lost(),
        heard.late, heard.duplicates, heard.overflow, heard.undecodable, bad_of(in), in.reports, in.byes,
        ms(summary.listener.jitter()), ns(in.first), since_start(summary, in.first), ns(in.last));
    text += fmt::format(
        R"("heard":{{"talkspurts":{},"duration_ms":{:.0f},"concealed_frames":{},"recovered_frames":{},"longest_gap_ms":{:.3f},"level_dbov":{:.1f},"spans_ms":[{}]}},)",
        heard.talkspurts, ms(heard_for(summary.play)), heard.concealed, heard.recovered,
        ms(heard.longest_gap), level(heard), spans_of(summary));
    text += fmt::format(R"("floor":{},)", summary.handset ? summary.handset->json() : "null");
    text += fmt::format(R"("ed137":{},)", summary.air_ground ? summary.air_ground->json() : "null");
    text += fmt::format(R"("events_sent":{},)",
                        summary.event ? fmt::format("{}", summary.event->sent()) : "null");
    text += fmt::format(R"("card_overruns":{}}})",
                        summary.card_overruns ? fmt::format("{}", *summary.card_overruns) : "null");
    return text;
}

std::string table_of(const Radio::Summary& summary) {
    const auto& sent = summary.sender.counters();
    const auto& in = summary.listener.counters();
    const auto& heard = summary.play.counters();
    std::string text =
        fmt::format("{:12}{:>9} packets {:>5} talkspurts", "sent", sent.packets, sent.talkspurts);
    if (in.reported_loss)
        text += fmt::format(", {} % of them lost lately, as the other side says", *in.reported_loss);
    if (in.round_trip) text += fmt::format(", round trip {:.1f} ms", ms(*in.round_trip));
    if (summary.unsent > 0) text += fmt::format(", {} that the system did not send", summary.unsent);
    if (summary.event) text += fmt::format(", {} packets with key events", summary.event->sent());
    if (summary.air_ground) text += air_ground_of(summary.air_ground->counters());
    text += fmt::format("\n{:12}{:>9} packets {:>5} lost {} late, jitter {:.1f} ms\n", "received", in.packets,
                        summary.listener.lost(), heard.late, ms(summary.listener.jitter()));
    for (const auto& [cause, count] : in.bad) text += fmt::format("{:12}{:>9} {}\n", "refused", count, cause);
    if (heard.talkspurts == 0) return text + fmt::format("{:12}{:>9}\n", "heard", "nothing");
    text += fmt::format(
        "{:12}{:>9.2f} s {:>11} talkspurts at {:.1f} dBov, {} frames concealed, longest gap {:.0f} ms\n",
        "heard", ms(heard_for(summary.play)) / 1000, heard.talkspurts, level(heard), heard.concealed,
        ms(heard.longest_gap));
    text += fmt::format("{:12}{:>9} ms after the start, {}\n", "first packet", since_start(summary, in.first),
                        core::rfc3339(*in.first, 6));
    return text;
}

}  // namespace crosspatch::radio
