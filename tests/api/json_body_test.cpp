#include "src/api/json_body.hpp"

#include <doctest/doctest.h>

namespace crosspatch::api {
namespace {

std::string refusal(std::string_view text) {
    const auto body = read_body(text);
    return body ? "" : body.error().context;
}

TEST_CASE("a body is one JSON object, whose keys stand once and whose numbers end") {
    CHECK(read_body(R"({"reason":"incident over","n":[1,{"a":1},{"a":2}]})")->size() == 2);
    CHECK(refusal(R"({"a":1,"b":{"a":1}})") == "");
    CHECK(refusal(R"({"a":1,"a":1})") == "a key stands twice in the body");
    CHECK(refusal(R"({"b":{"a":1,"c":2,"a":3}})") == "a key stands twice in the body");
    CHECK(refusal(R"({"a":1e99999})") == "a number in the body is larger than any");
    for (const char* text : {"", "[]", "1", "{", R"({"a":)", R"({"a":1}})", "{} {}", "{a:1}", "\xFF"})
        CHECK(refusal(text) == "the body is not a JSON object");
}

TEST_CASE("keys without end and depth without end are refused before anything is built of them") {
    std::string many = "{";
    for (int i = 0; i < 1001; ++i) many += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":0";
    CHECK(refusal(many + "}") == "the body has more keys than any request needs");
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += R"({"a":)";
    CHECK_FALSE(refusal(deep).empty());
}

}  // namespace
}  // namespace crosspatch::api
