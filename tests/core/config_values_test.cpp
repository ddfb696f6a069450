#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <optional>
#include <string>

#include "crosspatch/core/config.hpp"
#include "tests/core/config_reading.hpp"

using namespace crosspatch::core;
using namespace crosspatch::tests;
using namespace std::chrono_literals;

namespace {

enum class Codec { Opus, Pcmu, G722 };
constexpr std::array<config::Word, 3> kCodecs{{{"opus", 0}, {"pcmu", 1}, {"g722", 2}}};

std::string only_complaint(const Reading& reading) {
    const std::string all = reading.complaints();
    return all.substr(std::min(all.find("v: ") + 3, all.size()));
}

// What a reader makes of `v: TEXT`: its value, or its complaint.
template <typename Read>
std::string read(std::string_view text, Read reader) {
    const Reading reading{"v: " + std::string{text} + "\n"};
    if (!reading.problems.empty()) return "not YAML: " + reading.complaints();
    const auto value = reader(reading.at("v"));
    if (value) CHECK(reading.problems.empty());
    return value ? *value : only_complaint(reading);
}

std::string port(std::string_view text) {
    return read(text, [](const config::Node& node) -> std::optional<std::string> {
        const auto value = config::integer(node, 1, 65'535);
        return value ? std::optional{std::to_string(*value)} : std::nullopt;
    });
}

std::string duration(std::string_view text) {
    return read(text, [](const config::Node& node) -> std::optional<std::string> {
        const auto value = config::duration(node, 20ms, 8h);
        return value ? std::optional{std::to_string(value->count())} : std::nullopt;
    });
}

std::string boolean(std::string_view text) {
    return read(text, [](const config::Node& node) -> std::optional<std::string> {
        const auto value = config::boolean(node);
        return value ? std::optional<std::string>{*value ? "yes" : "no"} : std::nullopt;
    });
}

std::string decibels(std::string_view text) {
    return read(text, [](const config::Node& node) -> std::optional<std::string> {
        const auto value = config::decibels(node, -60, 20);
        return value ? std::optional{std::to_string(*value)} : std::nullopt;
    });
}

std::string address(std::string_view text, bool any_port = false) {
    return read(text, [&](const config::Node& node) -> std::optional<std::string> {
        const auto value = any_port ? config::listen_address(node) : config::address(node);
        return value ? std::optional{value->to_string()} : std::nullopt;
    });
}

std::string codec(std::string_view text) {
    return read(text, [](const config::Node& node) -> std::optional<std::string> {
        const auto value = config::choice_of<Codec>(node, "codec", kCodecs);
        return value ? std::optional{std::to_string(static_cast<int>(*value))} : std::nullopt;
    });
}

std::string meant(std::string_view word) {
    constexpr std::array<std::string_view, 8> kKnown{"codec", "channels", "id",         "max_talk",
                                                     "on",    "off",      "preemption", "name"};
    return std::string{config::nearest(word, kKnown).value_or("nothing")};
}

}  // namespace

TEST_CASE("a whole number is plain decimal digits in range") {
    CHECK(port("1") == "1");
    CHECK(port("65535") == "65535");
    CHECK(port("0") == "'0' is out of range; from 1 to 65535");
    CHECK(port("65536") == "'65536' is out of range; from 1 to 65535");
    CHECK(port("4294967300") == "'4294967300' is out of range; from 1 to 65535");
    CHECK(port("99999999999999999999999") == "'99999999999999999999999' is out of range; from 1 to 65535");
}

// bad-input.md, 76
TEST_CASE("what some YAML readers would take for a number is none") {
    for (const char* text : {"-1", "+1", "0x138C", "5e3", "011614", "00", "0o17", "0b1", "1_000", "1,000",
                             "83:24", "yes", ".nan", ".inf", "1.0", "1.", "５０", "'' "}) {
        CAPTURE(text);
        CHECK(port(text).find("is not a whole number; write decimal digits only, from 1 to 65535") !=
              std::string::npos);
    }
    CHECK(port("'5004'") == "'5004' is quoted; write the number without quotes");
    CHECK(port("") == "a value is missing here");
    CHECK(port("[1]") == "a single value belongs here, not a list");
}

TEST_CASE("the largest number there is can be asked for") {
    const Reading reading{"v: 9223372036854775807\nw: 9223372036854775808\n"};
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    CHECK(config::integer(reading.at("v"), 0, kMost) == kMost);
    CHECK_FALSE(config::integer(reading.at("w"), 0, kMost - 1));
}

TEST_CASE("true and false are the only truths") {
    CHECK(boolean("true") == "yes");
    CHECK(boolean("false") == "no");
    for (const char* text : {"True", "TRUE", "yes", "no", "on", "off", "1", "0", "y"}) {
        CHECK(boolean(text) == '\'' + std::string{text} + "' is neither true nor false");
    }
    CHECK(boolean("'true'") == "'true' is quoted; write true or false without quotes");
}

TEST_CASE("a duration has a unit") {
    CHECK(duration("250ms") == "250");
    CHECK(duration("30s") == "30000");
    CHECK(duration("10m") == "600000");
    CHECK(duration("8h") == "28800000");
    CHECK(duration("30") == "'30' has no unit; write ms, s, m or h after the number, such as 250ms or 30s");
    for (const char* text :
         {"30 s", "s", "-1s", "+1s", "1.5s", "1e3ms", "030s", "30S", "30sec", "1h30m", "1d", "30s s"}) {
        CAPTURE(text);
        CHECK(duration(text).find("is not a duration; write a whole number and ms, s, m or h") !=
              std::string::npos);
    }
}

TEST_CASE("a duration out of range says the range in its own units") {
    CHECK(duration("19ms") == "'19ms' is out of range; from 20ms to 8h");
    CHECK(duration("9h") == "'9h' is out of range; from 20ms to 8h");
    CHECK(duration("9223372036854775807h") == "'9223372036854775807h' is out of range; from 20ms to 8h");
    CHECK(duration("99999999999999999999h") == "'99999999999999999999h' is out of range; from 20ms to 8h");
    CHECK(duration("0s") == "'0s' is out of range; from 20ms to 8h");
}

TEST_CASE("a level is a number and dB") {
    CHECK(decibels("-6dB") == "-6.000000");
    CHECK(decibels("0dB") == "0.000000");
    CHECK(decibels("1.5dB") == "1.500000");
    CHECK(decibels("+3dB") == "3.000000");
    CHECK(decibels("21dB") == "'21dB' is out of range; from -60dB to 20dB");
    for (const char* text : {"-6", "dB", "-dB", "6 dB", "6db", "1e1dB", ".5dB", "5.dB", "--6dB", "infdB",
                             "nandB", "0x1dB", "06dB", "1.2.3dB", "9999999999dB"}) {
        CAPTURE(text);
        CHECK(decibels(text).find("is not a level; write a number and dB") != std::string::npos);
    }
}

TEST_CASE("addresses are numbers, and IPv6 is quoted") {
    CHECK(address("127.0.0.1:40000") == "127.0.0.1:40000");
    CHECK(address("'[2001:db8::1]:40010'") == "[2001:db8::1]:40010");
    CHECK(address("127.0.0.1:0").find("a port from 1 to 65535") != std::string::npos);
    CHECK(address("127.0.0.1:0", true) == "127.0.0.1:0");
    CHECK(address("127.0.0.1") ==
          "'127.0.0.1' is not an address and port; the port is missing: 192.0.2.1:40000");
    CHECK(address("radio.example:5004").find("write numbers, not names") != std::string::npos);
    CHECK(address("2001:db8::1:40010").find("an IPv6 address stands in brackets and quotes") !=
          std::string::npos);
    CHECK(address("[a, b]") ==
          "an address and port belongs here; an IPv6 address is quoted: '[2001:db8::1]:40000'");
    CHECK(address("[2001:db8::1]:40010").find("an IPv6 address is quoted") != std::string::npos);
}

TEST_CASE("a word is one of those known, or the nearest is named") {
    CHECK(codec("opus") == "0");
    CHECK(codec("'g722'") == "2");
    CHECK(codec("opuss") == "'opuss' is not a codec; did you mean 'opus'?");
    CHECK(codec("OPUS") == "'OPUS' is not a codec; did you mean 'opus'?");
    CHECK(codec("pmcu") == "'pmcu' is not a codec; did you mean 'pcmu'?");
    CHECK(codec("amr") == "'amr' is not a codec; one of opus, pcmu, g722");
    const Reading reading{"v: x\n"};
    CHECK_FALSE(config::choice(reading.at("v"), "endpoint type", kCodecs));
    CHECK(only_complaint(reading) == "'x' is not an endpoint type; one of opus, pcmu, g722");
}

TEST_CASE("the nearest word is near enough to have been meant") {
    CHECK(meant("codek") == "codec");
    CHECK(meant("coedc") == "codec");
    CHECK(meant("Codec") == "codec");
    CHECK(meant("channel") == "channels");
    CHECK(meant("max-talk") == "max_talk");
    CHECK(meant("pre_emption") == "preemption");
    CHECK(meant("nmae") == "name");
    CHECK(meant("di") == "id");
    CHECK(meant("x") == "nothing");
    CHECK(meant("") == "nothing");
    CHECK(meant("floor") == "nothing");
    CHECK(meant("video") == "nothing");
    CHECK(meant(std::string(100'000, 'c')) == "nothing");
}

TEST_CASE("identifiers and names are checked where they stand") {
    const Reading reading{"a: ng-ops\nb: NG_Ops\nc: \"Cafe\\u0301\"\nd: \"x\\u202Ey\"\n"};
    CHECK(config::identifier(reading.at("a")) == "ng-ops");
    CHECK_FALSE(config::identifier(reading.at("b")));
    CHECK(config::display_name(reading.at("c")) == "Caf\u00e9");
    CHECK_FALSE(config::display_name(reading.at("d")));
    CHECK(reading.complaints() ==
          "2:4: b: 'NG_Ops' is not an identifier; 1 to 32 of a-z, 0-9 and '-'\n"
          "4:4: d: the name has an invisible character or one that turns the direction of writing (U+202E) "
          "as character 2; "
          "leave it out");
}
