#include "crosspatch/core/time_text.hpp"

#include <doctest/doctest.h>

using namespace crosspatch::core;

TEST_CASE("a time that was written is read again, fractions to the second") {
    for (const char* text : {"1970-01-01T00:00:00Z", "2026-11-22T16:02:40Z", "2028-02-29T23:59:59Z"}) {
        const auto time = from_rfc3339(text);
        REQUIRE(time);
        CHECK(rfc3339(*time, 0) == text);
    }
    CHECK(from_rfc3339("2026-11-22T16:02:40.999Z") == from_rfc3339("2026-11-22T16:02:40Z"));
    CHECK(from_rfc3339("2026-11-22T16:02:60Z") == from_rfc3339("2026-11-22T16:03:00Z"));
}

TEST_CASE("what is not a time in UTC is none") {
    for (const char* text :
         {"", "now", "2026-11-22", "2026-11-22T16:02:40", "2026-11-22T16:02:40z", "2026-11-22T16:02:40+00:00",
          "2026-11-31T16:02:40Z", "2026-13-01T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T16:60:00Z",
          "1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "2026-11-22 16:02:40Z", "-026-11-22T16:02:40Z",
          "2026-11-22T16:02:40.5", "2026-11-22T16:02:40.5ZZ"}) {
        CAPTURE(text);
        CHECK_FALSE(from_rfc3339(text));
    }
}
