#include "crosspatch/media/codec_pool.hpp"

#include <algorithm>
#include <cassert>
#include <map>

namespace crosspatch::media {
namespace {

// Room for the longest packet, 60 ms, at the fastest rate that the encoder works at.
std::size_t longest_packet(const codec::Encoder& encoder) {
    return std::ranges::max(encoder.rates()) * std::size_t{60} / 1000;
}

// Formats that may use each other's encoders share a number.
CodecPool::Shelf shelf_of(const codec::Format& format) {
    const auto kind = static_cast<std::uint16_t>(format.kind);
    if (format.kind == codec::Kind::L16) return static_cast<std::uint16_t>(kind << 8 | format.rate / 1000);
    if (format.kind == codec::Kind::Codec2)
        return static_cast<std::uint16_t>(kind << 8 | static_cast<std::uint16_t>(format.mode));
    return static_cast<std::uint16_t>(kind << 8);
}

CodecPool::Shelf shelf_of(std::uint32_t from, std::uint32_t to) {
    return static_cast<std::uint16_t>(from / 1000 << 8 | to / 1000);
}

// How many more of `shelf` are needed to have `wanted`; counts them as made.
std::size_t missing(std::vector<std::pair<CodecPool::Shelf, std::size_t>>& made, CodecPool::Shelf shelf,
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

void CodecPool::Needs::encoder(const codec::Format& format, std::size_t count) {
    item(format).encoders += count;
}
void CodecPool::Needs::decoder(const codec::Format& format, std::size_t count) {
    item(format).decoders += count;
}

void CodecPool::Needs::resampler(std::uint32_t from, std::uint32_t to, std::size_t count) {
    const auto same = [&](const Pair& p) { return p.from == from && p.to == to; };
    const auto found = std::find_if(pairs.begin(), pairs.end(), same);
    (found != pairs.end() ? *found : pairs.emplace_back(Pair{from, to, 0})).count += count;
}

void CodecPool::Needs::add(const Needs& more) {
    for (const Item& one : more.items) {
        encoder(one.format, one.encoders);
        decoder(one.format, one.decoders);
    }
    for (const Pair& pair : more.pairs) resampler(pair.from, pair.to, pair.count);
}

CodecPool::Stock CodecPool::Maker::make(const Needs& needs) {
    Stock stock;
    for (const Needs::Item& item : needs.items) {
        const Shelf shelf = shelf_of(item.format);
        for (std::size_t i = missing(encoders_, shelf, item.encoders); i > 0; --i) {
            stock.encoders.push_back(
                std::make_unique<Encoder>(Encoder{codec::make_encoder(item.format), shelf, {}}));
            Encoder& made = *stock.encoders.back();
            made.partial.reserve(longest_packet(*made.codec));
        }
        for (std::size_t i = missing(decoders_, shelf, item.decoders); i > 0; --i)
            stock.decoders.push_back(
                std::make_unique<Decoder>(Decoder{codec::make_decoder(item.format), shelf}));
    }
    for (const Needs::Pair& pair : needs.pairs) {
        const Shelf shelf = shelf_of(pair.from, pair.to);
        for (std::size_t i = missing(resamplers_, shelf, pair.count); i > 0; --i)
            stock.resamplers.push_back(
                std::make_unique<Resampler>(Resampler{codec::Resampler{pair.from, pair.to}, shelf}));
    }
    return stock;
}

template <typename T>
typename CodecPool::Shelves<T>::Place& CodecPool::Shelves<T>::place(Shelf shelf) {
    const auto found =
        std::find_if(places_.begin(), places_.end(), [&](const Place& one) { return one.shelf == shelf; });
    return found != places_.end() ? *found : places_.emplace_back(Place{shelf, 0, {}});
}

template <typename T>
void CodecPool::Shelves<T>::expect(Shelf shelf) {
    Place& at = place(shelf);
    ++at.owned;
    if (at.free.capacity() < at.owned) at.free.reserve(std::max(at.owned, 2 * at.free.capacity()));
}

template <typename T>
void CodecPool::Shelves<T>::forget(Shelf shelf) {
    --place(shelf).owned;
}

template <typename T>
void CodecPool::Shelves<T>::add(std::unique_ptr<T> object) {
    expect(object->shelf);
    give_back(std::move(object));
}

template <typename T>
std::unique_ptr<T> CodecPool::Shelves<T>::take(Shelf shelf) {
    for (Place& at : places_) {
        if (at.shelf != shelf || at.free.empty()) continue;
        std::unique_ptr<T> object = std::move(at.free.back());
        at.free.pop_back();
        return object;
    }
    return nullptr;
}

template <typename T>
void CodecPool::Shelves<T>::give_back(std::unique_ptr<T> object) {
    Place& at = place(object->shelf);
    assert(at.free.size() < at.owned && at.free.size() < at.free.capacity());
    at.free.push_back(std::move(object));
}

template <typename T>
std::size_t CodecPool::Shelves<T>::in_use(Shelf shelf) const {
    for (const Place& at : places_)
        if (at.shelf == shelf) return at.owned - at.free.size();
    return 0;
}

template <typename T>
std::vector<std::unique_ptr<T>> CodecPool::Shelves<T>::empty_out() {
    std::vector<std::unique_ptr<T>> all;
    for (Place& at : places_) {
        at.owned -= at.free.size();
        for (std::unique_ptr<T>& object : at.free) all.push_back(std::move(object));
        at.free.clear();
    }
    return all;
}

void CodecPool::stock(Stock stock) {
    for (auto& encoder : stock.encoders) encoders_.add(std::move(encoder));
    for (auto& decoder : stock.decoders) decoders_.add(std::move(decoder));
    for (auto& resampler : stock.resamplers) resamplers_.add(std::move(resampler));
}

// `wanted(pool, shelf)`: how many of them. What is left over stays in the first pool.
template <typename T, typename Count>
void CodecPool::deal(std::span<CodecPool* const> pools, Shelves<T> CodecPool::*shelves, Count&& wanted) {
    std::vector<std::unique_ptr<T>> all;
    for (CodecPool* pool : pools)
        for (auto& object : (pool->*shelves).empty_out()) all.push_back(std::move(object));
    std::vector<std::map<Shelf, std::size_t>> missing(pools.size());
    for (auto& object : all) {
        const Shelf shelf = object->shelf;
        std::size_t to = 0;
        for (std::size_t pool = 0; pool < pools.size(); ++pool) {
            const auto [entry, is_new] = missing[pool].try_emplace(shelf, 0);
            const std::size_t used = (pools[pool]->*shelves).in_use(shelf);
            const std::size_t enough = wanted(pool, shelf);
            if (is_new) entry->second = enough > used ? enough - used : 0;
            if (entry->second == 0) continue;
            --entry->second;
            to = pool;
            break;
        }
        (pools[to]->*shelves).add(std::move(object));
    }
}

void CodecPool::deal(std::span<CodecPool* const> pools, std::span<const Needs> needs) {
    const auto count = [&](std::size_t Needs::Item::*what) {
        return [needs, what](std::size_t pool, Shelf shelf) {
            for (const Needs::Item& item : needs[pool].items)
                if (shelf_of(item.format) == shelf) return item.*what;
            return std::size_t{0};
        };
    };
    deal(pools, &CodecPool::encoders_, count(&Needs::Item::encoders));
    deal(pools, &CodecPool::decoders_, count(&Needs::Item::decoders));
    deal(pools, &CodecPool::resamplers_, [needs](std::size_t pool, Shelf shelf) {
        for (const Needs::Pair& pair : needs[pool].pairs)
            if (shelf_of(pair.from, pair.to) == shelf) return pair.count;
        return std::size_t{0};
    });
}

void CodecPool::hand_over(const Encoder& encoder, CodecPool& from, CodecPool& to) {
    from.encoders_.forget(encoder.shelf);
    to.encoders_.expect(encoder.shelf);
}
void CodecPool::hand_over(const Decoder& decoder, CodecPool& from, CodecPool& to) {
    from.decoders_.forget(decoder.shelf);
    to.decoders_.expect(decoder.shelf);
}
void CodecPool::hand_over(const Resampler& resampler, CodecPool& from, CodecPool& to) {
    from.resamplers_.forget(resampler.shelf);
    to.resamplers_.expect(resampler.shelf);
}

std::unique_ptr<CodecPool::Encoder> CodecPool::take_encoder(const codec::Format& format) {
    std::unique_ptr<Encoder> encoder = encoders_.take(shelf_of(format));
    if (encoder) encoder->partial.clear();
    return encoder;
}
std::unique_ptr<CodecPool::Decoder> CodecPool::take_decoder(const codec::Format& format) {
    return decoders_.take(shelf_of(format));
}
std::unique_ptr<CodecPool::Resampler> CodecPool::take_resampler(std::uint32_t from, std::uint32_t to) {
    return resamplers_.take(shelf_of(from, to));
}
void CodecPool::give_back(std::unique_ptr<Encoder> encoder) { encoders_.give_back(std::move(encoder)); }
void CodecPool::give_back(std::unique_ptr<Decoder> decoder) { decoders_.give_back(std::move(decoder)); }
void CodecPool::give_back(std::unique_ptr<Resampler> resampler) {
    resamplers_.give_back(std::move(resampler));
}

}  // namespace crosspatch::media
