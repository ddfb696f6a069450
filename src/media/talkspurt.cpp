#include "crosspatch/media/talkspurt.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

#include "crosspatch/codec/rates.hpp"
#include "crosspatch/media/mix_input.hpp"
#include "crosspatch/rtp/sequence.hpp"
#include "src/media/fan_out.hpp"

namespace crosspatch::media {
namespace {

constexpr std::uint64_t kMaxForward = 100;                // packets: a larger step is a new start
constexpr std::chrono::milliseconds kMaxConcealed{200};   // in a row; what is longer is silence
constexpr std::chrono::milliseconds kPatienceLimit{240};  // a gap is never waited for longer
constexpr std::chrono::milliseconds kLeastPatience{2};    // two packets of one burst may swap
constexpr std::chrono::seconds kPlausible{2};             // timestamp and arrival may disagree by so much
// After its time a packet is waited for as long as a gap is, before what it would complete goes out without it; at least
// as long as a listener's buffer usually does, because what comes later than that costs its place.
constexpr std::chrono::milliseconds kLeastFlushPatience{60};
// The same before the talker's jitter is known: programs that read files send bursts of up to 100 ms.
constexpr std::chrono::milliseconds kFirstFlushPatience{100};
constexpr std::uint64_t kJitterKnown = 16;  // packets; RFC 3550 6.4.1: the estimate's gain is 1/16

}  // namespace

Talkspurt::Talkspurt(const TalkPath& path) : path_{&path}, order_{path.packets} {}

Talkspurt::Talkspurt(const TalkPath& path, const codec::Format& format) : Talkspurt{path} {
    format_ = format;
}

Talkspurt::~Talkspurt() {
    for (TranscodeGroup& group : groups_) group.close(path_->codecs);
    for (Branch& branch : branches_)
        if (branch.decoder) path_->codecs.give_back(std::move(branch.decoder));
}

void Talkspurt::reserve(std::size_t listeners) { listeners_.reserve(listeners); }

void Talkspurt::move_to(const TalkPath& to) {
    for (const TranscodeGroup& group : groups_) group.hand_over(path_->codecs, to.codecs);
    for (const Branch& branch : branches_)
        if (branch.decoder) CodecPool::hand_over(*branch.decoder, path_->codecs, to.codecs);
    order_.move_to(to.packets);
    path_ = &to;
}

void Talkspurt::start(Endpoint& talker, const Packet& first, core::Time now, std::uint64_t number) {
    talker_ = &talker;
    format_ = talker.format();
    start(first, now);
    number_ = path_->tap ? number : 0;
    if (number_ != 0) path_->tap->begins(number_, talker.index(), format_, now);
}

void Talkspurt::start(const Packet& first, core::Time now) {
    assert(!running() && listeners_.empty());
    running_ = true;
    numbers_ = {};
    delays_.clear();
    longest_ticks_ = first.duration;
    frame_ticks_ = first.duration;
    restart(first, now);
}

// The talker's numbers begin anew: at the press, after a jump, or with a new SSRC.
void Talkspurt::restart(const Packet& packet, core::Time now) {
    order_.start(packet.sequence);
    close_count();
    for (std::uint8_t i = 0; i < kMaxGroups; ++i)
        if (groups_[i].is_open()) groups_[i].restart(members(i), path_->scratch, path_->outbox);
    flush_at_.reset();
    pace_at_.reset();
    newest_ = counted_from_ = packet.sequence;
    newest_timestamp_ = expected_timestamp_ = packet.timestamp;
    concealed_ticks_ = 0;
    for (Listener& listener : listeners_) join(listener, now);
    for (Branch& branch : branches_)
        if (branch.decoder) branch.decoder->codec->start(branch.rate);
}

// What is missing of the numbers seen so far is lost.
void Talkspurt::close_count() {
    const std::uint64_t expected = counted_ > 0 ? newest_ + 1 - counted_from_ : 0;
    numbers_.packets_lost += expected > counted_ ? expected - counted_ : 0;
    counted_ = 0;
}

void Talkspurt::add(Endpoint& listener, std::uint32_t channel, const Treatment& treatment) {
    assert(listeners_.size() < listeners_.capacity());
    listeners_.push_back(
        {.endpoint = &listener, .channel = channel, .group = Listener::kNew, .treatment = treatment});
}

void Talkspurt::remove_channel(std::uint32_t channel) {
    remove_if([&](const Listener& listener) { return listener.channel == channel; });
}

void Talkspurt::remove(const Endpoint& endpoint) {
    remove_if([&](const Listener& listener) { return listener.endpoint == &endpoint; });
}

bool Talkspurt::can_relay(const Listener& listener, const Treatment& treatment) const {
    const Sink::Settings& sink = listener.endpoint->sink.settings();
    return treatment == Treatment{} && codec::same_payload(format_, sink.format) &&
           longest_ticks_ <= format_.ticks(sink.ptime);
}

void Talkspurt::arrange(core::Time now) {
    for (Listener& listener : listeners_) {
        const std::uint8_t before = listener.group;
        listener.group = group_for(listener, listener.treatment);
        // A group for each channel that hears a mark may be more than there are: then no mark rather than no sound.
        if (listener.group == Listener::kNone && listener.treatment.mark)
            listener.group = group_for(listener, listener.treatment.without_mark());
        if (listener.group == Listener::kNone && before != Listener::kNone) {
            ++numbers_.listeners_without_codec;
            listener.endpoint->source.counters().dropped(Drop::NoCodec);
        }
        if (listener.group != before) join(listener, now);
    }
    std::sort(listeners_.begin(), listeners_.end(),
              [](const Listener& a, const Listener& b) { return a.group < b.group; });
    close_unused();
}

std::uint8_t Talkspurt::group_for(const Listener& listener, const Treatment& treatment) {
    if (can_relay(listener, treatment)) return Listener::kRelay;
    const Sink::Settings& sink = listener.endpoint->sink.settings();
    std::optional<std::uint8_t> unused;
    for (std::uint8_t i = 0; i < kMaxGroups; ++i) {
        if (groups_[i].serves(sink.format, sink.ptime, treatment, sink.pace)) return i;
        if (!groups_[i].is_open() && !unused) unused = i;
    }
    const std::uint32_t rate = codec::decode_rate(format_, sink.format);
    if (!unused || !open_branch(rate) ||
        !groups_[*unused].open(path_->codecs, format_, sink.format, sink.ptime, treatment, sink.pace)) {
        return Listener::kNone;
    }
    if (sink.pace) ++paced_;
    begin_decoding();
    return *unused;
}

// The first to need it after a while of relaying starts to decode with what comes next.
void Talkspurt::begin_decoding() {
    if (transcoding_++ > 0) return;
    order_.start(counted_ == 0 ? newest_ : newest_ + 1);
    expected_timestamp_ = counted_ == 0 ? newest_timestamp_ : newest_timestamp_ + frame_ticks_;
}

void Talkspurt::end_decoding() {
    if (--transcoding_ > 0) return;
    order_.start(0);  // nobody is left whom a waiting packet could reach
    flush_at_.reset();
    pace_at_.reset();
}

bool Talkspurt::tap(MixInput& input) {
    const auto free = std::ranges::find(taps_, nullptr);
    if (free == taps_.end() || !open_branch(input.rate())) return false;
    *free = &input;
    begin_decoding();
    return true;
}

void Talkspurt::untap(const MixInput& input) {
    const auto found = std::ranges::find(taps_, &input);
    if (found == taps_.end()) return;
    *found = nullptr;
    end_decoding();
    close_unused();
}

bool Talkspurt::open_branch(std::uint32_t rate) {
    for (Branch& branch : branches_) {
        if (branch.decoder && branch.rate == rate) return true;
        if (branch.decoder) continue;
        branch.decoder = path_->codecs.take_decoder(format_);
        if (!branch.decoder) return false;
        branch.rate = rate;
        branch.decoder->codec->start(rate);
        return true;
    }
    return false;
}

void Talkspurt::close_unused() {
    for (std::uint8_t i = 0; i < kMaxGroups; ++i) {
        if (!groups_[i].is_open() || !members(i).empty()) continue;
        numbers_.frames_encoded += groups_[i].frames_encoded();
        groups_[i].close(path_->codecs);
        if (groups_[i].paced()) --paced_;
        end_decoding();
    }
    for (Branch& branch : branches_) {
        if (!branch.decoder) continue;
        const bool used = std::any_of(groups_.begin(), groups_.end(),
                                      [&](const TranscodeGroup& group) {
                                          return group.is_open() && group.decode_rate() == branch.rate;
                                      }) ||
                          std::ranges::any_of(
                              taps_, [&](const MixInput* tap) { return tap && tap->rate() == branch.rate; });
        if (!used) path_->codecs.give_back(std::move(branch.decoder));
    }
}

// From here on the listener's stream goes on where it was when it last heard something.
void Talkspurt::join(Listener& listener, core::Time now) {
    const Sink& sink = listener.endpoint->sink;
    listener.started = false;
    listener.shifts = {};
    listener.base_timestamp = sink.timestamp_at(now);
    if (listener.group == Listener::kRelay) {
        listener.first_sequence = counted_ == 0 ? newest_ : newest_ + 1;
        listener.first_timestamp = counted_ == 0 ? newest_timestamp_ : newest_timestamp_ + frame_ticks_;
        listener.base_index = sink.next_index();
    } else if (listener.group < kMaxGroups) {
        listener.first_timestamp = groups_[listener.group].elapsed();
    }
}

std::span<Listener> Talkspurt::members(std::uint8_t group) {
    const auto range =
        std::equal_range(listeners_.begin(), listeners_.end(), Listener{.group = group},
                         [](const Listener& a, const Listener& b) { return a.group < b.group; });
    return {range.first, range.second};
}

bool Talkspurt::is_jump(const Packet& packet) const {
    if (packet.new_stream || packet.sequence > newest_ + kMaxForward) return true;
    if (packet.sequence + Reorder::kWindow < newest_) return false;  // merely late
    // In 64 bits: a jump by 2^31 has no positive counterpart in 32.
    const auto by_clock = time_of(static_cast<std::uint32_t>(
        std::abs(std::int64_t{rtp::timestamp_distance(newest_timestamp_, packet.timestamp)})));
    return packet.sequence > newest_ && by_clock > kPlausible;
}

void Talkspurt::carry(const Packet& packet, core::Time now) {
    ++numbers_.packets_received;
    if (packet.duration > longest_ticks_) {  // a listener may now need its packets split
        longest_ticks_ = packet.duration;
        arrange(now);
    }
    if (counted_ > 0 && is_jump(packet)) restart(packet, now);
    const auto dropped = [this](Drop cause) {
        if (talker_) talker_->source.counters().dropped(cause);
    };
    if (counted_ > 0 && packet.sequence < counted_from_) {
        ++numbers_.packets_late;
        return dropped(Drop::Late);
    }
    ++counted_;
    if (number_ != 0) path_->tap->sound(number_, packet.timestamp, packet.payload, now);
    relay(packet);
    if (packet.sequence >= newest_) {
        newest_ = packet.sequence;
        newest_timestamp_ = packet.timestamp;
        if (transcoding_ == 0) frame_ticks_ = packet.duration;
    }
    if (transcoding_ == 0) return;
    now_ = now;
    adapt();
    switch (order_.push(packet.sequence, packet.timestamp, packet.payload, now)) {
        case Reorder::Arrival::InOrder:
            decode(packet.timestamp, packet.payload);
            break;
        case Reorder::Arrival::Late:
            ++numbers_.packets_late;
            return dropped(Drop::Late);
        case Reorder::Arrival::Early:
            break;
        case Reorder::Arrival::Duplicate:
            return dropped(Drop::Duplicate);
        case Reorder::Arrival::TooFarAhead:
        case Reorder::Arrival::NoRoom:
            // Nothing to wait with: what waits is played, what is missing is given up, and it goes on from here.
            drain(core::Time::max());
            order_.start(packet.sequence + 1);
            decode(packet.timestamp, packet.payload);
            break;
    }
    drain(now);
    plan_flush(now);
    plan_pace();
}

// What comes late still has the index that was its own before.
void Talkspurt::shift(Listener& listener, std::int32_t by, std::uint64_t from) {
    listener.base_index += static_cast<std::uint64_t>(std::int64_t{by});
    listener.newest_shift = static_cast<std::uint8_t>((listener.newest_shift + 1) % Listener::kShifts);
    listener.shifts[listener.newest_shift] = {from, by};
}

// Who hears the talker as he is must not take the number for lost sound. Once a later one has been sent, it stays free.
void Talkspurt::pass_over(const Packet& packet, core::Time now) {
    const std::uint64_t number = packet.sequence;
    if (counted_ == 0 || number < counted_from_ || number > newest_ + kMaxForward) return;
    ++counted_;
    if (number > newest_)
        for (Listener& listener : members(Listener::kRelay)) shift(listener, -1, number);
    newest_ = std::max(newest_, number);
    if (transcoding_ == 0) return;
    now_ = now;
    order_.push(number, packet.timestamp, {}, now);
    drain(now);
    plan_pace();
}

void Talkspurt::make_way(const Endpoint& endpoint) {
    for (Listener& listener : members(Listener::kRelay))
        if (listener.endpoint == &endpoint) shift(listener, +1, newest_ + 1);
}

// A packet that is not full must not wait until the lease of a talker who has stopped runs out.
void Talkspurt::plan_flush(core::Time now) {
    flush_at_.reset();
    const auto waits = [](const TranscodeGroup& group) { return group.is_open() && group.has_partial(); };
    if (std::none_of(groups_.begin(), groups_.end(), waits)) return;
    const core::Duration patience = counted_ < kJitterKnown
                                        ? core::Duration{kFirstFlushPatience}
                                        : std::max<core::Duration>(order_.patience(), kLeastFlushPatience);
    flush_at_ = now + time_of(frame_ticks_) + patience;
}

void Talkspurt::plan_pace() {
    pace_at_.reset();
    if (paced_ == 0) return;
    for (const TranscodeGroup& group : groups_)
        if (const auto due = group.due(); due && (!pace_at_ || *due < *pace_at_)) pace_at_ = due;
}

void Talkspurt::flush() {
    flush_at_.reset();
    for (std::uint8_t i = 0; i < kMaxGroups; ++i)
        if (groups_[i].is_open()) groups_[i].flush(members(i), path_->scratch, path_->outbox);
}

void Talkspurt::relay(const Packet& packet) {
    fan_out(members(Listener::kRelay), [&](Listener& listener) {
        // Of before the listener joined: its number would be one that is used already.
        if (packet.sequence < listener.first_sequence) return;
        const bool marker = !std::exchange(listener.started, true) || packet.marker;
        std::uint64_t index = listener.base_index + (packet.sequence - listener.first_sequence);
        if (packet.sequence < listener.shifts[listener.newest_shift].before)
            for (const Listener::Shift& shift : listener.shifts)
                if (packet.sequence < shift.before)
                    index -= static_cast<std::uint64_t>(std::int64_t{shift.by});
        listener.heard |= listener.endpoint->send(
            path_->outbox, marker, index,
            listener.base_timestamp + (packet.timestamp - listener.first_timestamp), packet.payload);
    });
}

void Talkspurt::drain(core::Time now) {
    for (;;) {
        const Reorder::Next next = order_.pop(now);
        if (next.kind == Reorder::Next::Kind::Nothing) return;
        if (next.kind == Reorder::Next::Kind::Lost)
            replace_lost();
        else if (!next.payload.empty())  // or it had no sound
            decode(next.timestamp, next.payload);
    }
}

void Talkspurt::decode(std::uint32_t timestamp, std::span<const std::byte> payload) {
    const std::int32_t gap = rtp::timestamp_distance(expected_timestamp_, timestamp);
    // The talker's clock ran on without packets: DTX, or a pause that it did not mark.
    if (gap > 0 && time_of(static_cast<std::uint32_t>(gap)) < kPlausible)
        silence(static_cast<std::uint32_t>(gap));
    const auto duration = codec::packet_duration(format_, payload);
    frame_ticks_ = duration.value_or(frame_ticks_);
    expected_timestamp_ = timestamp + frame_ticks_;
    concealed_ticks_ = 0;
    for (const Branch& branch : branches_) {
        if (!branch.decoder) continue;
        codec::Decoder& decoder = *branch.decoder->codec;
        std::size_t count = decoder.decode(payload, path_->scratch.decoded);
        if (count == 0) {
            count = decoder.conceal(samples_of(frame_ticks_, branch.rate), path_->scratch.decoded);
            ++numbers_.frames_concealed;
        }
        give_to_groups(branch, std::span{path_->scratch.decoded}.first(count));
    }
}

void Talkspurt::replace_lost() {
    if (time_of(concealed_ticks_) >= kMaxConcealed) {
        silence(frame_ticks_);
        expected_timestamp_ += frame_ticks_;
        return;
    }
    const std::span<const std::byte> next = order_.after_lost();
    bool recovered = false;
    for (const Branch& branch : branches_) {
        if (!branch.decoder) continue;
        codec::Decoder& decoder = *branch.decoder->codec;
        const std::size_t wanted = samples_of(frame_ticks_, branch.rate);
        std::size_t count = next.empty() ? 0 : decoder.recover(next, wanted, path_->scratch.decoded);
        recovered = count > 0;
        if (count == 0) count = decoder.conceal(wanted, path_->scratch.decoded);
        give_to_groups(branch, std::span{path_->scratch.decoded}.first(count));
    }
    ++(recovered ? numbers_.frames_recovered : numbers_.frames_concealed);
    expected_timestamp_ += frame_ticks_;
    concealed_ticks_ += frame_ticks_;
}

void Talkspurt::silence(std::uint32_t ticks) {
    for (std::uint8_t i = 0; i < kMaxGroups; ++i)
        if (groups_[i].is_open()) groups_[i].skip(time_of(ticks), members(i), path_->scratch, path_->outbox);
    for (MixInput* tap : taps_)
        if (tap) tap->skip(time_of(ticks));
}

void Talkspurt::give_to_groups(const Branch& branch, std::span<const std::int16_t> samples) {
    for (std::uint8_t i = 0; i < kMaxGroups; ++i)
        if (groups_[i].is_open() && groups_[i].decode_rate() == branch.rate)
            groups_[i].feed(samples, members(i), path_->scratch, path_->outbox, now_);
    for (MixInput* tap : taps_)
        if (tap && tap->rate() == branch.rate && !tap->hear(samples, path_->scratch) && talker_)
            talker_->source.counters().dropped(Drop::CaughtUp);
}

// Now and then, not per packet: how long a gap is worth waiting for, and how much correction the listeners need.
void Talkspurt::adapt() {
    if (numbers_.packets_received % 16 != 1) return;
    const auto jitter = talker_ && talker_->source.reception() ? talker_->source.reception()->jitter()
                                                               : std::chrono::nanoseconds{};
    order_.set_patience(std::clamp<core::Duration>(4 * jitter, kLeastPatience, kPatienceLimit));
    for (std::uint8_t i = 0; i < kMaxGroups; ++i) {
        if (!groups_[i].is_open()) continue;
        unsigned worst = 0;
        for (const Listener& listener : members(i))
            worst = std::max(worst, listener.endpoint->sink.reported_loss());
        groups_[i].set_loss(worst);
    }
}

void Talkspurt::advance(core::Time now) {
    if (transcoding_ == 0) return;
    if (const auto due = deadline(); !due || now < *due) return;
    now_ = now;
    for (std::uint8_t i = 0; pace_at_ && i < kMaxGroups; ++i)
        if (groups_[i].is_open()) groups_[i].advance(members(i), path_->scratch, path_->outbox, now);
    drain(now);
    if (flush_at_ && now >= *flush_at_)
        flush();
    else if (!flush_at_)
        plan_flush(now);  // what came behind a gap that was given up may have left a part of a packet
    plan_pace();
}

std::optional<core::Time> Talkspurt::deadline() const {
    auto next = order_.deadline();
    for (const auto& other : {flush_at_, pace_at_})
        if (other && (!next || *other < *next)) next = other;
    return next;
}

void Talkspurt::finish() {
    if (!running()) return;
    if (transcoding_ > 0) {
        drain(core::Time::max());  // what waits for a gap need wait no longer
        flush();
    }
    close_count();
    listeners_.clear();
    for (MixInput*& tap : taps_)
        if (std::exchange(tap, nullptr)) end_decoding();
    close_unused();
    order_.start(0);
    if (number_ != 0) path_->tap->ends(std::exchange(number_, 0));
    talker_ = nullptr;
    running_ = false;
}

std::size_t Talkspurt::encoders() const {
    return static_cast<std::size_t>(std::count_if(
        groups_.begin(), groups_.end(), [](const TranscodeGroup& group) { return group.is_open(); }));
}

std::size_t Talkspurt::decoders() const {
    return static_cast<std::size_t>(std::count_if(
        branches_.begin(), branches_.end(), [](const Branch& branch) { return branch.decoder != nullptr; }));
}

std::chrono::microseconds Talkspurt::time_of(std::uint32_t ticks) const {
    return std::chrono::microseconds{std::uint64_t{ticks} * 1'000'000 / format_.clock};
}

std::size_t Talkspurt::samples_of(std::uint32_t ticks, std::uint32_t rate) const {
    return static_cast<std::size_t>(std::uint64_t{ticks} * rate / format_.clock);
}

}  // namespace crosspatch::media
