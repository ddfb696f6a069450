#include "crosspatch/api/actor.hpp"

#include <doctest/doctest.h>

namespace crosspatch::api {
namespace {

using boost::json::object;

bool concerns_northgate(const object& record) {
    return concerns(record, {.uid = 1000, .name = "pat", .agency = "northgate", .role = "auditor"},
                    [](std::string_view channel) { return channel.starts_with("ng-"); });
}

}  // namespace

TEST_CASE("a record concerns an agency by one of its channels, or because the agency caused it") {
    CHECK(concerns_northgate({{"object", object{{"channel", "ng-ops"}}}}));
    CHECK(concerns_northgate({{"object", object{{"channel", "pd-tac"}, {"to_channel", "ng-ops"}}}}));
    CHECK(concerns_northgate({{"object", object{{"channels", {"pd-tac", "ng-ops"}}}}}));
    CHECK(concerns_northgate({{"actor", object{{"agency", "northgate"}}}, {"object", object{}}}));
}

TEST_CASE("what names none of its channels does not concern an agency, whatever else it is") {
    CHECK_FALSE(concerns_northgate({{"object", object{{"channel", "pd-tac"}, {"channels", {"pd-tac"}}}}}));
    CHECK_FALSE(concerns_northgate({{"actor", object{{"agency", "metro-pd"}}}, {"object", object{}}}));
    CHECK_FALSE(concerns_northgate({{"type", "heartbeat"}}));
    CHECK_FALSE(concerns_northgate({{"object", "ng-ops"}, {"actor", "northgate"}}));
    CHECK_FALSE(concerns_northgate({{"object", object{{"channels", "ng-ops"}, {"channel", 1}}}}));
}

TEST_CASE("everything concerns a person without an agency") {
    const Actor root{.uid = 0, .name = "root", .agency = "", .role = "administrator"};
    CHECK(concerns({{"type", "heartbeat"}}, root, [](std::string_view) { return false; }));
}

}  // namespace crosspatch::api
