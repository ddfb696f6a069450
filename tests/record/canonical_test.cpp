#include "crosspatch/record/canonical.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

using namespace crosspatch::record;
using namespace std::literals;
namespace json = boost::json;

namespace {

std::string written(const json::value& value) {
    const auto line = to_canonical(value);
    return line ? *line : "refused: " + line.error().context;
}

bool is_refused(std::string_view line) { return !from_canonical(line).has_value(); }

std::string why(std::string_view line) {
    const auto value = from_canonical(line);
    return value ? "taken" : value.error().context;
}

// A value of every kind that a record may hold, from a seed.
json::value some_value(std::mt19937_64& random, int depth) {
    switch (random() % (depth > 0 ? 6 : 4)) {
        case 0:
            return static_cast<std::int64_t>(random() % (1ULL << 53)) * (random() % 2 ? 1 : -1);
        case 1:
            return random() % 2 == 0;
        case 2: {
            std::string text;
            for (auto n = random() % 12; n > 0; --n) {
                static const char* const kPieces[] = {"a", "\"", "\\", "\n", "\x01", "\x1f",
                                                      "é", "語", "😀",  "/",  "\b",   "\t"};
                text += kPieces[random() % 12];
            }
            return json::value(text);
        }
        case 3:
            return json::value("plain");
        case 4: {
            json::array array;
            for (auto n = random() % 4; n > 0; --n) array.push_back(some_value(random, depth - 1));
            return array;
        }
        default: {
            json::object object;
            for (auto n = random() % 4; n > 0; --n)
                object["k" + std::to_string(random() % 50)] = some_value(random, depth - 1);
            return object;
        }
    }
}

}  // namespace

TEST_CASE("an object is written with its keys in octet order and nothing between") {
    CHECK(written({{"b", 1}, {"a", {true, false, "x"}}, {"B", {{"z", -5}, {"y", json::array{}}}}}) ==
          R"({"B":{"y":[],"z":-5},"a":[true,false,"x"],"b":1})");
}

TEST_CASE("a text is escaped as RFC 8785 says, and only there") {
    CHECK(written(json::string{"\b\t\n\f\r\"\\/\x01\x1f\0 é😀"sv}) ==
          "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\\u0000 é😀\"");
}

TEST_CASE("what a record does not hold is refused with the reason") {
    CHECK(written(1.5).find("fraction") != std::string::npos);
    CHECK(written(nullptr).find("null") != std::string::npos);
    CHECK(written(std::int64_t{1} << 53).find("2^53-1") != std::string::npos);
    CHECK(written(kMaxInteger) == "9007199254740991");
    CHECK(written(-kMaxInteger) == "-9007199254740991");
    CHECK(written(json::object{{"é", 1}}).find("ASCII") != std::string::npos);
    CHECK(written(json::string{"\xc3"}).find("UTF-8") != std::string::npos);
    CHECK(written(json::string{"a\xE2\x80\xA8z"}).find("U+2028") != std::string::npos);
    CHECK(written(json::string{std::string(kMaxRecord, 'x')}).find("longer") != std::string::npos);
    CHECK(to_canonical(json::string{std::string(kMaxRecord - 2, 'x')}).has_value());
}

TEST_CASE("a line that is not canonical is refused at the octet where it is not") {
    CHECK(why(R"({"a":1,"a":2})").find("twice") != std::string::npos);
    CHECK(why(R"({"b":1,"a":2})").find("out of order") != std::string::npos);
    CHECK(why(R"({"a": 1})") == "octet 5: not a value");
    for (const char* line : {"",
                             " 1",
                             "1 ",
                             "01",
                             "-0",
                             "1.0",
                             "1e3",
                             "+1",
                             "9007199254740992",
                             "null",
                             "True",
                             "{\"a\":1",
                             "[1,]",
                             "[1",
                             "{\"a\"}",
                             "{a:1}",
                             "\"\\/\"",
                             "\"\\u0041\"",
                             "\"\\u000A\"",
                             "\"\\u000a\"",
                             "\"\\u001F\"",
                             "\"\n\"",
                             "\"\x7f\"",
                             "\"\xc2\x85\"",
                             "\"\xed\xa0\x80\"",
                             "\"\xc0\xaf\"",
                             "\"\xf4\x90\x80\x80\"",
                             "\"abc",
                             "{\"\":1}",
                             "[1]x",
                             "{\"a b\":1}",
                             "\"\xE2\x80\xAE\""}) {
        CAPTURE(line);
        CHECK(is_refused(line));
    }
    CHECK(is_refused(std::string(17, '[') + std::string(17, ']')));
    CHECK_FALSE(is_refused(std::string(16, '[') + std::string(16, ']')));
    CHECK(is_refused("\"" + std::string(kMaxRecord, 'x') + "\""));
}

TEST_CASE("what is written is read back, and what is read is written the same") {
    std::mt19937_64 random{20260101};
    for (int i = 0; i < 2000; ++i) {
        const auto value = some_value(random, 4);
        const auto line = to_canonical(value);
        REQUIRE(line);
        const auto back = from_canonical(*line);
        REQUIRE_MESSAGE(back.has_value(), *line);
        CHECK(*back == value);
        CHECK(*to_canonical(*back) == *line);
    }
}

TEST_CASE("text that no record holds becomes text that shows what was there") {
    CHECK(presentable("plain é 😀\n\x1b") == "plain é 😀\n\x1b");
    CHECK(presentable("a\xE2\x80\xA8z\xC2\x9B\x7f\xE2\x80\xAE") == "a\\u2028z\\u009b\\u007f\\u202e");
    CHECK(presentable("\xff\xc3(") == "\\xff\\xc3(");
    json::value value{{"a", {"x\xff", {{"b", "\xE2\x80\xA9"}}}}};
    make_presentable(value);
    CHECK(written(value) == R"({"a":["x\\xff",{"b":"\\u2029"}]})");
}
