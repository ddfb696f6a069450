#include "playout.hpp"

#include <algorithm>

namespace crosspatch::radio {
namespace {
using namespace std::chrono_literals;
constexpr std::size_t kMaxWaiting = 1024;
constexpr auto kMaxAhead = 2s;  // a timestamp further away than this belongs to another talkspurt
// So long a packet is waited for before the talkspurt counts as over; longer while the talker said that he is
// silent, because Opus then speaks up only each 400 ms.
constexpr auto kPatience = 100ms;
constexpr auto kRestingPatience = 1s;

// From one extended sequence number to another; negative when `to` is the older one.
std::int32_t steps(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }
}  // namespace

PlayOut::PlayOut(const codec::Format& format, std::chrono::milliseconds delay, Sink sink)
    : format_{format},
      delay_{delay},
      sink_{std::move(sink)},
      decoder_{codec::make_decoder(format)},
      frame_{format.rate / 50},
      samples_(codec::kMaxSamples) {}

void PlayOut::push(std::uint16_t sequence, std::uint32_t timestamp, bool marker,
                   std::span<const std::byte> payload, core::Time now) {
    if (!newest_) newest_.emplace(sequence);
    const auto extended = newest_->extend(sequence);
    const auto after = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& other) {
        return steps(extended, other.sequence) >= 0;
    });
    if (after != waiting_.end() && after->sequence == extended) {
        ++counters_.duplicates;
        return;
    }
    if (waiting_.size() >= kMaxWaiting) {
        ++counters_.overflow;
        return;
    }
    const bool overtaken = after != waiting_.end();
    auto due = due_of(timestamp);
    bool first = false;
    if (overtaken) {
        // What was taken for the beginning was not.
        first = after->first && (marker || !talking_);
        after->first = after->first && !first;
    } else if (begins_talkspurt(due, marker, now)) {
        first = true;
        anchor(timestamp, now);
        due = anchor_due_;
    }
    const auto turn = talking_ ? cursor_ : now;
    const bool passed = (played_ && steps(expected_, extended) < 0) || due + length_of(frame_) / 2 < turn;
    if (passed) {
        ++counters_.late;
        return;
    }
    waiting_.insert(after, Waiting{extended, due, first, {payload.begin(), payload.end()}});
}

void PlayOut::pass_over(std::uint16_t sequence) {
    if (!newest_) newest_.emplace(sequence);
    const auto extended = newest_->extend(sequence);
    if (std::ranges::find(soundless_, extended) != soundless_.end()) return;
    soundless_.push_back(extended);
    if (soundless_.size() > kMaxWaiting) soundless_.pop_front();
}

core::Time PlayOut::due_of(std::uint32_t timestamp) const {
    return anchor_due_ + in_time(rtp::timestamp_distance(anchor_timestamp_, timestamp));
}

bool PlayOut::begins_talkspurt(core::Time due, bool marker, core::Time now) const {
    return marker || (!talking_ && waiting_.empty()) || due > now + delay_ + kMaxAhead ||
           due < now - kMaxAhead;
}

void PlayOut::anchor(std::uint32_t timestamp, core::Time now) {
    anchor_timestamp_ = timestamp;
    anchor_due_ = now + delay_;
    // A talkspurt right after another one begins where that one ends.
    if (talking_) anchor_due_ = std::max(anchor_due_, cursor_);
    if (!waiting_.empty()) anchor_due_ = std::max(anchor_due_, waiting_.back().due + length_of(frame_));
}

void PlayOut::restart() {
    waiting_.clear();
    soundless_.clear();
    newest_.reset();
    played_ = false;
    talking_ = false;
    resting_ = false;
    made_up_ = 0;
}

void PlayOut::play(core::Time now) {
    while (true) {
        const Waiting* front = waiting_.empty() ? nullptr : &waiting_.front();
        if (!talking_) {
            if (!front || front->due > now) return;
            talking_ = true;
            cursor_ = front->due;
            play_front();
        } else if (cursor_ > now) {
            return;
        } else if (front && front->due <= cursor_ + length_of(frame_) / 2) {
            play_front();
        } else if ((front && !front->first) || worth_waiting()) {
            fill();
        } else {
            talking_ = false;
            resting_ = false;
            made_up_ = 0;
        }
    }
}

