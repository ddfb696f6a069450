#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace crosspatch::codec {

inline constexpr std::array<std::uint32_t, 5> kOpusRates{8000, 12000, 16000, 24000, 48000};

// How the memory of an Opus coder looks when it is new, at each rate.
//
// Shape    the library's initialisation asks the processor for its features, which traps in a virtual
//          machine: 60 to 90 us, in the middle of the first packet of a talkspurt. A state may be copied octet
//          by octet (opus.h), and a new one is nearly all zero, so what is not is noted once for all coders of
//          a kind.
// Thread   immutable once made: any.
class OpusBeginning {
public:
    struct Word {
        std::uint32_t at;
        std::uint64_t value;
    };

    // `initialise(memory, rate)` is opus_encoder_init() or opus_decoder_init().
    template <typename Initialise>
    OpusBeginning(std::size_t octets, Initialise initialise) : words_{(octets + 7) / 8} {
        for (std::size_t i = 0; i < kOpusRates.size(); ++i) {
            std::vector<std::uint64_t> memory(words_);
            initialise(memory.data(), kOpusRates[i]);
            learn(memory, used_[i]);
        }
    }

    std::size_t words() const noexcept { return words_; }
    // Requires a rate of kOpusRates.
    std::span<const Word> at(std::uint32_t rate) const noexcept;

private:
    static void learn(std::span<const std::uint64_t> memory, std::vector<Word>& used);

    std::size_t words_;
    std::array<std::vector<Word>, kOpusRates.size()> used_;
};

// The memory of one Opus coder.
//
// Shape    renew() makes it new in 1 to 2 us.
// Errors   the constructor throws std::bad_alloc.
// Thread   its coder's; renew() does not allocate.
class OpusState {
public:
    // `beginning` outlives it.
    explicit OpusState(const OpusBeginning& beginning) : beginning_{beginning}, memory_(beginning.words()) {}

    // Requires a rate of kOpusRates.
    void renew(std::uint32_t rate) noexcept;
    void* get() noexcept { return memory_.data(); }
    std::size_t octets() const noexcept { return memory_.size() * sizeof(memory_[0]); }

private:
    const OpusBeginning& beginning_;
    std::vector<std::uint64_t> memory_;
};

}  // namespace crosspatch::codec
