#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace crosspatch::codec {

inline constexpr std::array<std::uint32_t, 5> kOpusRates{8000, 12000, 16000, 24000, 48000};

// The memory of one Opus coder, and how it looks when it is new, at each rate.
//
// Shape    the library's initialisation asks the processor for its features, which traps in a virtual
// machine: 60 to 90 us,
//          in the middle of the first packet of a talkspurt. A state may be copied octet by octet (opus.h),
//          and a new one is nearly all zero, so what is not is noted once, by the constructor, and laid down
//          again by renew(): 1 to 2 us.
// Errors   the constructor throws std::bad_alloc.
// Thread   its coder's; renew() does not allocate.
class OpusState {
public:
    // `initialise(memory, rate)` is opus_encoder_init() or opus_decoder_init().
    template <typename Initialise>
    OpusState(std::size_t octets, Initialise initialise) : memory_((octets + 7) / 8) {
        for (std::size_t i = 0; i < kOpusRates.size(); ++i) {
            forget();
            initialise(memory_.data(), kOpusRates[i]);
            learn(new_[i]);
        }
    }

    // Requires a rate of kOpusRates.
    void renew(std::uint32_t rate) noexcept;
    void* get() noexcept { return memory_.data(); }
    std::size_t octets() const noexcept;

private:
    struct Word {
        std::uint32_t at;
        std::uint64_t value;
    };
    void forget() noexcept;
    void learn(std::vector<Word>& words);

    std::vector<std::uint64_t> memory_;
    std::array<std::vector<Word>, kOpusRates.size()> new_;
};

}  // namespace crosspatch::codec
