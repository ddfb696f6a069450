#include "crosspatch/app/orders.hpp"

#include <doctest/doctest.h>

#include <span>
#include <vector>

namespace crosspatch::app {
namespace {

using namespace std::chrono_literals;
using Standing = bridge::Exchange::Standing;
constexpr core::WallTime kWall{std::chrono::hours{400'000}};
constexpr core::Time kMono{1000h};

rtp::MasterKey key(int seed) {
    std::vector<std::byte> octets(44);
    for (std::size_t i = 0; i < octets.size(); ++i)
        octets[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(seed));
    return *rtp::MasterKey::make(rtp::Suite::Aes256Gcm, core::Secret{octets});
}

endpoint::Config radio(const std::string& id, int receive, int send) {
    endpoint::Config config;
    config.settings.id = id;
    rtp::SrtpSettings srtp;
    if (receive > 0) srtp.receive.push_back(key(receive));
    if (send > 0) srtp.send = key(send);
    config.srtp = std::make_shared<const rtp::SrtpSettings>(std::move(srtp));
    return config;
}

Orders again(const Orders& orders) {
    const auto read = Orders::parse(orders.text(), kWall, kMono);
    REQUIRE(read);
    return *read;
}

TEST_CASE("a revoked radio stays revoked until it has other keys, whatever it is called") {
    Orders orders;
    orders.revoke(radio("car", 1, 2));
    for (const Orders& one : {orders, again(orders)}) {
        CHECK(one.standing(radio("car", 1, 2)) == Standing::Revoked);
        CHECK(one.standing(radio("van", 1, 3)) == Standing::Revoked);
        CHECK(one.standing(radio("van", 3, 2)) == Standing::Revoked);
        CHECK(one.standing(radio("car", 3, 4)) == Standing::Enabled);
    }
    CHECK_FALSE(orders.enable(radio("car", 1, 2)));
    CHECK(orders.standing(radio("car", 1, 2)) == Standing::Revoked);
    CHECK(orders.standing(radio("car", 1, 2)) == Standing::Revoked);
}

TEST_CASE("a radio without keys is revoked by its name, and may be enabled again") {
    Orders orders;
    orders.revoke(radio("car", 0, 0));
    CHECK(again(orders).standing(radio("car", 0, 0)) == Standing::Revoked);
    CHECK(orders.standing(radio("van", 0, 0)) == Standing::Enabled);
    CHECK(orders.enable(radio("car", 0, 0)));
    CHECK(orders.standing(radio("car", 0, 0)) == Standing::Enabled);
}

TEST_CASE(
    "a raised label is kept with the time that is left of it, and a clock that is wrong does not shorten "
    "it") {
    const RaisedLabel red{.label = policy::Sensitivity::Red,
                          .at = kWall - 10min,
                          .at_mono = kMono - 10min,
                          .lasts = 30min,
                          .by = "smith"};
    Orders orders;
    orders.raise("ops", red);
    orders.raise("tac",
                 {.label = policy::Sensitivity::AmberStrict, .at = kWall, .at_mono = kMono, .by = "jones"});
    const Orders kept = again(orders);
    CHECK(kept == orders);
    CHECK_FALSE(kept.labels().at("ops").over(kMono + 19min));
    CHECK(kept.labels().at("ops").over(kMono + 20min));
    CHECK_FALSE(kept.labels().at("tac").over(kMono + 10000h));
    // Restarted five hours later, by another monotonic clock; and with a clock that is behind.
    const auto later = Orders::parse(orders.text(), kWall + 5h, core::Time{1min});
    REQUIRE(later);
    CHECK(later->labels().at("ops").over(core::Time{1min}));
    const auto behind = Orders::parse(orders.text(), kWall - 5h, core::Time{1min});
    REQUIRE(behind);
    CHECK_FALSE(behind->labels().at("ops").over(core::Time{30min}));
    CHECK(behind->labels().at("ops").over(core::Time{31min}));
    orders.lower("ops");
    orders.lower("tac");
    CHECK(again(orders).labels().empty());
    // What a version without labels has written.
    CHECK(
        Orders::parse(R"({"disabled": [], "revoked": [], "revoked_keys": [], "bridges": {}})", kWall, kMono));
    for (const char* wrong :
         {R"("PINK", "at_ns": 1, "by": "x")", R"("RED", "at_ns": "1", "by": "x")",
          R"("RED", "at_ns": 1, "by": 2)", R"("RED", "at_ns": 1, "by": "x", "lasts_ms": "1")"})
        CHECK_FALSE(
            Orders::parse(std::string{R"({"disabled": [], "revoked": [], "revoked_keys": [], "bridges": {},
                                               "labels": {"ops": {"label": )"} +
                              wrong + "}}}",
                          kWall, kMono));
}

TEST_CASE("a disabled radio stays off over a restart until it is enabled") {
    Orders orders;
    orders.disable(radio("car", 1, 2));
    CHECK(again(orders).standing(radio("car", 1, 2)) == Standing::Disabled);
    CHECK(orders.standing(radio("van", 1, 2)) == Standing::Enabled);
    CHECK(orders.enable(radio("car", 1, 2)));
    CHECK(orders.standing(radio("car", 1, 2)) == Standing::Enabled);
}

TEST_CASE("a bridge's last command keeps its age over a restart") {
    Orders orders;
    orders.command("joint", {.open = true, .at = kWall - 2h, .at_mono = kMono - 1h, .by = "pat"});
    const Orders read = again(orders);
    REQUIRE(read.bridge("joint"));
    CHECK(*read.bridge("joint") ==
          bridge::BridgeCommand{.open = true, .at = kWall - 2h, .at_mono = kMono - 2h, .by = "pat"});
    CHECK(read.bridge("other") == nullptr);
    SUBCASE("the wall clock has gone back behind it: long ago") {
        const auto early = Orders::parse(orders.text(), kWall - 3h, kMono);
        REQUIRE(early);
        CHECK(early->bridge("joint")->at_mono < kMono - 1000h);
    }
    SUBCASE("a bridge that has left the configuration is open no more, one that was closed stays closed") {
        orders.command("other", {.open = false, .at = kWall, .at_mono = kMono, .by = "pat"});
        orders.keep_open_only({"third"});
        CHECK(orders.bridge("joint") == nullptr);
        CHECK(orders.bridge("other"));
    }
}

TEST_CASE("a request that waits, and a bridge that was made, are there after a restart") {
    Orders orders;
    orders.command("joint",
                   {.open = true, .at = kWall - 1min, .at_mono = kMono - 1min, .by = "pat", .waits = 15min});
    orders.make("incident-1", {"incident", {"ng-ops", "pd-tac"}, kWall - 2h, "pat"});
    const Orders kept = again(orders);
    CHECK(kept == orders);
    CHECK(kept.bridge("joint")->waiting(kMono + 13min));
    CHECK_FALSE(kept.bridge("joint")->waiting(kMono + 14min));
    CHECK(kept.made().at("incident-1").channels == std::vector<std::string>{"ng-ops", "pd-tac"});
    orders.unmake("incident-1");
    CHECK(again(orders).made().empty());
    const std::string head = R"({"disabled": [], "revoked": [], "revoked_keys": [], "bridges": {}, "made": )";
    CHECK(Orders::parse(head + "{}}", kWall, kMono));
    for (const char* wrong :
         {"[]", "7", R"({"a": 1})", R"({"a": {"template": "t", "channels": ["x"], "at_ns": 1}})",
          R"({"a": {"template": "t", "channels": "x", "at_ns": 1, "by": "p"}})",
          R"({"a": {"template": "t", "channels": [1], "at_ns": 1, "by": "p"}})",
          R"({"a": {"template": 1, "channels": ["x"], "at_ns": 1, "by": "p"}})"})
        CHECK_FALSE(Orders::parse(head + wrong + "}", kWall, kMono));
    std::string many = "{";
    for (std::size_t i = 0; i <= Orders::kMostMade; ++i)
        many += (i ? "," : "") + std::string{"\""} + std::to_string(i) +
                R"(": {"template": "t", "channels": ["x", "y"], "at_ns": 1, "by": "p"})";
    CHECK_FALSE(Orders::parse(head + many + "}}", kWall, kMono));
}

TEST_CASE("a text that was cut off or is something else is refused whole") {
    Orders orders;
    orders.disable(radio("car", 1, 2));
    orders.revoke(radio("van", 3, 4));
    orders.command("joint", {.open = true, .at = kWall, .at_mono = kMono, .by = "pat"});
    const std::string text = orders.text();
    CHECK(again(orders) == orders);
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(Orders::parse(text.substr(0, size), kWall, kMono));
    }
    for (const char* other :
         {"", "[]", "{}", "null", R"({"disabled":[1],"revoked":[],"revoked_keys":[],"bridges":{}})",
          R"({"disabled":[],"revoked":[],"revoked_keys":[],"bridges":{"a":{"open":1}}})"})
        CHECK_FALSE(Orders::parse(other, kWall, kMono));
}

}  // namespace
}  // namespace crosspatch::app
