#pragma once
#include <cstdint>
#include <memory>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/vox.hpp"
#include "crosspatch/media/packet.hpp"
#include "crosspatch/media/transcoder.hpp"

namespace crosspatch::media {

// Hears whether there is a voice in the packets of one radio, with a decoder of its own.
//
// Thread   made by control, then its worker's only; no allocation in hear().
// Source   codec::Vox.
class VoiceDetector {
public:
    explicit VoiceDetector(const codec::Format& format);

    // Decodes the packet and listens to it. Begins and Ends are said once each.
    codec::Vox::Decision hear(const Packet& packet, Scratch& scratch);
    // Forgets what it has heard: the next packet is the first one.
    void restart();
    bool speaking() const { return vox_.speaking(); }

private:
    std::unique_ptr<codec::Decoder> decoder_;
    std::uint32_t rate_;
    codec::Vox vox_;
};

}  // namespace crosspatch::media
