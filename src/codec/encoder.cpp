#include "crosspatch/codec/encoder.hpp"

#include <cassert>

#include "src/codec/codecs.hpp"

namespace crosspatch::codec {

std::unique_ptr<Encoder> make_encoder(const Format& format) {
    switch (format.kind) {
        case Kind::Opus:
            return make_opus_encoder(format);
        case Kind::Pcmu:
        case Kind::Pcma:
        case Kind::L16:
            return make_pcm_encoder(format);
        case Kind::G722:
            return make_g722_encoder(format);
        case Kind::Gsm:
            return make_gsm_encoder(format);
        case Kind::Codec2:
            return make_codec2_encoder(format);
    }
    assert(false && "a kind of codec that does not exist");
    return nullptr;
}

}  // namespace crosspatch::codec
