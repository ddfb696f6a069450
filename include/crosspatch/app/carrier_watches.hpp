#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "crosspatch/media/carrier_watch.hpp"

namespace crosspatch::app {

// Who listens for dead carriers, one for each endpoint that has it: goes on over reloads.
//
// Shape    a decoder an endpoint: some 20 kB with Opus, less with others; topologies own them.
// Thread   control's.
// Source   `floor.dead_carrier` of a channel; src/ptt/README.md.
class CarrierWatches {
public:
    std::shared_ptr<media::CarrierWatch> watch(std::uint32_t endpoint, const codec::Format& format,
                                               std::chrono::milliseconds most);

private:
    std::map<std::uint32_t, std::weak_ptr<media::CarrierWatch>> watches_;
};

}  // namespace crosspatch::app
