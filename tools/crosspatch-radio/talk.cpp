#include "talk.hpp"

namespace crosspatch::radio {

FileTalk::FileTalk(std::vector<std::int16_t> samples, std::size_t frame, std::chrono::milliseconds ptime,
                   int repeat, std::chrono::milliseconds gap, core::Time begin)
    : samples_{std::move(samples)},
      frame_{frame},
      ptime_{ptime},
      left_{samples_.empty() ? 0 : repeat},
      gap_{gap},
      due_{begin} {
    samples_.resize((samples_.size() + frame - 1) / frame * frame);
}

std::optional<core::Time> FileTalk::next() const { return left_ > 0 ? std::optional{due_} : std::nullopt; }

std::optional<FileTalk::Frame> FileTalk::take(core::Time now) {
    if (left_ == 0 || now < due_) return std::nullopt;
    const Frame frame{position_ == 0, std::span{samples_}.subspan(position_, frame_)};
    position_ += frame_;
    due_ += ptime_;
    said_until_ = due_;
    if (position_ == samples_.size()) {
        position_ = 0;
        due_ += gap_;
        --left_;
    }
    return frame;
}

void FileTalk::skip(core::Time now) {
    if (left_ == 0) return;
    position_ = 0;
    due_ = now + gap_;
    --left_;
}

std::optional<FileTalk::Frame> OpenMicrophone::take(FileTalk* file, core::Time now) {
    if (now < due_) return std::nullopt;
    FileTalk::Frame frame{!begun_, silence_};
    if (file && file->next() && *file->next() <= due_) {
        file->begin(due_);
        frame.samples = file->take(due_)->samples;
    }
    begun_ = true;
    due_ += ptime_;
    return frame;
}

void FrameCutter::add(std::span<const std::int16_t> samples) {
    samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    samples_.insert(samples_.end(), samples.begin(), samples.end());
}

std::optional<std::span<const std::int16_t>> FrameCutter::take() {
    if (samples_.size() - taken_ < frame_) return std::nullopt;
    taken_ += frame_;
    return std::span{samples_}.subspan(taken_ - frame_, frame_);
}

void FrameCutter::clear() {
    samples_.clear();
    taken_ = 0;
}

}  // namespace crosspatch::radio
