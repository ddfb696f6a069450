#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crosspatch/core/address.hpp"
#include "crosspatch/media/socket.hpp"

namespace crosspatch::media {

class Endpoint;

// Datagrams of the shared port on their way to the worker that their channel lives on.
//
// Shape    a ring of 256 datagrams of up to 1,216 octets (we take 1,200; the rest shows that a longer one came). Memory
//          is touched when a place is first used.
// Errors   a full one refuses the datagram; the caller counts it.
// Thread   push(): the worker that reads the shared port; front() and pop(): the one that it is for. No lock, no
//          allocation.
class Inbox {
public:
    static constexpr std::size_t kDatagrams = 256;
    static constexpr std::size_t kOctets = 1216;
    struct Item {
        Endpoint* endpoint;
        Datagram datagram;  // its octets stay until pop()
    };

    Inbox() : octets_{std::make_unique_for_overwrite<std::byte[]>(kDatagrams * kOctets)} {}

    bool push(Endpoint& endpoint, const Datagram& datagram);
    // The oldest; nullptr when there is none.
    Item* front();
    void pop();

private:
    std::array<Item, kDatagrams> items_{};
    std::unique_ptr<std::byte[]> octets_;
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
};

}  // namespace crosspatch::media
