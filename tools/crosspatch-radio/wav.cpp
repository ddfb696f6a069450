#include "wav.hpp"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "crosspatch/codec/resampler.hpp"

namespace crosspatch::radio {
namespace {
constexpr sf_count_t kMaxSeconds = 3600;  // of a file to talk; a radio that talks longer is stuck

struct CloseFile {
    void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};
using File = std::unique_ptr<SNDFILE, CloseFile>;

std::vector<std::int16_t> mixed_down(std::span<const float> interleaved, std::size_t channels) {
    std::vector<std::int16_t> mono(interleaved.size() / channels);
    for (std::size_t frame = 0; frame < mono.size(); ++frame) {
        float sum = 0;
        for (std::size_t channel = 0; channel < channels; ++channel)
            sum += interleaved[frame * channels + channel];
        const float sample = std::clamp(sum / static_cast<float>(channels), -1.0F, 1.0F);
        mono[frame] = static_cast<std::int16_t>(std::lround(sample * 32767.0F));
    }
    return mono;
}
}  // namespace

core::Result<std::vector<std::int16_t>> read_wav(const std::string& path, std::uint32_t rate) {
    SF_INFO info{};
    const File file{sf_open(path.c_str(), SFM_READ, &info)};
    if (!file)
        return core::unexpected(
            core::Error::Code::Invalid,
            fmt::format("{}: cannot be read as sound: {}; a WAV file of 8 to 48 kHz is needed", path,
                        sf_strerror(nullptr)));
    if (info.samplerate < 4000 || info.samplerate > 192000 || info.channels < 1 || info.channels > 16 ||
        info.frames > kMaxSeconds * info.samplerate)
        return core::unexpected(core::Error::Code::Invalid,
                                fmt::format("{}: {} Hz, {} channels, {} samples; 4 to 192 kHz, at most 16 "
                                            "channels and one hour can be talked",
                                            path, info.samplerate, info.channels, info.frames));
    std::vector<float> interleaved(static_cast<std::size_t>(info.frames * info.channels));
    const auto frames = sf_readf_float(file.get(), interleaved.data(), info.frames);
    interleaved.resize(static_cast<std::size_t>(frames * info.channels));
    auto samples = mixed_down(interleaved, static_cast<std::size_t>(info.channels));
    if (static_cast<std::uint32_t>(info.samplerate) == rate) return samples;

    codec::Resampler resampler{static_cast<std::uint32_t>(info.samplerate), rate};
    std::vector<std::int16_t> resampled(resampler.output_samples(samples.size()));
    resampled.resize(resampler.process(samples, resampled));
    return resampled;
}

void WavWriter::Close::operator()(void* file) const noexcept { sf_close(static_cast<SNDFILE*>(file)); }

core::Result<WavWriter> WavWriter::open(const std::string& path, std::uint32_t rate) {
    SF_INFO info{};
    info.samplerate = static_cast<int>(rate);
    info.channels = 1;
    info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
    if (!file)
        return core::unexpected(
            core::Error::Code::Io,
            fmt::format("{}: cannot be written: {}; is the directory there, and the disk not full?", path,
                        sf_strerror(nullptr)));
    return WavWriter{file, path};
}

void WavWriter::write(std::uint64_t position, std::span<const std::int16_t> samples) {
    silence_until(position);
    append(samples);
}

core::Result<void> WavWriter::close(std::uint64_t position) {
    silence_until(position);
    if (sf_close(static_cast<SNDFILE*>(file_.release())) != 0) failed_ = true;
    if (failed_)
        return core::unexpected(core::Error::Code::Io,
                                path_ + ": not everything could be written; is the disk full?");
    return {};
}

void WavWriter::append(std::span<const std::int16_t> samples) {
    const auto count = static_cast<sf_count_t>(samples.size());
    if (sf_write_short(static_cast<SNDFILE*>(file_.get()), samples.data(), count) != count) failed_ = true;
    end_ += samples.size();
}

void WavWriter::silence_until(std::uint64_t position) {
    static constexpr std::array<std::int16_t, 4096> kSilence{};
    while (end_ < position)
        append(std::span{kSilence}.first(std::min<std::uint64_t>(position - end_, kSilence.size())));
}

}  // namespace crosspatch::radio
