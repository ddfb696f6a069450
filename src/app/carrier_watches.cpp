#include "crosspatch/app/carrier_watches.hpp"

namespace crosspatch::app {

std::shared_ptr<media::CarrierWatch> CarrierWatches::watch(std::uint32_t endpoint,
                                                           const codec::Format& format,
                                                           std::chrono::milliseconds most) {
    auto watch = watches_[endpoint].lock();
    if (!watch || !watch->serves(format, most)) {
        watch = std::make_shared<media::CarrierWatch>(format, most);
        watches_[endpoint] = watch;
    }
    return watch;
}

}  // namespace crosspatch::app
