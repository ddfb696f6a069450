#include <doctest/doctest.h>

#include "crosspatch/codec/rates.hpp"
#include "crosspatch/media/mark.hpp"
#include "tests/codec/signalling.hpp"
#include "tests/media/radios.hpp"
#include "tests/support/allocations.hpp"

namespace crosspatch::media {
namespace {

using namespace tests;

constexpr Treatment kStripped{.strip_tones = true};

Samples decoded(const std::vector<Heard>& heard, const codec::Format& format, std::uint32_t rate = 8000) {
    const auto decoder = codec::make_decoder(format);
    decoder->start(rate);
    std::vector<Octets> packets;
    for (const Heard& one : heard) packets.push_back(one.payload);
    return decode_all(*decoder, packets);
}

Samples with_digits(std::chrono::milliseconds speech = 1s) {
    Samples all = voice(8000, speech);
    append(all, dtmf("0123456789*#"));
    append(all, voice(8000, speech));
    all.resize(all.size() / 160 * 160);
    return all;
}

TEST_CASE("whoever is to hear it without tones gets it transcoded, in the same codec, and reads no digit") {
    for (const auto& format : {codec::pcmu(), codec::opus()}) {
        CAPTURE(format.name());
        Stage stage;
        stage.stock(format, 4);
        stage.stock_strippers(1);
        Radio guard{1, format}, own{2, format}, far{3, format}, far_too{4, format};
        const Speech speech{format, with_digits()};
        stage.press(guard, speech, {&own});
        for (Radio* listener : {&far, &far_too}) stage.talkspurt.add(listener->endpoint, 2, kStripped);
        stage.talkspurt.arrange(stage.now);
        CHECK(stage.talkspurt.encoders() == 1);
        std::vector<Heard> at_home, over_there;
        const auto before = allocations();
        auto grown = allocations() - before;  // of what this test keeps
        for (std::size_t n = 0; n < speech.size(); ++n) {
            const auto now = allocations();
            stage.say(speech, n, n + 1);
            grown += allocations() - now;
            for (const Heard& one : own.hear()) at_home.push_back(one);
            for (const Heard& one : far.hear()) over_there.push_back(one);
            far_too.hear();
        }
        CHECK(grown == 0);
        stage.finish();
        for (const Heard& one : far.hear()) over_there.push_back(one);
        CHECK(digits_read(decoded(at_home, format)).size() >= 10);
        CHECK(digits_read(decoded(over_there, format)) == "");
        CHECK(at_home.size() == speech.size());
        CHECK(over_there.size() == speech.size() + 1);  // what was held back
        CHECK(stage.talkspurt.encoders() == 0);
        CHECK(stage.codecs.take_stripper() != nullptr);  // it was given back
    }
}

TEST_CASE("where no stripper is free he hears nothing rather than the tones") {
    Stage stage;
    stage.stock(codec::pcmu(), 4);
    Radio guard{1, codec::pcmu()}, far{2, codec::pcmu()};
    const Speech speech{codec::pcmu(), with_digits(200ms)};
    stage.press(guard, speech, {});
    stage.talkspurt.add(far.endpoint, 2, kStripped);
    stage.talkspurt.arrange(stage.now);
    stage.say(speech, 0, 10);
    CHECK(far.hear().empty());
    CHECK(stage.talkspurt.numbers().listeners_without_codec == 1);
    CHECK(stage.free_encoders(codec::pcmu()) == 4);
}

TEST_CASE(
    "the end of what somebody says is heard, with nothing of it missing and the pause after it as long as it "
    "was") {
    Stage stage;
    stage.stock(codec::l16(8000), 4);
    stage.stock_strippers(2);
    Radio guard{1, codec::l16(8000)}, plain{2, codec::l16(8000)}, far{3, codec::l16(8000)};
    const Speech speech{codec::l16(8000), 1s};
    stage.press(guard, speech, {&plain});
    stage.talkspurt.add(far.endpoint, 2, kStripped);
    stage.talkspurt.arrange(stage.now);
    stage.say(speech, 0, 20);
    // He pauses for 200 ms without sending: the 15 ms that are held back go out meanwhile.
    auto again = speech.packet(20);
    again.timestamp += 10 * 160;
    stage.now += 100ms;
    stage.talkspurt.advance(stage.now);
    stage.outbox.flush();
    const auto first = far.hear();
    CHECK(first.size() == 21);
    stage.now += 100ms;
    stage.carry(again);
    auto later = speech.packet(21);
    later.timestamp += 10 * 160;
    stage.now += 20ms;
    stage.carry(later);
    const auto second = far.hear();
    REQUIRE_FALSE(second.empty());
    // By the listener's clock the second part begins where it began for who hears it as it is.
    const auto as_it_is = plain.hear();
    REQUIRE(as_it_is.size() == 22);
    CHECK(second.front().timestamp - first.front().timestamp ==
          as_it_is[20].timestamp - as_it_is.front().timestamp);
    const Samples tail = decoded({first.back()}, codec::l16(8000));
    CHECK(*std::ranges::max_element(tail) > 500);  // 15 ms of speech, and 5 of silence
}

TEST_CASE(
    "more channels than there are groups hear a talker whom a mark announces, the last of them without it") {
    Stage stage;
    stage.stock(codec::pcmu(), Talkspurt::kMaxGroups);
    const Mark mark{.samples = {tone(700, -20, 200)}};
    Radio guard{1, codec::pcmu()};
    std::vector<std::unique_ptr<Radio>> crowd;
    const Speech speech{codec::pcmu(), 400ms};
    stage.press(guard, speech, {});
    for (std::uint32_t i = 0; i < Talkspurt::kMaxGroups + 3; ++i) {
        crowd.push_back(std::make_unique<Radio>(2 + i, codec::pcmu()));
        stage.talkspurt.add(crowd.back()->endpoint, 2 + i, {.mark = &mark, .mark_for = 2 + i});
    }
    stage.talkspurt.arrange(stage.now);
    stage.say(speech, 0, 10);
    std::size_t silent = 0;
    for (const auto& radio : crowd) silent += radio->hear().empty() ? 1 : 0;
    CHECK(silent == 0);
    CHECK(stage.talkspurt.encoders() == Talkspurt::kMaxGroups);
}

}  // namespace
}  // namespace crosspatch::media
