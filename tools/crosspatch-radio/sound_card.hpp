#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crosspatch/codec/resampler.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/spsc_queue.hpp"

namespace crosspatch::radio {

// PortAudio, for as long as this lives. Its host interfaces chatter on standard error while they look for
// devices; that is kept away from the user.
class SoundSystem {
public:
    static core::Result<std::unique_ptr<SoundSystem>> open();
    ~SoundSystem();
    SoundSystem(const SoundSystem&) = delete;
    SoundSystem& operator=(const SoundSystem&) = delete;

    // One line a device: what --device takes, how many channels in and out, the host interface.
    std::string list() const;

private:
    SoundSystem() = default;
};

// A sound card's microphone, its loudspeaker, or both at once.
//
// Shape    rings of 320 ms each way between PortAudio's thread and the radio's; 10 ms blocks at 48 kHz, mono.
// Units    16-bit samples at the rate of open(), which is also the codec's.
// Errors   open() names the device and what would help. What does not fit a ring is lost and counted.
// Thread   one, besides PortAudio's, which takes no memory and no lock.
class SoundCard {
public:
    // `name`: a device's name or a part of it. `listen`: open the microphone, `play`: the loudspeaker.
    static core::Result<std::unique_ptr<SoundCard>> open(const SoundSystem& system, const std::string& name,
                                                         std::uint32_t rate, bool listen, bool play);
    ~SoundCard();
    SoundCard(const SoundCard&) = delete;
    SoundCard& operator=(const SoundCard&) = delete;

    // What the microphone heard since the last call; valid until the next one.
    std::span<const std::int16_t> captured();
    void play(std::span<const std::int16_t> samples);
    std::uint64_t overruns() const { return recorded_.refused() + played_.refused(); }

private:
    static constexpr std::uint32_t kRate = 48000;
    static constexpr std::size_t kBlock = 480;
    static constexpr std::size_t kBlocks = 32;
    using Block = std::array<std::int16_t, kBlock>;
    struct Callback;  // PortAudio's side
    struct Stop {
        void operator()(void* stream) const noexcept;
    };

    explicit SoundCard(std::uint32_t rate);

    core::SpscQueue<Block> recorded_{kBlocks};
    core::SpscQueue<Block> played_{kBlocks};
    bool playing_{};  // PortAudio's thread: inside a run of blocks
    codec::Resampler to_codec_;
    codec::Resampler to_card_;
    std::vector<std::int16_t> captured_;
    std::vector<std::int16_t> resampled_;
    Block filling_{};
    std::size_t filled_{};
    std::unique_ptr<void, Stop> stream_;  // last: stops before the rings go
};

}  // namespace crosspatch::radio
