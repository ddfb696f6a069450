#include "crosspatch/app/radios.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "crosspatch/app/plan.hpp"

namespace crosspatch::app {
namespace {

rtp::SrtpSettings keys(int seed) {
    std::vector<std::byte> octets(44);
    for (std::size_t i = 0; i < octets.size(); ++i)
        octets[i] = static_cast<std::byte>(i * 11 + static_cast<std::size_t>(seed));
    rtp::SrtpSettings settings;
    settings.send = *rtp::MasterKey::make(rtp::Suite::Aes256Gcm, core::Secret{octets});
    return settings;
}

rtp::IndexRecord sent(const rtp::SrtpSettings& by, std::uint32_t ssrc, rtp::IndexLimits limits) {
    return {
        .kind = rtp::IndexRecord::Kind::Send, .key = by.send->fingerprint(), .ssrc = ssrc, .limits = limits};
}

TEST_CASE("two radios that swap their keys and swap back repeat no packet number") {
    const rtp::SrtpSettings one = keys(1);
    const rtp::SrtpSettings two = keys(2);
    StreamBook book{{sent(one, 11, {500, 40}), sent(two, 22, {700, 60})}};
    // The first radio keeps its SSRC under the other's key, and the other way round.
    CHECK(make_sender(two, book, 11, {500, 40}).next() == rtp::IndexLimits{500, 40});
    book.note(sent(two, 11, {600, 70}));
    book.note(sent(one, 22, {800, 90}));
    const rtp::SrtpSender back = make_sender(one, book, 11, {600, 30});
    CHECK(back.ssrc() == 11);
    CHECK(back.next() == rtp::IndexLimits{600, 40});
}

TEST_CASE("a restart goes on with the newest stream of a key, above all that was promised of it") {
    const rtp::SrtpSettings one = keys(1);
    StreamBook book{{sent(one, 11, {500, 40})}};
    book.note(sent(one, 12, {90, 5}));
    book.note(sent(one, 12, {80, 6}));  // limits never fall
    const rtp::SrtpSender sender = make_sender(one, book, std::nullopt, {});
    CHECK(sender.ssrc() == 12);
    CHECK(sender.next() == rtp::IndexLimits{90, 6});
}

TEST_CASE("a key that was never used begins under a random SSRC, below half of the sequence numbers") {
    const StreamBook book{{}};
    const rtp::SrtpSender sender = make_sender(keys(1), book, std::nullopt, {});
    CHECK(sender.ssrc() != 0);
    CHECK(sender.next().rtp < 0x8000);
    CHECK(sender.next().rtcp == 0);
}

TEST_CASE("a number is free for another name only when nobody has it") {
    Indices indices;
    CHECK(indices.of("a") == 0);
    CHECK(indices.of("b") == 1);
    CHECK(indices.keep_only({"b"}) == std::vector<std::uint32_t>{0});
    CHECK_FALSE(indices.find("a"));
    CHECK(indices.of("c") == 0);
    CHECK(indices.name(0) == "c");
    CHECK(indices.of("b") == 1);
    CHECK(indices.keep_only({"b", "c"}).empty());
}

}  // namespace
}  // namespace crosspatch::app
