#include "crosspatch/codec/rates.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crosspatch/codec/decoder.hpp"
#include "crosspatch/codec/encoder.hpp"
#include "tests/codec/voice.hpp"

using namespace crosspatch::codec;
using crosspatch::tests::every_format;

namespace {

Format opus_at(std::uint32_t rate) {
    Format format = opus();
    format.rate = rate;
    return format;
}

// In kHz: `16` where decoder and encoder agree, `48>8` where a resampler must help.
std::string path(const Format& from, const Format& to) {
    const Rates rates = working_rates(from, to);
    CHECK(decode_rate(from, to) == rates.decode);
    CHECK(encode_rate(from, to) == rates.encode);
    const std::string decode = std::to_string(rates.decode / 1000);
    return rates.resampled() ? decode + ">" + std::to_string(rates.encode / 1000) : decode;
}

std::vector<Format> with_every_opus() {
    std::vector<Format> all = every_format();
    for (const std::uint32_t rate : {8000U, 12000U, 24000U, 48000U}) all.push_back(opus_at(rate));
    return all;
}

}  // namespace

TEST_CASE(
    "every pair of codecs works at the narrow rate, and only fixed rates that differ need a resampler") {
    const std::vector<Format> formats{opus_at(8000),  opus_at(12000), opus_at(16000), opus_at(24000),
                                      opus_at(48000), pcmu(),         g722(),         l16(8000),
                                      l16(16000),     l16(48000)};
    const std::vector<std::string> names{"opus8",  "opus12", "opus16", "opus24", "opus48",
                                         "narrow", "g722",   "l16/8",  "l16/16", "l16/48"};
    // A row for each talker, a column for each listener, in the order of `formats`.
    const std::vector<std::vector<std::string>> table{
        {"8", "8", "8", "8", "8", "8", "8", "8", "16", "48"},                 // opus 8
        {"8", "12", "12", "12", "12", "8", "16", "8", "16", "48"},            // opus 12
        {"8", "12", "16", "16", "16", "8", "16", "8", "16", "48"},            // opus 16
        {"8", "12", "16", "24", "24", "8", "16", "8", "16", "48"},            // opus 24
        {"8", "12", "16", "24", "48", "8", "16", "8", "16", "48"},            // opus 48
        {"8", "8", "8", "8", "8", "8", "8", "8", "8>16", "8>48"},             // pcmu, pcma, gsm, codec2
        {"8", "16", "16", "16", "16", "8", "16", "8", "16", "16>48"},         // g722
        {"8", "8", "8", "8", "8", "8", "8", "8", "8>16", "8>48"},             // l16/8000
        {"16", "16", "16", "16", "16", "16>8", "16", "16>8", "16", "16>48"},  // l16/16000
        {"48", "48", "48", "48", "48", "48>8", "48>16", "48>8", "48>16", "48"},
    };
    for (std::size_t from = 0; from < formats.size(); ++from)
        for (std::size_t to = 0; to < formats.size(); ++to) {
            CAPTURE(names[from]);
            CAPTURE(names[to]);
            CHECK(path(formats[from], formats[to]) == table[from][to]);
        }
    for (const Format& narrow : {pcma(), gsm(), codec2(Codec2Mode::Mode3200), codec2(Codec2Mode::Mode1200)})
        for (const Format& other : with_every_opus()) {
            CHECK(working_rates(narrow, other) == working_rates(pcmu(), other));
            CHECK(working_rates(other, narrow) == working_rates(other, pcmu()));
        }
}

TEST_CASE("no pair of codecs loses band that both carry, and each works at a rate that its codec takes") {
    for (const Format& from : with_every_opus())
        for (const Format& to : with_every_opus()) {
            CAPTURE(from.name());
            CAPTURE(to.name());
            const Rates rates = working_rates(from, to);
            CHECK(rates.decode >= std::min(from.rate, to.rate));
            CHECK(rates.encode >= std::min(from.rate, to.rate));
            CHECK(std::ranges::count(own_rates(from), rates.decode) == 1);
            CHECK(std::ranges::count(own_rates(to), rates.encode) == 1);
        }
}

TEST_CASE("decoders and encoders take the rates that the table is made of") {
    for (const Format& format : every_format()) {
        CHECK(std::ranges::equal(make_decoder(format)->rates(), own_rates(format)));
        CHECK(std::ranges::equal(make_encoder(format)->rates(), own_rates(format)));
        CHECK(std::ranges::is_sorted(own_rates(format)));
    }
}