bool PlayOut::worth_waiting() const {
    return cursor_ - heard_until_ < (resting_ ? core::Duration{kRestingPatience} : core::Duration{kPatience});
}

void PlayOut::play_front() {
    const Waiting packet = std::move(waiting_.front());
    waiting_.pop_front();
    if (packet.first) {
        decoder_->start(format_.rate);
        ++counters_.talkspurts;
        cursor_ = std::max(cursor_, packet.due);
    }
    if (played_) count_gap(packet);
    played_ = true;
    made_up_ = 0;
    expected_ = packet.sequence + 1;
    resting_ = codec::is_dtx(format_, packet.payload);
    const auto count = decoder_->decode(packet.payload, samples_);
    if (count == 0) {
        ++counters_.undecodable;
        give(decoder_->conceal(frame_, samples_));
        return;
    }
    if (count >= format_.rate / 400) frame_ = count;  // 2.5 ms: what is shorter is no frame of any codec
    ++counters_.played;
    count_heard(count);
    give(count);
    heard_until_ = cursor_;
}

void PlayOut::count_gap(const Waiting& packet) {
    const auto missing = missing_before(packet);
    counters_.concealed += std::min(made_up_, missing);
    const auto gap = cursor_ - heard_until_;
    if (missing > 0 && gap < kMaxAhead) counters_.longest_gap = std::max(counters_.longest_gap, gap);
}

std::uint32_t PlayOut::missing_before(const Waiting& packet) {
    auto missing = static_cast<std::uint32_t>(steps(expected_, packet.sequence));
    std::erase_if(soundless_, [&](std::uint32_t sequence) {
        if (steps(sequence, packet.sequence) <= 0) return false;
        if (steps(expected_, sequence) >= 0) --missing;
        return true;
    });
    return missing;
}

void PlayOut::fill() {
    std::size_t count = 0;
    const auto turn = expected_ + made_up_;
    const bool next_is_there = !waiting_.empty() && !waiting_.front().first &&
                               waiting_.front().sequence == turn + 1 &&
                               std::ranges::find(soundless_, turn) == soundless_.end();
    if (next_is_there) count = decoder_->recover(waiting_.front().payload, frame_, samples_);
    if (count > 0) ++counters_.recovered;
    if (count == 0) count = decoder_->conceal(frame_, samples_);
    if (count == 0) {
        count = frame_;
        std::fill_n(samples_.begin(), count, std::int16_t{0});
    }
    ++made_up_;
    give(count);
}

void PlayOut::give(std::size_t samples) {
    sink_(cursor_, std::span{samples_}.first(samples));
    cursor_ += length_of(samples);
}

void PlayOut::count_heard(std::size_t samples) {
    counters_.samples += samples;
    const auto until = cursor_ + length_of(samples);
    if (!counters_.heard.empty() && cursor_ - counters_.heard.back().until < 1ms)
        counters_.heard.back().until = until;
    else if (counters_.heard.size() < kMaxSpans)
        counters_.heard.push_back({cursor_, until});
    for (const auto sample : std::span{samples_}.first(samples))
        counters_.energy += static_cast<double>(sample) * sample;
}

std::optional<core::Time> PlayOut::next() const {
    if (talking_) return cursor_;
    if (!waiting_.empty()) return waiting_.front().due;
    return std::nullopt;
}

core::Duration PlayOut::in_time(std::int64_t ticks) const {
    return std::chrono::nanoseconds{ticks * 1'000'000'000 / format_.clock};
}

core::Duration PlayOut::length_of(std::size_t samples) const {
    return std::chrono::nanoseconds{static_cast<std::int64_t>(samples) * 1'000'000'000 / format_.rate};
}

}  // namespace crosspatch::radio
