#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crosspatch/core/result.hpp"

namespace crosspatch::radio {

// The whole file as 16-bit samples at `rate`: channels are mixed down, other rates resampled.
// Errors name the file, and what can be read.
core::Result<std::vector<std::int16_t>> read_wav(const std::string& path, std::uint32_t rate);

// A WAV file that grows along real time: what is written lies where it was heard, with silence between.
//
// Units    positions in samples since the start of the file; mono, 16 bits.
// Errors   open() says why; a disk that is full later makes close() fail.
// Thread   one.
class WavWriter {
public:
    static core::Result<WavWriter> open(const std::string& path, std::uint32_t rate);

    // Silence up to `position`, if the file does not reach so far, then the samples.
    void write(std::uint64_t position, std::span<const std::int16_t> samples);
    // Silence up to `position`, then the file is complete.
    core::Result<void> close(std::uint64_t position);

private:
    struct Close {
        void operator()(void* file) const noexcept;
    };
    WavWriter(void* file, std::string path) : file_{file}, path_{std::move(path)} {}
    void append(std::span<const std::int16_t> samples);
    void silence_until(std::uint64_t position);

    std::unique_ptr<void, Close> file_;
    std::string path_;
    std::uint64_t end_{};  // samples written
    bool failed_{};
};

}  // namespace crosspatch::radio
