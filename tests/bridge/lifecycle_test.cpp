#include "crosspatch/bridge/lifecycle.hpp"

#include <doctest/doctest.h>

namespace crosspatch::bridge {
namespace {

using namespace std::chrono_literals;
using Because = Lifecycle::Because;
constexpr core::Time kNow{1000h};

struct Case {
    Bridge bridge;
    std::optional<BridgeCommand> command;
    std::vector<std::string> missing;
    std::string today{"2026-11-22"};
    Because decide(core::Time now = kNow) const {
        return decide_open(bridge, command ? &*command : nullptr, missing, today, now).because;
    }
};

BridgeCommand command(bool open, core::Duration ago = {}) {
    return {.open = open, .at = {}, .at_mono = kNow - ago, .by = "pat"};
}

TEST_CASE("a bridge on request is open from a person's word to another, or to its expiry") {
    Case one;
    CHECK(one.decide() == Because::NotRequested);
    one.command = command(true, 2h);
    CHECK(one.decide() == Because::Open);
    one.bridge.expires = 2h;
    CHECK(one.decide() == Because::Expired);
    one.bridge.expires = 2h + 1ms;
    CHECK(one.decide() == Because::Open);
    one.command = command(false);
    CHECK(one.decide() == Because::ClosedByHand);
}

TEST_CASE("a bridge that is always open stays closed after a person closed it") {
    Case one;
    one.bridge.opens = Opens::Always;
    CHECK(one.decide() == Because::Open);
    one.command = command(false, 100h);
    CHECK(one.decide() == Because::ClosedByHand);
    one.command = command(true);
    CHECK(one.decide() == Because::Open);
}

TEST_CASE(
    "no word and no configuration opens a bridge without consent, or after the last day of its agreement") {
    for (const Opens opens : {Opens::Always, Opens::OnRequest}) {
        Case one;
        one.bridge.opens = opens;
        one.bridge.agreement = "MOU-1";
        one.bridge.agreement_until = "2026-11-22";
        one.command = command(true);
        CHECK(one.decide() == Because::Open);
        one.today = "2026-11-23";
        CHECK(one.decide() == Because::AgreementEnded);
        one.missing = {"city-police"};
        CHECK(one.decide() == Because::NoConsent);
        one.today = "2026-11-22";
        CHECK(one.decide() == Because::NoConsent);
    }
}

TEST_CASE("the words name the bridge and what is in its way") {
    Bridge bridge;
    bridge.id = "joint";
    bridge.agreement = "MOU-1";
    bridge.agreement_until = "2026-11-22";
    CHECK(explain(bridge, {Because::NoConsent}, {"a", "b"}) ==
          "bridge 'joint' needs the consent of a and b, which has not given it: there `crosspatchctl bridge "
          "consent "
          "joint`, or `crosspatchctl consent sign` where the key is");
    CHECK(explain(bridge, {Because::AgreementEnded}, {}) ==
          "the agreement 'MOU-1' under bridge 'joint' ended on 2026-11-22");
    CHECK(closed_by({Because::Expired}) == "expiry");
    CHECK(closed_by({Because::NotRequested}) == "configuration");
}

}  // namespace
}  // namespace crosspatch::bridge
