#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/codec/resampler.hpp"
#include "crosspatch/codec/tone_stripper.hpp"

namespace crosspatch::media {

// Encoders, decoders, resamplers and tone strippers that wait for the next talkspurt: made by control, handed out at the press. Whoever
// has taken one owns it until he gives it back, to the pool of the worker that he is on by then.
//
// Shape    one shelf for each codec (Opus: one for all settings; L16: one a rate; Codec2: one a mode) and pair of rates.
// Errors   a shelf that is empty gives nullptr: the listeners concerned stay silent, which is counted.
// Thread   its worker only. take and give_back never allocate; all else does, and is for control's posted tasks.
class CodecPool {
public:
    using Shelf = std::uint16_t;
    struct Encoder {
        std::unique_ptr<codec::Encoder> codec;
        Shelf shelf;
        std::vector<std::int16_t> partial;  // samples that wait for the rest of their packet; reserved once
    };
    struct Decoder {
        std::unique_ptr<codec::Decoder> codec;
        Shelf shelf;
    };
    struct Resampler {
        codec::Resampler filter;
        Shelf shelf;
    };
    struct Stripper {
        codec::ToneStripper filter;
        Shelf shelf;  // they are all alike
    };
    // What talkspurts of one worker may need at once, counted by whoever knows the channels.
    struct Needs {
        struct Item {
            codec::Format format;
            std::size_t encoders;
            std::size_t decoders;
        };
        struct Pair {
            std::uint32_t from;
            std::uint32_t to;
            std::size_t count;
        };
        std::vector<Item> items;
        std::vector<Pair> pairs;
        std::size_t strippers{};
        void encoder(const codec::Format& format, std::size_t count = 1);
        void decoder(const codec::Format& format, std::size_t count = 1);
        void resampler(std::uint32_t from, std::uint32_t to, std::size_t count = 1);
        void add(const Needs& more);

    private:
        Item& item(const codec::Format& format);
    };
    // Objects made by control to bring the pools up to what is needed; made outside the workers, handed over whole.
    struct Stock {
        std::vector<std::unique_ptr<Encoder>> encoders;
        std::vector<std::unique_ptr<Decoder>> decoders;
        std::vector<std::unique_ptr<Resampler>> resamplers;
        std::vector<std::unique_ptr<Stripper>> strippers;
    };

    // Control's side: remembers what has been made and makes what `needs` asks for on top. Never shrinks.
    class Maker {
    public:
        Stock make(const Needs& needs);

    private:
        std::vector<std::pair<Shelf, std::size_t>> encoders_, decoders_, resamplers_, strippers_;
    };

    void stock(Stock stock);
    // Whoever has less than its channels need gets what others have free beyond theirs. Workers rest.
    static void deal(std::span<CodecPool* const> pools, std::span<const Needs> needs);
    // What somebody has taken here he will give back there: he moves to another worker. Workers rest.
    static void hand_over(const Encoder& encoder, CodecPool& from, CodecPool& to);
    static void hand_over(const Decoder& decoder, CodecPool& from, CodecPool& to);
    static void hand_over(const Resampler& resampler, CodecPool& from, CodecPool& to);
    static void hand_over(const Stripper& stripper, CodecPool& from, CodecPool& to);

    std::unique_ptr<Encoder> take_encoder(const codec::Format& format);
    std::unique_ptr<Decoder> take_decoder(const codec::Format& format);
    std::unique_ptr<Resampler> take_resampler(std::uint32_t from, std::uint32_t to);
    std::unique_ptr<Stripper> take_stripper();
    void give_back(std::unique_ptr<Encoder> encoder);
    void give_back(std::unique_ptr<Decoder> decoder);
    void give_back(std::unique_ptr<Resampler> resampler);
    void give_back(std::unique_ptr<Stripper> stripper);

private:
    template <typename T>
    class Shelves {
    public:
        void add(std::unique_ptr<T> object);  // one more that is ours
        std::unique_ptr<T> take(Shelf shelf);
        void give_back(std::unique_ptr<T> object);
        // Of those in use, one more or less will come back.
        void expect(Shelf shelf);
        void forget(Shelf shelf);
        std::size_t owned(Shelf shelf) const;
        // One that is free becomes the other's; false if none is.
        bool move_one(Shelf shelf, Shelves& to);

    private:
        struct Place {
            Shelf shelf;
            std::size_t owned;                     // free and in use
            std::vector<std::unique_ptr<T>> free;  // with room for all of them
        };
        Place& place(Shelf shelf);
        std::vector<Place> places_;
    };
    using Wants = std::vector<std::pair<Shelf, std::size_t>>;  // of one pool
    template <typename T>
    static void deal(std::span<CodecPool* const> pools, Shelves<T> CodecPool::*shelves,
                     std::span<const Wants> wants);

    Shelves<Encoder> encoders_;
    Shelves<Decoder> decoders_;
    Shelves<Resampler> resamplers_;
    Shelves<Stripper> strippers_;
};

}  // namespace crosspatch::media
