#pragma once
#include <memory>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/encoder.hpp"

// How make_decoder() and make_encoder() reach each codec, in its own file. Private.
namespace crosspatch::codec {

std::unique_ptr<Decoder> make_opus_decoder(const Format& format);
std::unique_ptr<Encoder> make_opus_encoder(const Format& format);
std::unique_ptr<Decoder> make_pcm_decoder(const Format& format);  // G.711, L16
std::unique_ptr<Encoder> make_pcm_encoder(const Format& format);
std::unique_ptr<Decoder> make_g722_decoder(const Format& format);
std::unique_ptr<Encoder> make_g722_encoder(const Format& format);
std::unique_ptr<Decoder> make_gsm_decoder(const Format& format);
std::unique_ptr<Encoder> make_gsm_encoder(const Format& format);
std::unique_ptr<Decoder> make_codec2_decoder(const Format& format);
std::unique_ptr<Encoder> make_codec2_encoder(const Format& format);

}  // namespace crosspatch::codec
