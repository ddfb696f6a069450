#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/media/band_energies.hpp"
#include "crosspatch/media/echo.hpp"
#include "crosspatch/media/tap.hpp"

namespace crosspatch::media {

// Finds talkspurts that are copies of what was carried just before: sound that left the gateway and came back.
//
// Shape    keeps the last 5 s of each talkspurt's payloads, 32 MiB and 4,096 talkspurts in all; the rest is counted. Nothing
//          is decoded until a talkspurt begins on a channel on which another one was heard within kMostLag; then both
//          are, the younger one for its first 3 s. A look compares 32 times at most; what is left waits for the next one.
// Time     the packets' arrival; `now` of look() only forgets.
// Errors   what it has no room for it does not watch.
// Thread   the tap reader's only. Allocates, decodes: never on a worker.
class EchoWatch {
public:
    // What the tap gives, in its order; of several workers, one after the other.
    void take(const Tap::Item& item);
    // Compares what there is enough of now. Of one endpoint a copy of what itself said before counts only when that was
    // such a copy, too: radios repeat their own announcements.
    void look(core::Time now, std::vector<FoundEcho>& found);

    std::uint64_t left_out() const { return left_out_; }
    std::size_t octets() const { return octets_; }
    std::size_t talkspurts() const { return spurts_.size(); }
    std::size_t decoding() const;  // talkspurts that are being decoded

private:
    struct Piece {
        std::uint64_t number;  // of the talkspurt's
        std::uint32_t timestamp;
        core::Time at;
        std::vector<std::byte> payload;
    };
    // What is heard of a talkspurt by decoding it.
    struct Ear {
        std::unique_ptr<codec::Decoder> decoder;
        std::uint32_t rate;
        BandEnergies bands;
        std::vector<BandEnergies::Frame> frames;
        core::Time begins;   // of the first frame
        std::uint32_t next;  // timestamp of what comes next
        core::Time used{};
        std::uint64_t next_piece{};  // the first that it has not heard
    };
    struct Suspect {
        std::uint64_t original;
        std::uint32_t channel;
    };
    struct Spurt {
        std::uint32_t endpoint{};
        codec::Format format{};
        core::Time began{};
        core::Time last{};
        std::vector<std::uint32_t> channels;
        std::deque<Piece> pieces;
        std::uint64_t kept{};           // pieces, since it began
        std::vector<Suspect> suspects;  // older ones that it may be a copy of
        std::unique_ptr<Ear> ear;
        std::size_t compared{};  // its frames up to here
        bool watched{};
        bool echoes_itself{};  // it is a copy of what the same endpoint said before
    };

    void begin(const Tap::Item& item);
    void hear_on(std::uint64_t number, std::uint32_t channel);
    void keep(Spurt& spurt, const Tap::Item& item);
    void suspect(std::uint64_t younger, std::uint64_t older, std::uint32_t channel);
    void listen(Spurt& spurt, core::Time from, core::Time now);
    static void begin_anew(Spurt& spurt, const Piece& piece);
    static void decode(Ear& ear, const Piece& piece, const codec::Format& format);
    bool compare(std::uint64_t number, Spurt& spurt, core::Time now, std::size_t& left,
                 std::vector<FoundEcho>& found);
    static std::optional<Echo> echo_of(const Ear& heard, const Ear& said, std::size_t until);
    void forget_old(core::Time now);

    std::unordered_map<std::uint64_t, Spurt> spurts_;
    std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> on_channel_;
    std::deque<std::uint64_t> watched_;
    std::size_t octets_{};
    std::uint64_t left_out_{};
};

}  // namespace crosspatch::media
