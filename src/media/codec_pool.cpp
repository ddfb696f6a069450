#include "crosspatch/media/codec_pool.hpp"

#include <algorithm>
#include <cassert>

namespace crosspatch::media {
namespace {

// Room for the longest packet, 60 ms, and for a paced listener the longest frame of a talker, 120 ms, at the fastest rate that
// the encoder works at; what is not used of it is not touched.
std::size_t longest_wait(const codec::Encoder& encoder) {
    return std::ranges::max(encoder.rates()) * std::size_t{60 + 120} / 1000;
}

// Formats that may use each other's encoders share a number.
CodecPool::Shelf shelf_of(const codec::Format& format) {
    const auto kind = static_cast<std::uint16_t>(format.kind);
    if (format.kind == codec::Kind::L16) return static_cast<std::uint16_t>(kind << 8 | format.rate / 1000);
    if (format.kind == codec::Kind::Codec2)
        return static_cast<std::uint16_t>(kind << 8 | static_cast<std::uint16_t>(format.mode));
    return static_cast<std::uint16_t>(kind << 8);
}

constexpr CodecPool::Shelf kStrippers = 0;

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
    strippers += more.strippers;
}

CodecPool::Stock CodecPool::Maker::make(const Needs& needs) {
    Stock stock;
    for (const Needs::Item& item : needs.items) {
        const Shelf shelf = shelf_of(item.format);
        for (std::size_t i = missing(encoders_, shelf, item.encoders); i > 0; --i) {
            stock.encoders.push_back(
                std::make_unique<Encoder>(Encoder{codec::make_encoder(item.format), shelf, {}}));
            Encoder& made = *stock.encoders.back();
            made.partial.reserve(longest_wait(*made.codec));
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
    for (std::size_t i = missing(strippers_, kStrippers, needs.strippers); i > 0; --i)
        stock.strippers.push_back(std::make_unique<Stripper>(Stripper{{}, kStrippers}));
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
std::size_t CodecPool::Shelves<T>::owned(Shelf shelf) const {
    for (const Place& at : places_)
        if (at.shelf == shelf) return at.owned;
    return 0;
}

template <typename T>
bool CodecPool::Shelves<T>::move_one(Shelf shelf, Shelves& to) {
    std::unique_ptr<T> object = take(shelf);
    if (!object) return false;
    forget(shelf);
    to.add(std::move(object));
    return true;
}

void CodecPool::stock(Stock stock) {
    for (auto& encoder : stock.encoders) encoders_.add(std::move(encoder));
    for (auto& decoder : stock.decoders) decoders_.add(std::move(decoder));
    for (auto& resampler : stock.resamplers) resamplers_.add(std::move(resampler));
    for (auto& stripper : stock.strippers) strippers_.add(std::move(stripper));
}

// Only what changes hands is touched: a pool may hold thousands.
template <typename T>
void CodecPool::deal(std::span<CodecPool* const> pools, Shelves<T> CodecPool::*shelves,
                     std::span<const Wants> wants) {
    const auto beyond = [](std::size_t more, std::size_t less) { return more > less ? more - less : 0; };
    const auto spare = [&](std::size_t pool, Shelf shelf) {
        const Wants& of_pool = wants[pool];
        const auto wanted = std::ranges::find(of_pool, shelf, &Wants::value_type::first);
        return beyond((pools[pool]->*shelves).owned(shelf), wanted != of_pool.end() ? wanted->second : 0);
    };
    for (std::size_t to = 0; to < pools.size(); ++to)
        for (const auto& [shelf, wanted] : wants[to]) {
            Shelves<T>& getting = pools[to]->*shelves;
            std::size_t missing = beyond(wanted, getting.owned(shelf));
            for (std::size_t from = 0; from < pools.size() && missing > 0; ++from) {
                if (from == to) continue;
                for (std::size_t left = std::min(missing, spare(from, shelf)); left > 0; --left)
                    missing -= (pools[from]->*shelves).move_one(shelf, getting) ? 1 : 0;
            }
        }
}

void CodecPool::deal(std::span<CodecPool* const> pools, std::span<const Needs> needs) {
    std::vector<Wants> encoders(needs.size()), decoders(needs.size()), resamplers(needs.size()),
        strippers(needs.size());
    for (std::size_t pool = 0; pool < needs.size(); ++pool) {
        for (const Needs::Item& item : needs[pool].items) {
            encoders[pool].emplace_back(shelf_of(item.format), item.encoders);
            decoders[pool].emplace_back(shelf_of(item.format), item.decoders);
        }
        for (const Needs::Pair& pair : needs[pool].pairs)
            resamplers[pool].emplace_back(shelf_of(pair.from, pair.to), pair.count);
        strippers[pool].emplace_back(kStrippers, needs[pool].strippers);
    }
    deal<Encoder>(pools, &CodecPool::encoders_, encoders);
    deal<Decoder>(pools, &CodecPool::decoders_, decoders);
    deal<Resampler>(pools, &CodecPool::resamplers_, resamplers);
    deal<Stripper>(pools, &CodecPool::strippers_, strippers);
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
void CodecPool::hand_over(const Stripper& stripper, CodecPool& from, CodecPool& to) {
    from.strippers_.forget(stripper.shelf);
    to.strippers_.expect(stripper.shelf);
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
std::unique_ptr<CodecPool::Stripper> CodecPool::take_stripper() { return strippers_.take(kStrippers); }
void CodecPool::give_back(std::unique_ptr<Encoder> encoder) { encoders_.give_back(std::move(encoder)); }
void CodecPool::give_back(std::unique_ptr<Decoder> decoder) { decoders_.give_back(std::move(decoder)); }
void CodecPool::give_back(std::unique_ptr<Resampler> resampler) {
    resamplers_.give_back(std::move(resampler));
}
void CodecPool::give_back(std::unique_ptr<Stripper> stripper) { strippers_.give_back(std::move(stripper)); }

}  // namespace crosspatch::media
