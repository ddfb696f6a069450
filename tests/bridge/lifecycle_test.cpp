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
    core::Time emergency{core::Time::min()};
    LifecycleFacts facts(core::Time now = kNow) const {
        return {command ? &*command : nullptr, missing, today, now, emergency};
    }
    Because decide(core::Time now = kNow) const { return decide_open(bridge, facts(now)).because; }
    bool armed(core::Time now = kNow) const { return is_armed(bridge, facts(now)); }
    Stage stage(bool open = false, bool closing = false) const {
        return stage_of(decide_open(bridge, facts()), missing.empty(), open, closing);
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

TEST_CASE("a request waits for consents as long as it was asked to, and is over then") {
    Case one;
    one.missing = {"city-police"};
    one.command = command(true, 10min);
    CHECK(one.decide() == Because::NoConsent);
    one.command->waits = 15min;
    CHECK(one.decide() == Because::Waiting);
    CHECK(one.decide(kNow + 5min - 1ms) == Because::Waiting);
    CHECK(one.decide(kNow + 5min) == Because::NoConsent);
    one.missing.clear();
    CHECK(one.decide() == Because::Open);
    one.bridge.expires = 5min;  // counts from its opening, not from the request
    CHECK(one.decide() == Because::Open);
    CHECK(one.decide(kNow + 5min) == Because::NotRequested);  // nobody wants it any more
    one.missing = {"city-police"};
    one.command->open = false;
    CHECK(one.decide() == Because::NoConsent);
}

TEST_CASE("an emergency opens what nothing stands in the way of but that there was none") {
    Case one;
    CHECK(!one.armed());  // on request
    one.bridge.opens = Opens::OnEmergency;
    CHECK(one.armed());
    one.missing = {"city-police"};
    CHECK(!one.armed());
    one.missing.clear();
    one.bridge.agreement_until = "2026-11-21";
    CHECK(!one.armed());
    one.bridge.agreement_until.clear();
    one.command = command(false, 100h);
    CHECK(!one.armed());  // a person's word holds until another
    one.command = command(true, 1h);
    CHECK(one.decide() == Because::Open);
    CHECK(!one.armed());
    one.bridge.expires = 30min;
    CHECK(one.decide() == Because::Expired);
    CHECK(one.armed());
}

TEST_CASE("what an emergency has opened expires so long after the last one of it") {
    Case one;
    one.bridge.opens = Opens::OnEmergency;
    one.bridge.expires = 30min;
    one.command = command(true, 2h);
    one.emergency = kNow - 30min + 1ms;
    CHECK(one.decide() == Because::Open);
    CHECK(one.decide(kNow + 1ms) == Because::Expired);
}

TEST_CASE("each step of a bridge's life has a word") {
    Case one;
    CHECK(word(one.stage()) == "consented");
    CHECK(word(one.stage(true)) == "open");
    CHECK(word(one.stage(false, true)) == "closing");
    one.missing = {"city-police"};
    CHECK(word(one.stage()) == "closed");
    one.command = command(true);
    one.command->waits = 1min;
    CHECK(word(one.stage()) == "requested");
    CHECK(word(one.stage(false, true)) == "closing");
    one.missing.clear();
    one.command = command(false);
    CHECK(word(one.stage()) == "closed");
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
