#include "crosspatch/media/codec_pool.hpp"

#include <algorithm>

namespace crosspatch::media {
namespace {

constexpr std::size_t kLongestPacket = 48'000 * 60 / 1000;  // samples: 60 ms at 48 kHz

// Formats that may use each other's encoders share a number.
std::uint16_t shelf_of(const codec::Format& format) {
    const auto kind = static_cast<std::uint16_t>(format.kind);
    if (format.kind == codec::Kind::L16) return static_cast<std::uint16_t>(kind << 8 | format.rate / 1000);
    if (format.kind == codec::Kind::Codec2)
        return static_cast<std::uint16_t>(kind << 8 | static_cast<std::uint16_t>(format.mode));
    return static_cast<std::uint16_t>(kind << 8);
}

std::uint16_t shelf_of(std::uint32_t from, std::uint32_t to) {
    return static_cast<std::uint16_t>(from / 1000 << 8 | to / 1000);
}

// How many more of `shelf` are needed to have `wanted`; counts them as made.
std::size_t missing(std::vector<std::pair<std::uint16_t, std::size_t>>& made, std::uint16_t shelf,
                    std::size_t wanted) {
    auto entry = std::find_if(made.begin(), made.end(), [&](const auto& e) { return e.first == shelf; });
    if (entry == made.end()) entry = made.insert(made.end(), {shelf, 0});
    const std::size_t more = wanted > entry->second ? wanted - entry->second : 0;
    entry->second += more;
    return more;
}

}  // namespace

CodecPool::Needs::Item& CodecPool::Needs::item(const codec::Format& format) {
    const auto same = [&](const Item& i) { return shelf_of(i.format) == shelf_of(format); };
    const auto found = std::find_if(items.begin(), items.end(), same);
    return found != items.end() ? *found : items.emplace_back(Item{format, 0, 0});
}

void CodecPool::Needs::encoder(const codec::Format& format) { ++item(format).encoders; }
void CodecPool::Needs::decoder(const codec::Format& format) { ++item(format).decoders; }

void CodecPool::Needs::resampler(std::uint32_t from, std::uint32_t to) {
    const auto same = [&](const Pair& p) { return p.from == from && p.to == to; };
    const auto found = std::find_if(pairs.begin(), pairs.end(), same);
    ++(found != pairs.end() ? *found : pairs.emplace_back(Pair{from, to, 0})).count;
}

CodecPool::Stock CodecPool::Maker::make(const Needs& needs) {
    Stock stock;
    for (const Needs::Item& item : needs.items) {
        const std::uint16_t shelf = shelf_of(item.format);
        for (std::size_t i = missing(encoders_, shelf, item.encoders); i > 0; --i) {
            stock.encoders.push_back({codec::make_encoder(item.format), shelf, {}});
            stock.encoders.back().partial.reserve(kLongestPacket);
        }
        for (std::size_t i = missing(decoders_, shelf, item.decoders); i > 0; --i)
            stock.decoders.push_back({codec::make_decoder(item.format), shelf});
    }
    for (const Needs::Pair& pair : needs.pairs) {
        const std::uint16_t shelf = shelf_of(pair.from, pair.to);
        for (std::size_t i = missing(resamplers_, shelf, pair.count); i > 0; --i)
            stock.resamplers.push_back({codec::Resampler{pair.from, pair.to}, shelf});
    }
    return stock;
}

template <typename T>
void CodecPool::Shelves<T>::add(std::vector<T> more) {
    for (T& object : more) all.push_back(std::make_unique<T>(std::move(object)));
    free.reserve(all.size());
    for (std::size_t i = all.size() - more.size(); i < all.size(); ++i) free.push_back(all[i].get());
}

template <typename T>
T* CodecPool::Shelves<T>::take(std::uint16_t shelf) {
    const auto found =
        std::find_if(free.rbegin(), free.rend(), [&](const T* object) { return object->shelf == shelf; });
    if (found == free.rend()) return nullptr;
    T* object = *found;
    std::swap(*found, free.back());
    free.pop_back();
    return object;
}

void CodecPool::stock(Stock stock) {
    encoders_.add(std::move(stock.encoders));
    decoders_.add(std::move(stock.decoders));
    resamplers_.add(std::move(stock.resamplers));
}

CodecPool::Encoder* CodecPool::take_encoder(const codec::Format& format) {
    Encoder* encoder = encoders_.take(shelf_of(format));
    if (encoder) encoder->partial.clear();
    return encoder;
}
CodecPool::Decoder* CodecPool::take_decoder(const codec::Format& format) {
    return decoders_.take(shelf_of(format));
}
CodecPool::Resampler* CodecPool::take_resampler(std::uint32_t from, std::uint32_t to) {
    return resamplers_.take(shelf_of(from, to));
}
void CodecPool::give_back(Encoder* encoder) { encoders_.give_back(encoder); }
void CodecPool::give_back(Decoder* decoder) { decoders_.give_back(decoder); }
void CodecPool::give_back(Resampler* resampler) { resamplers_.give_back(resampler); }

}  // namespace crosspatch::media
