#include <doctest/doctest.h>

#include "tests/api/bench.hpp"

namespace crosspatch::api::tests {
namespace {

std::string remove(Desk& desk, const std::string& target) {
    return desk.link().ask("DELETE " + target + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").body;
}

const std::string kConsents = "/api/v1/bridges/joint/consents";

TEST_CASE("a consent is given and taken back, and the answer says whether it is on disk") {
    for (const bool on_disk : {true, false}) {
        Desk desk;
        desk.daemon.on_disk = on_disk;
        const std::string kept = on_disk ? R"("kept":true)" : R"("kept":false)";
        const auto began = std::chrono::steady_clock::now();
        CHECK(desk.post(kConsents).body.find(kept) != std::string::npos);
        CHECK(remove(desk, kConsents).find(kept) != std::string::npos);
        CHECK(std::chrono::steady_clock::now() - began < 10s);  // a disk that hangs is not waited for
        CHECK(desk.get("/api/v1/bridges/joint/terms").status == 200);
    }
}

TEST_CASE("a refused consent is answered as it was decided, and put on record by who decided") {
    Desk desk;
    desk.daemon.visible = {boost::json::object{{"id", "joint"}}};
    desk.daemon.verdict = core::unexpected(core::Error::Code::Invalid, "the signature is not that of 'a'");
    CHECK(desk.post(kConsents).status == 422);
    desk.daemon.verdict = core::unexpected(core::Error::Code::NotPermitted, "pat may not consent");
    CHECK(desk.post(kConsents).status == 403);
    CHECK(desk.daemon.noted().empty());
    // A revocation is decided on the API's own thread: what was refused of it, the API puts on record.
    CHECK(remove(desk, kConsents).find("pat may not consent") != std::string::npos);
    const auto noted = desk.daemon.noted();
    REQUIRE(noted.size() == 1);
    CHECK(noted[0].type == "auth.denied");
}

TEST_CASE("keys are listed and rotated, and who may not know of an agency hears of none") {
    Desk desk;
    desk.daemon.visible = {boost::json::object{{"id", "metro-pd"}}};
    CHECK(desk.get("/api/v1/keys").body.find("metro-pd") != std::string::npos);
    CHECK(desk.get("/api/v1/keys/metro-pd").status == 200);
    CHECK(desk.post("/api/v1/keys/metro-pd/rotate").body.find(R"("kept":true)") != std::string::npos);
    desk.daemon.verdict = core::unexpected(core::Error::Code::Invalid, "metro-pd keeps its key itself");
    CHECK(desk.post("/api/v1/keys/metro-pd/rotate").status == 422);
    CHECK(desk.daemon.noted().empty());
    desk.daemon.verdict = core::unexpected(core::Error::Code::NotPermitted, "pat may not");
    CHECK(desk.post("/api/v1/keys/metro-pd/rotate").status == 403);
    CHECK(desk.daemon.noted().size() == 1);
    desk.daemon.visible = {};
    CHECK(desk.post("/api/v1/keys/metro-pd/rotate").status == 404);
    CHECK(desk.get("/api/v1/keys/metro-pd").status == 404);
}

TEST_CASE("a bridge that one may not see has neither terms nor consents") {
    Desk desk;
    desk.daemon.admit(person("northgate", "dispatcher"));
    desk.daemon.verdict =
        core::unexpected(core::Error::Code::NotFound, "there is no bridge 'joint' of metro-pd");
    for (const Answer& answer : {desk.post(kConsents), desk.get("/api/v1/bridges/joint/terms")}) {
        CHECK(answer.status == 404);
        CHECK(answer.body.find("metro-pd") == std::string::npos);
    }
}

}  // namespace
}  // namespace crosspatch::api::tests
