#include "crosspatch/core/rfc3339.hpp"

#include <doctest/doctest.h>

using namespace crosspatch::core;

namespace {

// What was read, written again in UTC.
std::string read(std::string_view text) {
    const auto time = parse_rfc3339(text);
    return time ? rfc3339(*time) : "no time";
}

}  // namespace

TEST_CASE("a time is read with Z or an offset, with a fraction or without") {
    CHECK(read("2026-12-24T23:30:00-06:00") == "2026-12-25T05:30:00.000000000Z");
    CHECK(read("2026-12-24T23:30:00Z") == "2026-12-24T23:30:00.000000000Z");
    CHECK(read("2026-07-01T00:15:00+05:45") == "2026-06-30T18:30:00.000000000Z");
    CHECK(read("2026-07-01T00:00:00.5Z") == "2026-07-01T00:00:00.500000000Z");
    CHECK(read("2026-07-01T00:00:00.1234567899Z") == "2026-07-01T00:00:00.123456789Z");
    CHECK(read("2028-02-29T23:59:60Z") == "2028-03-01T00:00:00.000000000Z");
    CHECK(read("1970-01-01T00:00:00+23:59") == "1969-12-31T00:01:00.000000000Z");
    CHECK(read("2261-12-31T23:59:59-23:59") == "2262-01-01T23:58:59.000000000Z");
}

TEST_CASE("what is no time, or could mean two, is not read") {
    for (const auto* text : {"",
                             "2026",
                             "2026-12-24",
                             "2026-12-24T23:30:00",
                             "2026-12-24T23:30Z",
                             "2026-12-24 23:30:00Z",
                             "2026-12-24t23:30:00z",
                             "2026-12-24T23:30:00 Z",
                             "2026-12-24T23:30:00.Z",
                             "2026-12-24T23:30:00-6:00",
                             "2026-12-24T23:30:00-0600",
                             "2026-12-24T23:30:00-06:60",
                             "2026-12-24T23:30:00+24:00",
                             "2026-02-29T00:00:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "2026-12-24T24:00:00Z",
                             "2026-12-24T23:60:00Z",
                             "2026-12-24T23:30:61Z",
                             "1969-12-31T00:00:00Z",
                             "2262-01-01T00:00:00Z",
                             "2026-12-24T23:30:00ZZ",
                             "2O26-12-24T23:30:00Z",
                             "+026-12-24T23:30:00Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rfc3339(text));
    }
}
