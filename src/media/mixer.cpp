#include "crosspatch/media/mixer.hpp"

#include <algorithm>
#include <limits>

namespace crosspatch::media {
namespace {

constexpr std::size_t kSamples = MixInput::kRate / 1000 * static_cast<std::size_t>(Mixer::kFrame.count());
constexpr std::size_t kOctets = 2 * kSamples;

// RFC 3551 4.5.11: most significant octet first. What is too loud together is cut, never wrapped.
void write_l16(std::span<const std::int32_t> sum, std::span<std::byte> out) {
    using Limits = std::numeric_limits<std::int16_t>;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        const auto bits =
            static_cast<std::uint16_t>(std::clamp<std::int32_t>(sum[i], Limits::min(), Limits::max()));
        out[2 * i] = std::byte(bits >> 8U);
        out[2 * i + 1] = std::byte(bits & 0xFFU);
    }
}

}  // namespace

Mixer::Mixer(const TalkPath& path) : path_{&path}, mixed_{path, codec::l16(MixInput::kRate)} {}

// Whom it hears is over by then, or goes with it.
Mixer::~Mixer() {
    for (Seat& seat : seats_) seat.input.close(path_->codecs);
}

void Mixer::move_to(const TalkPath& to) {
    for (Seat& seat : seats_) seat.input.hand_over(path_->codecs, to.codecs);
    mixed_.move_to(to);
    path_ = &to;
}

void Mixer::start(core::Time now) {
    packet_ = {.duration = static_cast<std::uint32_t>(kSamples), .marker = true};
    mixed_.start(packet_, now);
    next_ = now + kFrame;
}

bool Mixer::admit(Talkspurt& talkspurt, double gain_db) {
    const auto is_taken = [](const Seat& seat) { return seat.talkspurt != nullptr; };
    if (std::ranges::count_if(seats_, is_taken) == std::ptrdiff_t{kTalkers}) return false;
    // The one with the least left to say.
    const auto free = std::ranges::min_element(seats_, {}, [&](const Seat& seat) {
        return std::pair{is_taken(seat), seat.input.waiting()};
    });
    free->input.close(path_->codecs);
    if (!free->input.open(path_->codecs, talkspurt.format(), gain_db)) return false;
    if (!talkspurt.tap(free->input)) {
        free->input.close(path_->codecs);
        return false;
    }
    free->talkspurt = &talkspurt;
    return true;
}

void Mixer::dismiss(Talkspurt& talkspurt) {
    for (Seat& seat : seats_) {
        if (seat.talkspurt != &talkspurt) continue;
        talkspurt.untap(seat.input);
        seat.talkspurt = nullptr;
    }
}

bool Mixer::has_remains() const {
    return std::ranges::any_of(seats_, [](const Seat& seat) {
        return !seat.talkspurt && seat.input.is_open() && seat.input.waiting() > 0;
    });
}

bool Mixer::has_said(const Talkspurt& talkspurt) const {
    const auto seat = std::ranges::find(seats_, &talkspurt, &Seat::talkspurt);
    return seat != seats_.end() && seat->input.has_said();
}

std::optional<double> Mixer::gain_db(const Talkspurt& talkspurt) const {
    const auto seat = std::ranges::find(seats_, &talkspurt, &Seat::talkspurt);
    return seat == seats_.end() ? std::nullopt : std::optional{seat->input.gain_db()};
}

// One packet; false if nobody has anything to say.
bool Mixer::say(core::Time now, bool last) {
    std::array<std::int32_t, kSamples> sum{};
    bool any = false;
    for (Seat& seat : seats_)
        if (seat.input.is_open()) any |= seat.input.add_to(sum, last || !seat.talkspurt);
    if (any) {
        std::array<std::byte, kOctets> payload;
        write_l16(sum, payload);
        packet_.payload = payload;
        mixed_.carry(packet_, now);
        packet_.payload = {};
        ++packet_.sequence;
    }
    packet_.timestamp += packet_.duration;
    packet_.marker = !any;
    return any;
}

void Mixer::advance(core::Time now) {
    if (!running()) return;
    mixed_.advance(now);
    // After a pause of the process the time that has passed is not made up for, but it has passed.
    if (now > next_ + 4 * kFrame) {
        const auto frames = (now - next_) / kFrame;
        packet_.timestamp += static_cast<std::uint32_t>(frames) * packet_.duration;
        packet_.marker = true;
        next_ += frames * kFrame;
    }
    for (; now >= next_; next_ += kFrame) say(now, false);
}

std::optional<core::Time> Mixer::deadline() const {
    if (!running()) return std::nullopt;
    const auto due = mixed_.deadline();
    return due && *due < next_ ? due : next_;
}

void Mixer::finish(core::Time now) {
    if (!running()) return;
    for (Seat& seat : seats_)
        if (seat.talkspurt) dismiss(*seat.talkspurt);
    while (say(now, true)) continue;
    mixed_.finish();
    for (Seat& seat : seats_) seat.input.close(path_->codecs);
}

}  // namespace crosspatch::media
