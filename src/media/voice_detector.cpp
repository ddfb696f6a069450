#include "crosspatch/media/voice_detector.hpp"

#include <algorithm>

namespace crosspatch::media {

VoiceDetector::VoiceDetector(const codec::Format& format)
    : decoder_{codec::make_decoder(format)}, rate_{decoder_->rates().front()} {
    decoder_->start(rate_);
}

codec::Vox::Decision VoiceDetector::hear(const Packet& packet, Scratch& scratch) {
    if (packet.new_stream) decoder_->start(rate_);
    const std::size_t count = decoder_->decode(packet.payload, scratch.decoded);
    const auto decided = [&](std::span<const std::int16_t> frame) { return vox_.hear(frame, rate_); };
    using Decision = codec::Vox::Decision;
    Decision said = vox_.speaking() ? Decision::Speaks : Decision::Silent;
    // The detector takes 10 to 60 ms at once; longer packets are heard in pieces of 20 ms.
    const std::size_t piece = rate_ / 50;
    for (std::size_t at = 0; at + rate_ / 100 <= count; at += piece) {
        const Decision now = decided(std::span{scratch.decoded}.subspan(at, std::min(piece, count - at)));
        const bool told = said == Decision::Begins || said == Decision::Ends;
        if (!told || now == Decision::Begins || now == Decision::Ends) said = now;
    }
    return said;
}

void VoiceDetector::restart() {
    vox_.start();
    decoder_->start(rate_);
}

}  // namespace crosspatch::media
