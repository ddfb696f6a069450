#include "handset.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "crosspatch/core/text.hpp"

namespace crosspatch::radio {
namespace {

using Event = ptt::McptParticipant::Event;

// For people: what the server says is shown escaped.
std::string words_of(const Event& event) {
    std::string words{ptt::name_of(event.kind)};
    if (event.seconds) words += fmt::format(" for {} s", event.seconds);
    if (event.kind == Event::Kind::Queued && event.position < rtp::QueueInfo::kNotQueued)
        words += fmt::format(" at {}", event.position);
    if (event.cause) words += fmt::format(" ({})", event.cause);
    if (!event.text.empty()) words += ": " + core::escape(event.text);
    return words;
}

}  // namespace

Handset::Handset(const Options::Floor& floor, std::uint32_t ssrc, core::Time start, Send send)
    : floor_{floor}, start_{start}, terminal_{{.ssrc = ssrc}}, send_{std::move(send)} {}

void Handset::key(bool down, core::Time now) {
    down_ = down;
    begun_ = false;
    carry_out(down ? terminal_.press(floor_.claim, now) : terminal_.let_go(now), now);
}

void Handset::on_app(const rtp::App& app, std::optional<std::uint64_t> order, core::Time now) {
    const auto message = rtp::parse_floor_message(app);
    if (!message) {
        ++refused_;
        return;
    }
    ++received_;
    carry_out(terminal_.on_message(*message, now, order), now);
}

void Handset::on_time(core::Time now) {
    while (terminal_.next_deadline().value_or(core::Time::max()) <= now)
        carry_out(terminal_.on_time(now), now);
}

std::optional<FileTalk::Frame> Handset::take(FileTalk& file, core::Time now) {
    if (!down_) {
        if (!file.next() || now < *file.next()) return std::nullopt;
        key(true, now);
    }
    if (begun_ && file.is_at_start()) {  // its last frame has gone out
        key(false, now);
        return std::nullopt;
    }
    if (may_talk()) {
        if (!begun_) file.begin(now);
        begun_ = true;
        return file.take(now);
    }
    // Also while the last turn's Release is pending: this one's Request follows it.
    const bool waits = !begun_ && !is_at_rest();
    if (waits) return std::nullopt;
    file.skip(now);
    key(false, now);
    return std::nullopt;
}

std::optional<core::Time> Handset::next(const FileTalk& file) const {
    return down_ && !may_talk() ? std::nullopt : file.next();
}

void Handset::carry_out(const ptt::McptParticipant::Step& step, core::Time now) {
    for (const auto& message : step.send) {
        send_(message);
        ++sent_;
    }
    for (const auto& event : step.events) show(event, now);
    refused_ += step.refused.has_value();
}

void Handset::show(const Event& event, core::Time now) {
    auto words = words_of(event);
    const bool is_state = event.kind == Event::Kind::Taken || event.kind == Event::Kind::Idle ||
                          event.kind == Event::Kind::Queued;
    if (is_state && words == shown_) return;  // the gateway tells these again
    shown_ = std::move(words);
    fmt::print(stderr, "floor: {}\n", shown_);
    const auto ms = std::chrono::duration<double, std::milli>(now - start_).count();
    events_ +=
        fmt::format(R"({}{{"ms":{:.3f},"event":"{}","cause":{},"position":{},"seconds":{},"text":"{}"}})",
                    events_.empty() ? "" : ",", ms, ptt::name_of(event.kind), event.cause, event.position,
                    event.seconds, core::escape(event.text));
}

std::string Handset::json() const {
    return fmt::format(R"({{"sent":{},"received":{},"refused":{},"events":[{}]}})", sent_, received_,
                       refused_, events_);
}

}  // namespace crosspatch::radio
