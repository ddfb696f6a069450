#include "sound_card.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <portaudio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "crosspatch/core/unique_fd.hpp"

namespace crosspatch::radio {
namespace {
// Standard error goes nowhere while this lives: ALSA and JACK write there about every device that is not
// present.
class Quiet {
public:
    Quiet() : saved_{::dup(STDERR_FILENO)} {
        const core::UniqueFd nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
        if (saved_ && nowhere) ::dup2(nowhere.get(), STDERR_FILENO);
    }
    ~Quiet() {
        if (saved_) ::dup2(saved_.get(), STDERR_FILENO);
    }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

private:
    core::UniqueFd saved_;
};

core::Unexpected<core::Error> refused(std::string what, PaError error) {
    return core::unexpected(core::Error::Code::Unavailable, std::move(what) + ": " + Pa_GetErrorText(error));
}

// The device of that name, or else the first whose name contains it.
core::Result<PaDeviceIndex> device_named(const std::string& name, bool listen, bool play) {
    std::optional<PaDeviceIndex> found;
    for (PaDeviceIndex index = Pa_GetDeviceCount() - 1; index >= 0; --index) {
        const std::string_view candidate{Pa_GetDeviceInfo(index)->name};
        const bool nearer = !found || Pa_GetDeviceInfo(*found)->name != name;
        if (candidate == name || (nearer && candidate.find(name) != std::string_view::npos)) found = index;
    }
    if (!found)
        return core::unexpected(
            core::Error::Code::NotFound,
            fmt::format("no sound device is called '{}'; --device list shows those that are there", name));
    const PaDeviceInfo* info = Pa_GetDeviceInfo(*found);
    if (listen && info->maxInputChannels == 0)
        return core::unexpected(
            core::Error::Code::Invalid,
            fmt::format("sound device '{}' has no microphone; leave --ptt out", info->name));
    if (play && info->maxOutputChannels == 0)
        return core::unexpected(core::Error::Code::Invalid,
                                fmt::format("sound device '{}' has no loudspeaker; add --mute", info->name));
    return *found;
}
}  // namespace

core::Result<std::unique_ptr<SoundSystem>> SoundSystem::open() {
    // Without this, looking for a JACK server starts one.
    ::setenv("JACK_NO_START_SERVER", "1", 0);
    const Quiet quiet;
    if (const PaError error = Pa_Initialize(); error != paNoError)
        return refused("the sound system does not start", error);
    return std::unique_ptr<SoundSystem>{new SoundSystem};
}

SoundSystem::~SoundSystem() {
    const Quiet quiet;
    Pa_Terminate();
}

std::string SoundSystem::list() const {
    std::string lines;
    for (PaDeviceIndex index = 0; index < Pa_GetDeviceCount(); ++index) {
        const PaDeviceInfo* info = Pa_GetDeviceInfo(index);
        lines += fmt::format("{}  ({} in, {} out, {})\n", info->name, info->maxInputChannels,
                             info->maxOutputChannels, Pa_GetHostApiInfo(info->hostApi)->name);
    }
    return lines.empty()
               ? "no sound device is there; is one plugged in, and may this account use it (group audio)?\n"
               : lines;
}

// PortAudio's thread. No allocation, no lock, no system call.
struct SoundCard::Callback {
    static int run(const void* in, void* out, unsigned long frames, const PaStreamCallbackTimeInfo*,
                   PaStreamCallbackFlags, void* user) {
        auto& card = *static_cast<SoundCard*>(user);
        if (in && frames == kBlock) {
            Block block;
            std::copy_n(static_cast<const std::int16_t*>(in), kBlock, block.begin());
            card.recorded_.push(block);
        }
        if (out) play(card, {static_cast<std::int16_t*>(out), frames});
        return paContinue;
    }

    // A run of blocks begins once two wait, so that a radio that is a few milliseconds late is not heard.
    static void play(SoundCard& card, std::span<std::int16_t> out) {
        if (!card.playing_ && card.played_.size() >= 2) card.playing_ = true;
        const auto block = card.playing_ && out.size() == kBlock ? card.played_.pop() : std::nullopt;
        if (block) {
            std::copy(block->begin(), block->end(), out.begin());
            return;
        }
        card.playing_ = false;
        std::fill(out.begin(), out.end(), std::int16_t{0});
    }
};

SoundCard::SoundCard(std::uint32_t rate)
    : to_codec_{kRate, rate}, to_card_{rate, kRate}, captured_(kBlocks * to_codec_.output_samples(kBlock)) {}

core::Result<std::unique_ptr<SoundCard>> SoundCard::open(const SoundSystem&, const std::string& name,
                                                         std::uint32_t rate, bool listen, bool play) {
    const auto device = device_named(name, listen, play);
    if (!device) return core::Unexpected{device.error()};
    const PaDeviceInfo* info = Pa_GetDeviceInfo(*device);
    const PaStreamParameters in{*device, 1, paInt16, info->defaultLowInputLatency, nullptr};
    const PaStreamParameters out{*device, 1, paInt16, info->defaultLowOutputLatency, nullptr};
    std::unique_ptr<SoundCard> card{new SoundCard{rate}};
    const Quiet quiet;
    PaStream* stream = nullptr;
    PaError error = Pa_OpenStream(&stream, listen ? &in : nullptr, play ? &out : nullptr, kRate, kBlock,
                                  paNoFlag, &Callback::run, card.get());
    if (error != paNoError)
        return refused(fmt::format("sound device '{}' does not open at 48 kHz", info->name), error);
    card->stream_.reset(stream);
    error = Pa_StartStream(stream);
    if (error != paNoError)
        return refused(fmt::format("sound device '{}' does not start", info->name), error);
    return card;
}

SoundCard::~SoundCard() = default;

void SoundCard::Stop::operator()(void* stream) const noexcept {
    const Quiet quiet;
    Pa_AbortStream(stream);
    Pa_CloseStream(stream);
}

std::span<const std::int16_t> SoundCard::captured() {
    std::size_t used = 0;
    while (used + to_codec_.output_samples(kBlock) <= captured_.size()) {
        const auto block = recorded_.pop();
        if (!block) break;
        used += to_codec_.process(*block, std::span{captured_}.subspan(used));
    }
    return std::span{captured_}.first(used);
}

void SoundCard::play(std::span<const std::int16_t> samples) {
    resampled_.resize(to_card_.output_samples(samples.size()));
    const auto count = to_card_.process(samples, resampled_);
    for (const auto sample : std::span{resampled_}.first(count)) {
        filling_[filled_++] = sample;
        if (filled_ < kBlock) continue;
        played_.push(filling_);
        filled_ = 0;
    }
}

}  // namespace crosspatch::radio
