#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>

#include "crosspatch/core/address.hpp"

namespace crosspatch::media {

class Endpoint;

// Whose datagram is it? The endpoints on the shared media port, by source address or by SSRC; never by trying keys.
//
// Shape    two hash tables, changed by control's posted tasks; find() is one or two look-ups.
// Thread   its worker only; find() does not allocate.
class Demux {
public:
    void attach(Endpoint& endpoint);
    void detach(const Endpoint& endpoint);
    Endpoint* find(std::span<const std::byte> datagram, const core::Address& from) const;

private:
    boost::unordered_flat_map<core::Address, Endpoint*, std::hash<core::Address>> by_source_;
    boost::unordered_flat_map<std::uint32_t, Endpoint*> by_ssrc_;
};

}  // namespace crosspatch::media
