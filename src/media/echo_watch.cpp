#include "crosspatch/media/echo_watch.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "crosspatch/rtp/sequence.hpp"

namespace crosspatch::media {
namespace {

using namespace std::chrono_literals;
constexpr auto kKept = 5s;  // kMostLag, and what is said while it is compared
constexpr auto kFrame = 1000ms / BandEnergies::kFramesPerSecond;
constexpr std::size_t kMostOctets = 32 << 20;
constexpr std::size_t kMostSpurts = 4096;
constexpr std::size_t kMostSuspects = 8;
constexpr std::size_t kMostChannels = 256;
constexpr std::size_t kStep = 10;      // frames between two comparisons
constexpr std::size_t kWatched = 300;  // frames of a talkspurt that are compared
constexpr std::size_t kNeeded = kEchoLead + kEchoFrames;
constexpr std::int64_t kReach = kMostLag / kFrame + 20;  // frames
constexpr std::size_t kMostFrames = 1200;                // of who is compared with; half of it is kept then
constexpr std::size_t kMostComparisons = 32;             // in one look: some 10 ms
constexpr std::size_t kPieceCost = 64;                   // octets, beside the payload
constexpr auto kPlausible = 2s;                          // a longer step of the RTP clock is a new beginning
constexpr auto kConcealed = 100ms;                       // a longer gap is silence

core::Duration ticks(std::int64_t count, std::uint32_t clock) {
    return std::chrono::nanoseconds{count * 1'000'000'000 / clock};
}

// The lowest rate that keeps the speech band.
std::uint32_t rate_of(const codec::Decoder& decoder) {
    for (const std::uint32_t rate : decoder.rates())
        if (rate >= 8000) return rate;
    return decoder.rates().back();
}

}  // namespace

void EchoWatch::take(const Tap::Item& item) {
    if (item.kind == Tap::Kind::Begins) return begin(item);
    const auto found = spurts_.find(item.talkspurt);
    if (found == spurts_.end()) return;  // not kept
    if (item.kind == Tap::Kind::HeardOn) return hear_on(item.talkspurt, item.channel);
    if (item.kind == Tap::Kind::Sound) keep(found->second, item);
}

void EchoWatch::begin(const Tap::Item& item) {
    if (spurts_.size() >= kMostSpurts) {
        ++left_out_;
        return;
    }
    Spurt& spurt = spurts_[item.talkspurt];
    spurt.endpoint = item.endpoint;
    spurt.format = item.format;
    spurt.began = spurt.last = item.at;
}

void EchoWatch::hear_on(std::uint64_t number, std::uint32_t channel) {
    Spurt& spurt = spurts_[number];
    const bool known =
        std::find(spurt.channels.begin(), spurt.channels.end(), channel) != spurt.channels.end();
    if (known || spurt.channels.size() == kMostChannels) return;
    spurt.channels.push_back(channel);
    std::vector<std::uint64_t>& there = on_channel_[channel];
    for (const std::uint64_t other : there) {
        const bool is_younger = spurts_[other].began > spurt.began;
        suspect(is_younger ? other : number, is_younger ? number : other, channel);
    }
    there.push_back(number);
}

void EchoWatch::suspect(std::uint64_t younger, std::uint64_t older, std::uint32_t channel) {
    Spurt& copy = spurts_[younger];
    if (spurts_[older].last + kMostLag < copy.began) return;
    const auto same = [&](const Suspect& one) { return one.original == older; };
    if (std::any_of(copy.suspects.begin(), copy.suspects.end(), same)) return;
    if (copy.suspects.size() == kMostSuspects) copy.suspects.erase(copy.suspects.begin());  // the oldest
    copy.suspects.push_back({older, channel});
    if (copy.watched || copy.compared >= kWatched) return;
    copy.watched = true;
    watched_.push_back(younger);
}

void EchoWatch::keep(Spurt& spurt, const Tap::Item& item) {
    spurt.last = item.at;
    while (!spurt.pieces.empty() && spurt.pieces.front().at + kKept < item.at) {
        octets_ -= spurt.pieces.front().payload.size() + kPieceCost;
        spurt.pieces.pop_front();
    }
    const std::size_t cost = item.payload.size() + kPieceCost;
    if (octets_ + cost > kMostOctets) {
        ++left_out_;
        return;
    }
    octets_ += cost;
    spurt.pieces.push_back(
        {spurt.kept++, item.timestamp, item.at, {item.payload.begin(), item.payload.end()}});
}

// Decodes what has come since the last time; at first what came after `from`.
void EchoWatch::listen(Spurt& spurt, core::Time from, core::Time now) {
    auto piece = spurt.pieces.begin();
    if (!spurt.ear) {
        while (piece != spurt.pieces.end() && piece->at < from) ++piece;
        if (piece == spurt.pieces.end()) return;
        auto decoder = codec::make_decoder(spurt.format);
        const std::uint32_t rate = rate_of(*decoder);
        decoder->start(rate);
        spurt.ear = std::make_unique<Ear>(
            Ear{std::move(decoder), rate, BandEnergies{rate}, {}, piece->at, piece->timestamp});
    } else {
        while (piece != spurt.pieces.end() && piece->number < spurt.ear->next_piece) ++piece;
    }
    Ear& ear = *spurt.ear;
    for (; piece != spurt.pieces.end(); ++piece) {
        const auto step = ticks(rtp::timestamp_distance(ear.next, piece->timestamp), spurt.format.clock);
        if (step >= kPlausible || step <= -kPlausible) begin_anew(spurt, *piece);
        decode(ear, *piece, spurt.format);
        ear.next_piece = piece->number + 1;
    }
    ear.used = now;
    if (spurt.watched || ear.frames.size() <= kMostFrames) return;
    const auto old = static_cast<std::ptrdiff_t>(ear.frames.size() - kMostFrames / 2);
    ear.frames.erase(ear.frames.begin(), ear.frames.begin() + old);
    ear.begins += kFrame * old;
}

// The talker's clock begins anew: where what was heard before lies on it, nobody can say.
void EchoWatch::begin_anew(Spurt& spurt, const Piece& piece) {
    Ear& ear = *spurt.ear;
    ear.decoder->start(ear.rate);
    ear.bands = BandEnergies{ear.rate};
    ear.frames.clear();
    ear.begins = piece.at;
    ear.next = piece.timestamp;
    spurt.compared = 0;
}

void EchoWatch::decode(Ear& ear, const Piece& piece, const codec::Format& format) {
    const std::int32_t gap = rtp::timestamp_distance(ear.next, piece.timestamp);
    const core::Duration missing = ticks(gap, format.clock);
    if (gap < 0) return;  // late or twice
    std::array<std::int16_t, codec::kMaxSamples> samples;
    if (gap > 0) {
        const auto count = static_cast<std::size_t>(std::int64_t{gap} * ear.rate / format.clock);
        for (std::size_t made = 0; made < count;) {
            const std::size_t part = std::min(count - made, samples.size());
            const std::size_t got = missing <= kConcealed ? ear.decoder->conceal(part, samples) : 0;
            std::fill(samples.begin() + static_cast<std::ptrdiff_t>(got),
                      samples.begin() + static_cast<std::ptrdiff_t>(part), std::int16_t{0});
            ear.bands.hear(std::span{samples}.first(part), ear.frames);
            made += part;
        }
    }
    const std::size_t count = ear.decoder->decode(piece.payload, samples);
    ear.bands.hear(std::span{samples}.first(count), ear.frames);
    ear.next = piece.timestamp + static_cast<std::uint32_t>(count * format.clock / ear.rate);
}

// Whoever has had his turn stands last: where all want to be looked at, each is now and then.
void EchoWatch::look(core::Time now, std::vector<FoundEcho>& found) {
    std::size_t left = kMostComparisons;
    for (std::size_t turns = watched_.size(); turns > 0 && left > 0; --turns) {
        const std::uint64_t number = watched_.front();
        watched_.pop_front();
        const auto spurt = spurts_.find(number);
        if (spurt == spurts_.end()) continue;
        spurt->second.watched = compare(number, spurt->second, now, left, found);
        if (spurt->second.watched) watched_.push_back(number);
    }
    forget_old(now);
}

// False: no more of it is to be compared. `left` is how many comparisons more there is time for.
bool EchoWatch::compare(std::uint64_t number, Spurt& spurt, core::Time now, std::size_t& left,
                        std::vector<FoundEcho>& found) {
    // Before there can be enough nothing need be decoded.
    if (spurt.last - spurt.began < kFrame * (kNeeded - 3)) return true;
    listen(spurt, spurt.began, now);
    while (spurt.ear && spurt.compared < kWatched) {
        const std::size_t until = spurt.compared == 0 ? kNeeded : spurt.compared + kStep;
        if (spurt.ear->frames.size() < until) return true;
        if (left < spurt.suspects.size()) {
            left = 0;
            return true;
        }
        left -= spurt.suspects.size();
        spurt.compared = until;
        for (const Suspect& suspect : spurt.suspects) {
            const auto original = spurts_.find(suspect.original);
            if (original == spurts_.end()) continue;
            Spurt& before = original->second;
            listen(before, spurt.began - kMostLag - 100ms, now);
            const auto echo = before.ear ? echo_of(*before.ear, *spurt.ear, until) : std::nullopt;
            if (!echo) continue;
            spurt.compared = kWatched;
            spurt.echoes_itself = before.endpoint == spurt.endpoint;
            if (!spurt.echoes_itself || before.echoes_itself)
                found.push_back(
                    {number, spurt.endpoint, suspect.original, before.endpoint, suspect.channel, *echo});
            return false;
        }
    }
    return !spurt.ear;
}

// Of the frames of `said` up to `until`.
std::optional<Echo> EchoWatch::echo_of(const Ear& heard, const Ear& said, std::size_t until) {
    const auto piece = std::span{said.frames}.subspan(until - kNeeded, kNeeded);
    const core::Time at = said.begins + kFrame * (until - kNeeded);
    const std::int64_t offset = (at - heard.begins) / kFrame;
    // What lies between the least and the most lag, and a little around it.
    const auto count = static_cast<std::int64_t>(heard.frames.size());
    const std::int64_t first = std::clamp<std::int64_t>(offset - kReach, 0, count);
    const std::int64_t last =
        std::clamp<std::int64_t>(offset + static_cast<std::int64_t>(kNeeded), first, count);
    return find_echo(std::span{heard.frames}.subspan(static_cast<std::size_t>(first),
                                                     static_cast<std::size_t>(last - first)),
                     piece, offset - first);
}

void EchoWatch::forget_old(core::Time now) {
    for (auto entry = spurts_.begin(); entry != spurts_.end();) {
        auto& [number, spurt] = *entry;
        if (spurt.ear && spurt.ear->used + 1s < now) spurt.ear.reset();
        if (now < spurt.last + kKept) {
            ++entry;
            continue;
        }
        for (const Piece& piece : spurt.pieces) octets_ -= piece.payload.size() + kPieceCost;
        for (const std::uint32_t channel : spurt.channels) {
            const auto there = on_channel_.find(channel);
            std::erase(there->second, number);
            if (there->second.empty()) on_channel_.erase(there);
        }
        entry = spurts_.erase(entry);
    }
}

std::size_t EchoWatch::decoding() const {
    return static_cast<std::size_t>(std::count_if(spurts_.begin(), spurts_.end(),
                                                  [](const auto& one) { return one.second.ear != nullptr; }));
}

}  // namespace crosspatch::media
