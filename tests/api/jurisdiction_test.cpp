#include <doctest/doctest.h>

#include "tests/api/bench.hpp"

namespace crosspatch::api::tests {
namespace {

const std::string kRights = "/api/v1/bridges/joint/jurisdiction";

TEST_CASE("who may what on a bridge is asked of everybody there, or of an agency and a role") {
    Desk desk;
    CHECK(desk.get(kRights).status == 200);
    CHECK_FALSE(desk.daemon.whom.agency);
    CHECK_FALSE(desk.daemon.whom.role);
    CHECK(desk.get(kRights + "?agency=metro-pd&role=officer").status == 200);
    CHECK(desk.daemon.whom.agency == "metro-pd");
    CHECK(desk.daemon.whom.role == "officer");
    CHECK(desk.post(kRights).status == 405);
}

TEST_CASE("a bridge that one may not see has no rights either, and a role that is none is said") {
    Desk desk;
    desk.daemon.verdict =
        core::unexpected(core::Error::Code::NotFound, "there is no bridge 'joint' of metro-pd");
    const Answer hidden = desk.get(kRights);
    CHECK(hidden.status == 404);
    CHECK(hidden.body.find("metro-pd") == std::string::npos);
    desk.daemon.verdict = core::unexpected(core::Error::Code::Invalid, "there is no such role");
    CHECK(desk.get(kRights + "?role=king").status == 422);
}

}  // namespace
}  // namespace crosspatch::api::tests
