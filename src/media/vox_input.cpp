#include "crosspatch/media/vox_input.hpp"

namespace crosspatch::media {

VoxInput::VoxInput(const codec::Format& format)
    : detector_{format}, pre_roll_{format.clock, kPreRollTime, kPreRoll} {}

void VoxInput::restart() {
    clear();
    detector_.restart();
}

}  // namespace crosspatch::media
