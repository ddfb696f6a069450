#pragma once
#include <cstddef>
#include <span>

#include "crosspatch/media/endpoint.hpp"
#include "crosspatch/media/listener.hpp"

namespace crosspatch::media {

// Calls send(listener) for each of them. While one packet is sealed and sent, what the next two will touch comes nearer: the
// kernel's own work on a send leaves little of it in the first-level cache.
template <typename Send>
void fan_out(std::span<Listener> listeners, Send&& send) {
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        if (i + 2 < listeners.size()) listeners[i + 2].endpoint->prefetch();
        if (i + 1 < listeners.size())
            listeners[i + 1].endpoint->sink.srtp().prefetch();  // by a pointer from there
        send(listeners[i]);
    }
}

}  // namespace crosspatch::media
