#include "crosspatch/media/inbox.hpp"

#include <algorithm>

namespace crosspatch::media {

bool Inbox::push(Endpoint& endpoint, const Datagram& datagram) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kDatagrams) return false;
    const std::size_t place = tail % kDatagrams;
    const std::span<std::byte> room{octets_.get() + place * kOctets, kOctets};
    const auto octets = datagram.octets.first(std::min(datagram.octets.size(), kOctets));
    std::copy(octets.begin(), octets.end(), room.begin());
    items_[place] = {&endpoint,
                     {.octets = room.first(octets.size()),
                      .from = datagram.from,
                      .received = datagram.received,
                      .truncated = datagram.truncated || octets.size() < datagram.octets.size()}};
    tail_.store(tail + 1, std::memory_order_release);
    return true;
}

Inbox::Item* Inbox::front() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    return head == tail_.load(std::memory_order_acquire) ? nullptr : &items_[head % kDatagrams];
}

void Inbox::pop() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

}  // namespace crosspatch::media
