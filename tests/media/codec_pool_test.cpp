#include "crosspatch/media/codec_pool.hpp"

#include <doctest/doctest.h>

#include <array>
#include <random>

#include "tests/media/radios.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

struct Pools {
    std::array<CodecPool, 3> pool;
    std::array<CodecPool*, 3> all{&pool[0], &pool[1], &pool[2]};
    std::array<CodecPool::Needs, 3> needs;
    CodecPool::Maker maker;

    void deal() { CodecPool::deal(all, needs); }
    // Takes every free encoder of this format, and puts them back.
    static std::size_t encoders(CodecPool& pool, const codec::Format& format) {
        std::vector<std::unique_ptr<CodecPool::Encoder>> taken;
        while (auto one = pool.take_encoder(format)) taken.push_back(std::move(one));
        const std::size_t count = taken.size();
        for (auto& one : taken) pool.give_back(std::move(one));
        return count;
    }
};

TEST_CASE(
    "whoever has less than its channels need gets it from who has more, and the rest stays where it is") {
    Pools pools;
    CodecPool::Needs everything;
    everything.encoder(codec::pcmu(), 6);
    everything.decoder(codec::pcma(), 2);
    everything.resampler(8000, 48000, 1);
    pools.pool[0].stock(pools.maker.make(everything));

    pools.needs[1].encoder(codec::pcmu(), 2);
    pools.needs[2].encoder(codec::pcmu(), 3);
    pools.needs[2].decoder(codec::pcma(), 1);
    pools.needs[2].resampler(8000, 48000, 1);
    pools.deal();
    CHECK(Pools::encoders(pools.pool[0], codec::pcmu()) == 1);
    CHECK(Pools::encoders(pools.pool[1], codec::pcmu()) == 2);
    CHECK(Pools::encoders(pools.pool[2], codec::pcmu()) == 3);
    CHECK(pools.pool[2].take_decoder(codec::pcma()) != nullptr);
    CHECK(pools.pool[0].take_decoder(codec::pcma()) != nullptr);
    CHECK(pools.pool[0].take_resampler(8000, 48000) == nullptr);
    CHECK(pools.pool[2].take_resampler(8000, 48000) != nullptr);
}

TEST_CASE("what is in use is not dealt") {
    Pools pools;
    CodecPool::Needs two;
    two.encoder(codec::pcmu(), 2);
    pools.pool[0].stock(pools.maker.make(two));
    auto used = pools.pool[0].take_encoder(codec::pcmu());
    pools.needs[1].encoder(codec::pcmu(), 2);
    pools.deal();
    CHECK(Pools::encoders(pools.pool[1], codec::pcmu()) == 1);
    pools.pool[0].give_back(std::move(used));
    pools.deal();
    CHECK(Pools::encoders(pools.pool[1], codec::pcmu()) == 2);
    CHECK(Pools::encoders(pools.pool[0], codec::pcmu()) == 0);
}

TEST_CASE("as long as there are enough for all, everybody has enough after each deal") {
    std::mt19937 random{20261123};
    constexpr std::size_t kAll = 12;
    Pools pools;
    CodecPool::Needs everything;
    everything.encoder(codec::pcmu(), kAll);
    pools.pool[0].stock(pools.maker.make(everything));
    for (int round = 0; round < 1000; ++round) {
        std::size_t left = kAll;
        for (CodecPool::Needs& needs : pools.needs) {
            const std::size_t wanted = random() % (left + 1);
            left -= wanted;
            needs = {};
            if (wanted > 0) needs.encoder(codec::pcmu(), wanted);
        }
        pools.deal();
        std::size_t total = 0;
        for (std::size_t n = 0; n < pools.all.size(); ++n) {
            const std::size_t has = Pools::encoders(pools.pool[n], codec::pcmu());
            CHECK(has >= (pools.needs[n].items.empty() ? 0 : pools.needs[n].items.front().encoders));
            total += has;
        }
        REQUIRE(total == kAll);
    }
}

}  // namespace
}  // namespace crosspatch::media
