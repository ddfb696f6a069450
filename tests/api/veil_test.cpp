#include "crosspatch/api/veil.hpp"

#include <doctest/doctest.h>

using namespace crosspatch::api;
namespace json = boost::json;

namespace {

json::object parsed(const char* text) { return json::parse(text).as_object(); }
const char* kRecord =
    R"({"type": "floor.denied", "actor": {"agency": "ng", "principal": "unit-7", "role": "guard"},
    "source": {"device": "gate-1"}, "object": {"kind": "endpoint", "id": "gate-1", "channel": "gate-1"},
    "detail": {"reason": "unit-7 (gate-1), not unit-77", "by_talker": "unit-42", "claimed": {"user_id": "sip:bob@x"},
    "pseudonyms": {"pd": {"unit-7": "XRBQIGIQ", "gate-1": "XRBQIGIQ"}, "ng": {"unit-42": "AAAAAAAA"}}}})";

}  // namespace

TEST_CASE(
    "the other agency sees pseudonyms for whole words, and nothing that was claimed or measured of the "
    "radio") {
    json::object record = parsed(kRecord);
    veil(record, "pd", false);
    CHECK(record == parsed(R"({"type": "floor.denied",
        "actor": {"agency": "ng", "principal": "XRBQIGIQ", "role": "guard"},
        "object": {"kind": "endpoint", "id": "XRBQIGIQ", "channel": "gate-1"},
        "detail": {"reason": "XRBQIGIQ (XRBQIGIQ), not unit-77", "by_talker": "unit-42", "claimed": {}}})"));
}

TEST_CASE("the own agency sees its names and what stands for them elsewhere, and pseudonyms of others") {
    json::object record = parsed(kRecord);
    REQUIRE(caused_by(record, "ng"));
    veil(record, "ng", true);
    CHECK(record.at("actor").at("principal") == "unit-7");
    CHECK(record.at("detail").at("by_talker") == "AAAAAAAA");
    CHECK(record.at("detail").at("pseudonyms") ==
          json::value(parsed(R"({"pd": {"unit-7": "XRBQIGIQ", "gate-1": "XRBQIGIQ"}})")));
    CHECK(record.at("detail").at("claimed").at("user_id") == "sip:bob@x");
}

TEST_CASE("a third agency learns nothing of pseudonyms, and a person without an agency sees all") {
    json::object record = parsed(kRecord);
    veil(record, "fire", false);
    CHECK(record.at("actor").at("principal") == "unit-7");  // not hidden from it
    CHECK_FALSE(record.at("detail").as_object().contains("pseudonyms"));
    record = parsed(kRecord);
    veil(record, "", false);
    CHECK(record == parsed(kRecord));
}

TEST_CASE("a talkspurt of the API, which has no detail, is veiled as well") {
    json::object talkspurt = parsed(R"({"talker": "unit-7", "endpoint": "gate-1", "channel": "ops",
        "pseudonyms": {"pd": {"unit-7": "XRBQIGIQ", "gate-1": "XRBQIGIQ"}}})");
    veil(talkspurt, "pd", false);
    CHECK(talkspurt == parsed(R"({"talker": "XRBQIGIQ", "endpoint": "XRBQIGIQ", "channel": "ops"})"));
}

TEST_CASE("what of the hidden names stands in a record is found, for each agency that may not know it") {
    const json::object hidden = parsed(R"({"pd": {"unit-7": "P", "unit-8": "Q"}, "fire": {"unit-9": "R"}})");
    const json::object actor = parsed(R"({"principal": "unit-7", "role": "unit-8"})");
    const json::object detail = parsed(R"({"listeners": ["a", "unit-9"], "text": "not unit-80"})");
    CHECK(named_in(hidden, {&actor, &detail}) ==
          parsed(R"({"pd": {"unit-7": "P"}, "fire": {"unit-9": "R"}})"));
    CHECK(named_in(hidden, {}).empty());
}
