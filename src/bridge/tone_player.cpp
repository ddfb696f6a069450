#include "crosspatch/bridge/tone_player.hpp"

#include <algorithm>

#include "crosspatch/media/endpoint.hpp"

namespace crosspatch::bridge {

bool TonePlayer::plays(std::uint32_t endpoint) const {
    return std::any_of(playing_.begin(), playing_.end(),
                       [&](const Playing& p) { return p.endpoint == endpoint; });
}

bool TonePlayer::sounds(std::uint32_t endpoint) const {
    return std::any_of(playing_.begin(), playing_.end(),
                       [&](const Playing& p) { return p.endpoint == endpoint && p.sounds; });
}

bool TonePlayer::start(std::uint32_t endpoint, media::Endpoint& to,
                       std::shared_ptr<const Topology::Tones> tones, TalkerTone tone,
                       std::chrono::milliseconds silence, core::Time now) {
    stop(endpoint);
    if (playing_.size() == kMost) return false;
    playing_.push_back(
        {endpoint, &to, std::move(tones), tone, 0, now + silence, silence, 0, silence.count() == 0});
    return true;
}

void TonePlayer::stop(std::uint32_t endpoint) {
    std::erase_if(playing_, [&](const Playing& p) { return p.endpoint == endpoint; });
}

void TonePlayer::adopt(std::uint32_t endpoint, TonePlayer& from) {
    const auto found = std::find_if(from.playing_.begin(), from.playing_.end(),
                                    [&](const Playing& p) { return p.endpoint == endpoint; });
    if (found == from.playing_.end()) return;
    if (playing_.size() < kMost) playing_.push_back(std::move(*found));
    from.playing_.erase(found);
}

bool TonePlayer::is_due(Playing& playing, core::Time now) {
    if (now < playing.due) return false;
    if (playing.sounds) return true;
    const auto heard = playing.to->source.last_sound();
    if (heard && now < *heard + playing.silence)
        playing.due = *heard + playing.silence;  // the carrier is still up
    return now >= playing.due;
}

// True when the tone is over.
bool TonePlayer::step(Playing& playing, core::Time now, media::Outbox& outbox) {
    if (!playing.sounds || now < playing.due) return false;
    media::Sink& sink = playing.to->sink;
    if (playing.next == 0) playing.timestamp = sink.timestamp_at(now);
    playing.to->send(outbox, playing.next == 0, sink.next_index(), playing.timestamp,
                     playing.packets()[playing.next]);
    playing.timestamp += sink.settings().format.ticks(sink.settings().ptime);
    playing.due += sink.settings().ptime;
    return ++playing.next == playing.packets().size();
}

std::optional<core::Time> TonePlayer::next_deadline() const {
    std::optional<core::Time> next;
    for (const Playing& playing : playing_)
        if (!next || playing.due < *next) next = playing.due;
    return next;
}

}  // namespace crosspatch::bridge
