#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/encoder.hpp"
#include "crosspatch/codec/resampler.hpp"

namespace crosspatch::media {

// Encoders, decoders and resamplers that wait for the next talkspurt: made by control, handed out at the press.
//
// Shape    one shelf for each codec (Opus: one for all settings; L16: one a rate; Codec2: one a mode) and pair of rates.
// Errors   a shelf that is empty gives nullptr: the listeners concerned stay silent, which is counted.
// Thread   its worker only. take and give_back never allocate; stock() does, and is for control's posted tasks.
class CodecPool {
public:
    struct Encoder {
        std::unique_ptr<codec::Encoder> codec;
        std::uint16_t shelf;
        std::vector<std::int16_t> partial;  // samples that wait for the rest of their packet; reserved once
    };
    struct Decoder {
        std::unique_ptr<codec::Decoder> codec;
        std::uint16_t shelf;
    };
    struct Resampler {
        codec::Resampler filter;
        std::uint16_t shelf;
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
        void encoder(const codec::Format& format);
        void decoder(const codec::Format& format);
        void resampler(std::uint32_t from, std::uint32_t to);

    private:
        Item& item(const codec::Format& format);
    };
    // Objects made by control to bring the pool up to `needs`; made outside the worker, handed over whole.
    struct Stock {
        std::vector<Encoder> encoders;
        std::vector<Decoder> decoders;
        std::vector<Resampler> resamplers;
    };

    // Control's side: remembers what has been made and makes what `needs` asks for on top. Never shrinks.
    class Maker {
    public:
        Stock make(const Needs& needs);

    private:
        std::vector<std::pair<std::uint16_t, std::size_t>> encoders_, decoders_, resamplers_;
    };

    void stock(Stock stock);

    Encoder* take_encoder(const codec::Format& format);
    Decoder* take_decoder(const codec::Format& format);
    Resampler* take_resampler(std::uint32_t from, std::uint32_t to);
    void give_back(Encoder* encoder);
    void give_back(Decoder* decoder);
    void give_back(Resampler* resampler);

private:
    template <typename T>
    struct Shelves {
        std::vector<std::unique_ptr<T>> all;
        std::vector<T*> free;  // reserved for all of them
        void add(std::vector<T> more);
        T* take(std::uint16_t shelf);
        void give_back(T* object) { free.push_back(object); }
    };
    Shelves<Encoder> encoders_;
    Shelves<Decoder> decoders_;
    Shelves<Resampler> resamplers_;
};

}  // namespace crosspatch::media
