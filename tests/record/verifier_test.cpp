#include "crosspatch/record/verifier.hpp"

#include <doctest/doctest.h>

#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;

TEST_CASE("a verification that is told to stop has no verdict") {
    Directory directory;
    write_log(directory.path(), 10);
    std::stop_source source;
    CHECK(Verifier{directory.path()}.run(source.get_token()));
    source.request_stop();
    const auto stopped = Verifier{directory.path()}.run(source.get_token());
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == core::Error::Code::Unavailable);
}
