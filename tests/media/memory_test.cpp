// What a listener and a transcoded channel weigh: M8 of performance.md. Whole heap, allocator's own words and what
// OpenSSL takes included, so that nothing hides; mallinfo2() knows nothing of the sanitizers' allocators.
#include <doctest/doctest.h>
#include <malloc.h>

#include "crosspatch/media/codec_pool.hpp"
#include "crosspatch/media/demux.hpp"
#include "crosspatch/media/packet_pool.hpp"
#include "crosspatch/media/report_timers.hpp"
#include "crosspatch/media/talkspurt.hpp"
#include "tests/media/radios.hpp"

namespace crosspatch::media {
namespace {

constexpr std::size_t kListeners = 200;

std::size_t heap() { return mallinfo2().uordblks; }

bool heap_is_known() {
    const std::size_t before = heap();
    const std::vector<std::byte> block(10'000);
    return heap() >= before + block.size();
}

std::unique_ptr<Endpoint> listener(std::uint32_t index, rtp::Suite suite) {
    std::vector<std::byte> octets(rtp::info(suite).key_size + rtp::info(suite).salt_size);
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::byte>(i * 31 + index);
    const auto key = std::move(*rtp::MasterKey::make(suite, core::Secret{octets}));
    octets[1] ^= std::byte{0xFF};
    const auto heard_under = std::move(*rtp::MasterKey::make(suite, core::Secret{octets}));
    rtp::SrtpSender sender{suite, &key};
    sender.begin(0x1000 + index, {1, 1});
    return std::make_unique<Endpoint>(
        index,
        Endpoint::Parts{
            .source = {.format = codec::opus(), .payload_type = 111, .learn = true, .ssrc = index + 1},
            .receiver = rtp::SrtpReceiver{suite, std::span{&heard_under, 1}, rtp::Expect::RtcpOnly},
            .sink = {.format = codec::opus(), .payload_type = 111, .socket = 3, .cname = "gateway"},
            .sender = std::move(sender),
            .first_timestamp = 7},
        core::Time{});
}

// Octets of heap a listener, with its places in the tables of a worker.
std::size_t weight(rtp::Suite suite) {
    listener(0, suite);  // what the libraries keep for good
    std::vector<std::unique_ptr<Endpoint>> listeners;
    listeners.reserve(kListeners);
    const std::size_t before = heap();
    Demux demux;
    ReportTimers reports{1};
    for (std::uint32_t i = 0; i < kListeners; ++i) {
        listeners.push_back(listener(i, suite));
        demux.attach(*listeners.back());
        reports.add(*listeners.back(), core::Time{});
    }
    return (heap() - before) / kListeners + sizeof(Listener);
}

}  // namespace

TEST_CASE("a listener weighs what the README says") {
    if (!heap_is_known()) return;
    const std::size_t gcm256 = weight(rtp::Suite::Aes256Gcm);
    const std::size_t gcm128 = weight(rtp::Suite::Aes128Gcm);
    const std::size_t cm = weight(rtp::Suite::AesCm128HmacSha1_80);
    MESSAGE("octets a listener: AES-256-GCM " << gcm256 << ", AES-128-GCM " << gcm128 << ", AES-CM " << cm);
    CHECK(gcm256 <= 2048);
    CHECK(gcm128 <= 3900);
    CHECK(cm <= 3300);
}

TEST_CASE("a channel between two codecs weighs less than 100 kB") {
    if (!heap_is_known()) return;
    CodecPool::Maker maker;
    CodecPool pool;
    PacketPool packets{1};
    auto scratch = std::make_unique<Scratch>();
    Outbox outbox;
    const TalkPath path{pool, packets, *scratch, outbox};
    const auto stock_one = [&](std::size_t channels) {
        CodecPool::Needs needs;
        for (std::size_t i = 0; i < channels; ++i) {
            needs.encoder(codec::opus());
            needs.decoder(codec::pcmu());
            needs.encoder(codec::pcmu());
            needs.decoder(codec::opus());
            needs.resampler(8000, 16000);
            needs.resampler(16000, 8000);
        }
        pool.stock(maker.make(needs));
    };
    stock_one(1);  // what the first one learns is for all
    constexpr std::size_t kChannels = 20;
    const std::size_t before = heap();
    stock_one(1 + kChannels);
    std::vector<std::unique_ptr<Talkspurt>> talkspurts;
    for (std::size_t i = 0; i < kChannels; ++i) {
        talkspurts.push_back(std::make_unique<Talkspurt>(path));
        talkspurts.back()->reserve(8);
    }
    const std::size_t each = (heap() - before) / kChannels;
    MESSAGE("octets a channel, both ways: " << each);
    CHECK(each <= 100'000);
}

}  // namespace crosspatch::media
