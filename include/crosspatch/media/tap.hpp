#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/core/counter.hpp"
#include "crosspatch/core/time.hpp"

namespace crosspatch::media {

// A copy of what one worker carries, for a reader that may be slow: who talks, where it is heard, each packet's payload.
//
// Shape    a ring of octets, a megabyte unless told otherwise: 2 s of a hundred talkers in Opus, 1 s in G.711. Entries
//          have the length that they need; one that would cross the end runs on into a margin behind it.
// Units    timestamps are the talker's RTP clock.
// Errors   what does not fit is left out and counted; a talkspurt whose beginning was left out stays unknown.
// Thread   the worker writes: no lock, no allocation, no system call; one other thread reads. left_out(): anybody.
class Tap {
public:
    enum class Kind : std::uint8_t { Begins, HeardOn, Sound, Ends };
    struct Item {
        Kind kind{};
        std::uint64_t talkspurt{};
        core::Time at{};            // arrival of the packet
        std::uint32_t endpoint{};   // Begins: who talks
        codec::Format format{};     // Begins
        std::uint32_t channel{};    // HeardOn: its own one, or one that hears it or would if it were free
        std::uint32_t timestamp{};  // Sound
        std::span<const std::byte> payload;  // Sound; valid while the reader looks at it
    };
    static constexpr std::size_t kOctets = 1 << 20;
    static constexpr std::size_t kMostPayload = 1200;  // contract.md: no packet above

    explicit Tap(std::size_t octets = kOctets);  // a power of two

    // --- The worker's. ---
    void begins(std::uint64_t talkspurt, std::uint32_t endpoint, const codec::Format& format,
                core::Time now) {
        write(Kind::Begins, talkspurt, endpoint, std::as_bytes(std::span{&format, 1}), now);
    }
    void heard_on(std::uint64_t talkspurt, std::uint32_t channel, core::Time now) {
        write(Kind::HeardOn, talkspurt, channel, {}, now);
    }
    void sound(std::uint64_t talkspurt, std::uint32_t timestamp, std::span<const std::byte> payload,
               core::Time now) {
        write(Kind::Sound, talkspurt, timestamp, payload, now);
    }
    void ends(std::uint64_t talkspurt) { write(Kind::Ends, talkspurt, 0, {}, {}); }

    // --- The reader's. Everything that is there now, in order: how many that were. ---
    template <typename Visit>
    std::size_t read(Visit&& visit) {
        const std::size_t until = written_.load(std::memory_order_acquire);
        std::size_t at = read_.load(std::memory_order_relaxed);
        std::size_t count = 0;
        for (; at != until; ++count) {
            const std::byte* entry = &ring_[at & mask_];
            Head head;
            std::memcpy(&head, entry, sizeof head);
            visit(item(head, {entry + sizeof head, head.size}));
            at += length(head.size);
            read_.store(at, std::memory_order_release);
        }
        return count;
    }

    std::uint64_t left_out() const { return left_out_.read(); }

private:
    struct Head {
        std::uint64_t talkspurt;
        core::Time at;
        std::uint32_t what;
        std::uint16_t size;  // of what follows
        Kind kind;
    };
    static constexpr std::size_t kStep = 8;
    static constexpr std::size_t length(std::size_t size) {
        return (sizeof(Head) + size + kStep - 1) / kStep * kStep;
    }
    static Item item(const Head& head, std::span<const std::byte> rest);

    void write(Kind kind, std::uint64_t talkspurt, std::uint32_t what, std::span<const std::byte> rest,
               core::Time now) {
        const std::size_t at = written_.load(std::memory_order_relaxed);
        const std::size_t next = at + length(rest.size());
        if (next - seen_read_ > mask_ + 1) seen_read_ = read_.load(std::memory_order_acquire);
        if (next - seen_read_ > mask_ + 1 || rest.size() > kMostPayload) {
            ++left_out_;
            return;
        }
        const Head head{talkspurt, now, what, static_cast<std::uint16_t>(rest.size()), kind};
        std::byte* entry = &ring_[at & mask_];
        std::memcpy(entry, &head, sizeof head);
        if (!rest.empty()) std::memcpy(entry + sizeof head, rest.data(), rest.size());
        written_.store(next, std::memory_order_release);
    }

    const std::size_t mask_;
    const std::unique_ptr<std::byte[]> ring_;
    core::Counter left_out_;
    std::size_t seen_read_{};  // the worker's: how far the reader had come when it last looked
    alignas(64) std::atomic<std::size_t> written_{0};
    alignas(64) std::atomic<std::size_t> read_{0};
};

}  // namespace crosspatch::media
