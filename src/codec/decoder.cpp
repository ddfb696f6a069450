#include "crosspatch/codec/decoder.hpp"

#include <cassert>

#include "src/codec/codecs.hpp"

namespace crosspatch::codec {

std::unique_ptr<Decoder> make_decoder(const Format& format) {
    switch (format.kind) {
        case Kind::Opus:
            return make_opus_decoder(format);
        case Kind::Pcmu:
        case Kind::Pcma:
        case Kind::L16:
            return make_pcm_decoder(format);
        case Kind::G722:
            return make_g722_decoder(format);
        case Kind::Gsm:
            return make_gsm_decoder(format);
        case Kind::Codec2:
            return make_codec2_decoder(format);
    }
    assert(false && "a kind of codec that does not exist");
    return nullptr;
}

}  // namespace crosspatch::codec
