#include "crosspatch/bridge/consents.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace crosspatch::bridge {
namespace {

using namespace std::chrono_literals;
using Refusal = ConsentRefusal;

const std::string kLog(32, 'a');
constexpr core::WallTime kWall{std::chrono::hours{500'000}};
constexpr core::Time kNow{1000h};

record::SigningKey key_of(char seed) {
    const std::vector<std::byte> octets(32, static_cast<std::byte>(seed));
    return std::move(*record::SigningKey::from_seed(core::Secret{octets}));
}

// A gateway with one bridge between the police, whose key is elsewhere, and guards.
struct Scene {
    Bridge bridge;
    AgencyKeys keys{{"northgate", key_of(1).public_key()}, {"metro-pd", key_of(2).public_key()}};
    Consents consents;
    core::WallTime wall{kWall};
    core::Time now{kNow};
    int signed_count{};

    Scene() {
        bridge.id = "joint";
        bridge.agencies = {"metro-pd", "northgate"};
        bridge.agreement = "MOU-1";
        bridge.terms = std::string(64, '1');
    }
    ConsentFacts facts() const { return {kLog, bridge, keys, wall, now}; }
    record::ConsentStatement statement() {
        return {.id = fmt_id(++signed_count),
                .gateway = kLog,
                .bridge = "joint",
                .agency = "metro-pd",
                .not_before = wall,
                .expires = wall + 1h,
                .agreement = "MOU-1",
                .terms = bridge.terms};
    }
    static std::string fmt_id(int number) {
        std::string id = std::to_string(number);
        return std::string(32 - id.size(), '0') + id;
    }
    template <typename Change>
    record::SignedConsent yes(Change change, char key = 2) {
        record::ConsentStatement said = statement();
        change(said);
        return record::sign(std::move(said), key_of(key));
    }
    record::SignedConsent yes() {
        return yes([](auto&) {});
    }
    template <typename Change>
    std::optional<Refusal> refusal(Change change, char key = 2) {
        return consents.judge(yes(change, key), facts());
    }
    record::SignedConsent take(record::SignedConsent consent) {
        REQUIRE_FALSE(consents.judge(consent, facts()));
        consents.accept(consent, facts());
        return consent;
    }
    std::vector<std::string> missing() const { return consents.missing(bridge, keys, now); }
    std::vector<Consents::Ended> revoke(const std::string& agency) {
        return consents.revoke(bridge, agency, wall, now);
    }
    std::vector<Consents::Ended> settle() { return consents.settle({bridge}, keys, now); }
    void pass(core::Duration time) {
        now += time;
        wall += time;
    }
    void restart() {
        auto read = Consents::parse(consents.text(), kLog, wall, now);
        REQUIRE(read);
        consents = std::move(*read);
    }
};

using Names = std::vector<std::string>;
using Said = record::ConsentStatement;

TEST_CASE("a bridge misses the agencies on it that have not said yes, and no more once they have") {
    Scene scene;
    CHECK(scene.missing() == Names{"metro-pd", "northgate"});
    scene.bridge.standing_consent = {"northgate"};
    CHECK(scene.missing() == Names{"metro-pd"});
    scene.take(scene.yes());
    CHECK(scene.missing().empty());
    scene.pass(59min);
    CHECK(scene.missing().empty());
    scene.pass(1min);
    CHECK(scene.missing() == Names{"metro-pd"});
}

TEST_CASE("each way in which a consent is not what it should be has its name") {
    Scene scene;
    CHECK_FALSE(scene.refusal([](Said&) {}));
    CHECK(scene.refusal([](Said& s) { s.gateway = std::string(32, 'b'); }) == Refusal::OtherGateway);
    CHECK(scene.refusal([](Said& s) { s.bridge = "other"; }) == Refusal::OtherBridge);
    CHECK(scene.refusal([](Said& s) { s.agency = "city-fd"; }) == Refusal::NotOnBridge);
    CHECK(scene.refusal([](Said&) {}, 3) == Refusal::Forged);
    CHECK(scene.refusal([](Said& s) { s.agency = "northgate"; }) == Refusal::Forged);
    CHECK(scene.refusal([](Said& s) { s.terms[0] = '2'; }) == Refusal::OtherTerms);
    CHECK(scene.refusal([](Said& s) { s.agreement = ""; }) == Refusal::OtherAgreement);
    CHECK(scene.refusal([](Said& s) { s.not_before -= 2h, s.expires = kWall; }) == Refusal::Expired);
    CHECK(scene.refusal([](Said& s) { s.expires = kWall + Consents::kLongest + 1s; }) == Refusal::TooLong);
    scene.keys["city-fd"] = key_of(4).public_key();
    CHECK(scene.refusal([](Said& s) { s.agency = "city-fd"; }, 4) == Refusal::NotOnBridge);
    record::SignedConsent changed = scene.yes();
    changed.statement.expires += 1h;
    CHECK(scene.consents.judge(changed, scene.facts()) == Refusal::Forged);
    CHECK(scene.consents == Consents{});
    for (int i = 0; i < 14; ++i) {
        CHECK_FALSE(word(static_cast<Refusal>(i)).empty());
        CHECK(explain(static_cast<Refusal>(i), scene.statement(), scene.facts()).size() > 20);
    }
}

TEST_CASE("an id is accepted once, and one that was revoked never again until it expires") {
    Scene scene;
    scene.bridge.standing_consent = {"northgate"};
    const record::SignedConsent first = scene.take(scene.yes());
    CHECK(scene.consents.judge(first, scene.facts()) == Refusal::Replayed);
    const auto ended = scene.revoke("metro-pd");
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].because == ConsentEnd::Revoked);
    CHECK(scene.missing() == Names{"metro-pd"});
    CHECK(scene.consents.judge(first, scene.facts()) == Refusal::Revoked);
    scene.restart();
    CHECK(scene.consents.judge(first, scene.facts()) == Refusal::Revoked);
    scene.pass(59min);
    scene.settle();
    CHECK(scene.consents.judge(first, scene.facts()) == Refusal::Revoked);
    scene.pass(1min);
    scene.settle();
    CHECK(scene.consents.judge(first, scene.facts()) == Refusal::SignedBeforeRevocation);
    scene.pass(Consents::kLongest);
    scene.settle();
    CHECK(scene.consents.judge(first, scene.facts()) == Refusal::Expired);
    CHECK(scene.consents == Consents{});
}

TEST_CASE("what an agency signed before it revoked, and nobody had handed in, is not taken afterwards") {
    Scene scene;
    scene.bridge.standing_consent = {"northgate"};
    const auto at = [&](core::WallTime begin) {
        return scene.yes([&](Said& s) { s.not_before = begin, s.expires = begin + Consents::kLongest; });
    };
    const auto outside = at(scene.wall);
    const auto of_guards = scene.yes([](Said& s) { s.agency = "northgate"; }, 1);
    scene.pass(10min);
    const core::WallTime revoked = scene.wall;
    CHECK(scene.revoke("metro-pd").empty());
    const auto judged = [&](const record::SignedConsent& consent) {
        return scene.consents.judge(consent, scene.facts());
    };
    for (int restart = 0; restart < 2; ++restart, scene.restart()) {
        CHECK(judged(outside) == Refusal::SignedBeforeRevocation);
        CHECK(judged(at(revoked)) == Refusal::SignedBeforeRevocation);
        CHECK_FALSE(judged(at(revoked + 1s)) == Refusal::SignedBeforeRevocation);
        CHECK_FALSE(judged(of_guards));
    }
    CHECK(word(Refusal::SignedBeforeRevocation) == "signed_before_revocation");
    CHECK(explain(Refusal::SignedBeforeRevocation, outside.statement, scene.facts()).find("sign again") !=
          std::string::npos);
    // The gateway signs for whoever asks now, however soon after the revocation that is.
    ConsentFacts facts = scene.facts();
    facts.signed_now = true;
    CHECK_FALSE(scene.consents.judge(scene.yes(), facts));
    // The bridge leaves the configuration, and comes back; a year later what was signed then has run out by itself.
    scene.consents.settle({}, scene.keys, scene.now);
    CHECK(judged(outside) == Refusal::SignedBeforeRevocation);
    scene.pass(Consents::kLongest - 1s);
    scene.settle();
    CHECK(judged(at(revoked)) == Refusal::SignedBeforeRevocation);
    scene.pass(1s);
    CHECK(scene.consents.next_end() == scene.now);
    scene.settle();
    CHECK(judged(at(revoked)) == Refusal::Expired);
    CHECK(scene.consents == Consents{});
}

TEST_CASE("a consent holds no longer than 366 days from its own beginning either") {
    Scene scene;
    CHECK(scene.refusal([](Said& s) {
        s.not_before -= 240h, s.expires = s.not_before + Consents::kLongest + 1s;
    }) == Refusal::TooLong);
}

TEST_CASE("revocations that find no room any more hold for everybody, the oldest first") {
    Scene scene;
    const core::WallTime first = scene.wall;
    for (std::size_t i = 0; i <= Consents::kMostRevocations; ++i) {
        scene.consents.refuse_older("bridge-" + std::to_string(i), "metro-pd", scene.wall, scene.wall,
                                    scene.now);
        scene.pass(1s);
    }
    CHECK(scene.refusal([&](Said& s) { s.not_before = first; }) == Refusal::Forgotten);
    CHECK_FALSE(scene.refusal([&](Said& s) { s.not_before = first + 1s; }));
    scene.restart();
    CHECK(scene.refusal([&](Said& s) { s.not_before = first; }) == Refusal::Forgotten);
}

TEST_CASE("a consent for later is taken and does not count before its time") {
    Scene scene;
    scene.bridge.standing_consent = {"northgate"};
    scene.take(scene.yes([](Said& s) { s.not_before += 30min; }));
    CHECK(scene.missing() == Names{"metro-pd"});
    CHECK(scene.consents.given(scene.bridge, "metro-pd", scene.keys, scene.now) != nullptr);
    scene.pass(30min - 1ns);
    CHECK(scene.missing() == Names{"metro-pd"});
    scene.pass(1ns);
    CHECK(scene.missing().empty());
    SUBCASE("what counts now is shown before what lasts longer") {
        const auto counts = scene.take(scene.yes());
        scene.take(scene.yes([](Said& s) { s.not_before += 1h, s.expires += 9h; }));
        scene.take(scene.yes([](Said& s) { s.expires -= 30min; }));
        CHECK(scene.consents.given(scene.bridge, "metro-pd", scene.keys, scene.now)->consent == counts);
    }
}

TEST_CASE("a wall clock that is set does not move the end of a consent, forward or back") {
    Scene scene;
    scene.bridge.standing_consent = {"northgate"};
    scene.take(scene.yes());
    for (const auto jump : {-240h, 480h}) {
        scene.wall += jump;
        scene.settle();
        CHECK(scene.missing().empty());
    }
    scene.now += 1h;
    CHECK(scene.missing() == Names{"metro-pd"});
    CHECK(scene.settle().size() == 1);
}

TEST_CASE("over a restart a consent keeps its end by the wall clock") {
    Scene scene;
    scene.bridge.standing_consent = {"northgate"};
    scene.take(scene.yes());
    scene.wall += 40min;
    scene.now = core::Time{5min};  // another boot
    scene.restart();
    CHECK(scene.missing().empty());
    CHECK(scene.consents.all()[0].until == scene.now + 20min);
    scene.wall += 20min;
    scene.restart();
    CHECK(scene.missing() == Names{"metro-pd"});
    const auto ended = scene.settle();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].because == ConsentEnd::Time);
}

TEST_CASE("other terms, another agreement or another key end a consent for good") {
    for (const auto because :
         {ConsentEnd::Terms, ConsentEnd::Agreement, ConsentEnd::Key, ConsentEnd::Bridge}) {
        Scene scene;
        scene.bridge.standing_consent = {"northgate"};
        const auto given = scene.take(scene.yes());
        Scene before = scene;
        if (because == ConsentEnd::Terms) scene.bridge.terms[5] = '7';
        if (because == ConsentEnd::Agreement) scene.bridge.agreement = "MOU-2";
        if (because == ConsentEnd::Key) scene.keys["metro-pd"] = key_of(9).public_key();
        if (because == ConsentEnd::Bridge) scene.bridge.id = "joint-2";
        CHECK(scene.missing() == Names{"metro-pd"});
        const auto ended = scene.settle();
        REQUIRE(ended.size() == 1);
        CHECK(ended[0].because == because);
        CHECK(ended[0].given.consent == given);
        // Everything as it was: the agency has to say it again.
        scene.bridge = before.bridge;
        scene.keys = before.keys;
        CHECK(scene.missing() == Names{"metro-pd"});
        CHECK(scene.consents.judge(given, scene.facts()) == Refusal::Replayed);
        scene.take(scene.yes());
        CHECK(scene.missing().empty());
    }
}

TEST_CASE("a standing consent that was withdrawn counts again only after the configuration has left it out") {
    Scene scene;
    scene.bridge.standing_consent = {"metro-pd", "northgate"};
    CHECK(scene.missing().empty());
    CHECK(scene.revoke("northgate").empty());
    CHECK(scene.missing() == Names{"northgate"});
    scene.settle();
    scene.restart();
    CHECK(scene.missing() == Names{"northgate"});
    scene.pass(1s);
    scene.take(scene.yes([](Said& s) { s.agency = "northgate"; }, 1));
    CHECK(scene.missing().empty());
    scene.pass(2h);
    scene.settle();
    CHECK(scene.missing() == Names{"northgate"});
    scene.bridge.standing_consent = {"metro-pd"};
    scene.settle();
    scene.bridge.standing_consent = {"metro-pd", "northgate"};
    CHECK(scene.missing().empty());
}

TEST_CASE("a reminder comes ten minutes before the end, of a short consent a tenth of its length") {
    Consents::Given given{.from = kNow, .until = kNow + 8h};
    CHECK(given.reminder() == kNow + 8h - 10min);
    given.until = kNow + 10min;
    CHECK(given.reminder() == kNow + 9min);
}

TEST_CASE("there is an end to how many ids are kept, and expired ones make room") {
    Scene scene;
    scene.consents.forget(std::vector<Said>{scene.statement()}, true, scene.wall, scene.now);
    std::vector<Said> many;
    for (std::size_t i = 0; i < Consents::kMost + 5; ++i) many.push_back(scene.statement());
    scene.consents.forget(many, true, scene.wall, scene.now);
    CHECK(scene.refusal([](Said&) {}) == Refusal::TooMany);
    scene.restart();
    scene.pass(1h);
    scene.settle();
    CHECK_FALSE(scene.refusal([](Said&) {}));
}

TEST_CASE("an agency gives a bridge sixteen consents at a time, and then has to wait or take some back") {
    Scene scene;
    const auto later = [](int minutes) {
        return [minutes](Said& s) { s.expires += std::chrono::minutes{minutes}; };
    };
    for (std::size_t i = 0; i < Consents::kMostOfAgency; ++i)
        scene.take(scene.yes(later(static_cast<int>(i))));
    const auto other = [](Said& s) { s.agency = "northgate"; };
    CHECK(scene.refusal([](Said&) {}) == Refusal::TooManyOfAgency);
    CHECK_FALSE(scene.refusal(other, 1));
    CHECK(word(Refusal::TooManyOfAgency) == "too_many_of_agency");
    const std::string why = explain(Refusal::TooManyOfAgency, scene.statement(), scene.facts());
    CHECK(why.find("'metro-pd'") != std::string::npos);
    CHECK(why.find("bridge revoke joint") != std::string::npos);
    SUBCASE("one has run out") { scene.pass(1h); }
    SUBCASE("all were taken back") {
        CHECK(scene.revoke("metro-pd").size() == Consents::kMostOfAgency);
        scene.pass(1s);
    }
    scene.take(scene.yes(later(90)));
}

TEST_CASE("the record of a revocation says whose it was and what stood, however much it ended") {
    Scene scene;
    const auto record = [&](std::size_t count) {
        const Consents::Ended one{{.consent = scene.yes()}, ConsentEnd::Revoked};
        return revocation_json("metro-pd", true, std::vector<Consents::Ended>(count, one));
    };
    for (const std::size_t count : {0UL, 1UL, 32UL, 33UL, 10'000UL}) {
        const auto detail = record(count);
        CHECK(detail.at("agency") == "metro-pd");
        CHECK(detail.at("standing") == true);
        CHECK(detail.at("count") == count);
        CHECK(detail.at("consents").as_array().size() == std::min(count, kMostIdsOnRecord));
    }
    CHECK(boost::json::serialize(record(10'000)).size() < 2000);
}

TEST_CASE(
    "after the list was lost, what the log knows is used up, and what nobody knows has to begin later") {
    Scene scene;
    const record::SignedConsent used = scene.take(scene.yes());
    const record::SignedConsent unused = scene.yes();
    for (const bool all_known : {true, false}) {
        scene.consents = {};
        scene.pass(1min);
        scene.consents.forget({used.statement}, all_known, scene.wall, scene.now);
        scene.restart();
        CHECK(scene.missing() == Names{"metro-pd", "northgate"});
        CHECK(scene.consents.judge(used, scene.facts()) == Refusal::Replayed);
        CHECK(scene.consents.judge(unused, scene.facts()) ==
              (all_known ? std::nullopt : std::optional{Refusal::Forgotten}));
        CHECK_FALSE(scene.refusal([](Said&) {}));
    }
}

TEST_CASE("while nobody knows which standing consents were withdrawn none counts, whatever fails between") {
    Scene scene;
    scene.bridge.standing_consent = {"metro-pd", "northgate"};
    scene.consents.forget({}, true, scene.wall, scene.now);
    CHECK(scene.missing().empty());
    CHECK_FALSE(scene.consents.withdraw_unknown({scene.bridge}));
    scene.consents.forget({}, false, scene.wall, scene.now);
    // A start that failed, and one more.
    for (int start = 0; start < 2; ++start) {
        CHECK(scene.missing() == Names{"metro-pd", "northgate"});
        scene.settle();
        scene.restart();
        CHECK(scene.consents.standing_unknown());
    }
    CHECK(scene.missing() == Names{"metro-pd", "northgate"});
    CHECK(scene.consents.withdraw_unknown({scene.bridge}));
    for (int start = 0; start < 2; ++start) {
        CHECK_FALSE(scene.consents.standing_unknown());
        CHECK(scene.missing() == Names{"metro-pd", "northgate"});
        scene.restart();
    }
    scene.bridge.standing_consent.clear();
    scene.settle();
    scene.bridge.standing_consent = {"metro-pd", "northgate"};
    CHECK(scene.missing().empty());
}

TEST_CASE("a consent that was given to another gateway does not count in this one's file, and ends") {
    Scene scene;
    scene.bridge.standing_consent = {"northgate"};
    const auto ours = scene.take(scene.yes());
    const std::string text = scene.consents.text();
    const std::string other(32, 'b');
    scene.consents = Consents::parse(text, other, scene.wall, scene.now).value();
    CHECK(scene.missing() == Names{"metro-pd"});
    CHECK(scene.consents.given(scene.bridge, "metro-pd", scene.keys, scene.now) == nullptr);
    SUBCASE("on a bridge that is there") { CHECK(scene.settle().at(0).because == ConsentEnd::Gateway); }
    SUBCASE("on a bridge that is not") {
        CHECK(scene.consents.settle({}, scene.keys, scene.now).at(0).because == ConsentEnd::Gateway);
    }
    CHECK(scene.consents.all().empty());
    CHECK(word(ConsentEnd::Gateway) == "gateway");
    scene.consents = Consents::parse(scene.consents.text(), kLog, scene.wall, scene.now).value();
    CHECK(scene.missing() == Names{"metro-pd"});
    CHECK(scene.consents.judge(ours, scene.facts()) == Refusal::Replayed);
}

TEST_CASE("a key is new on record once, and again when it is another") {
    Scene scene;
    CHECK(scene.consents.unrecorded_keys(scene.keys, scene.wall) == Names{"metro-pd", "northgate"});
    scene.restart();
    CHECK(scene.consents.unrecorded_keys(scene.keys, scene.wall).empty());
    CHECK(scene.consents.recorded_keys().at("northgate").since == scene.wall);
    scene.pass(1h);
    scene.keys["northgate"] = key_of(8).public_key();
    CHECK(scene.consents.unrecorded_keys(scene.keys, scene.wall) == Names{"northgate"});
    scene.restart();
    CHECK(scene.consents.recorded_keys().at("northgate") ==
          Consents::RecordedKey{scene.keys.at("northgate"), scene.wall});
    CHECK(scene.consents.recorded_keys().at("metro-pd").since == scene.wall - 1h);
}

TEST_CASE("an agency whose key is lost consents to nothing, and that it had one is remembered") {
    Scene scene;
    scene.bridge.standing_consent = {"metro-pd", "northgate"};
    CHECK(scene.consents.note_kept("northgate"));
    CHECK_FALSE(scene.consents.note_kept("northgate"));
    CHECK(scene.missing().empty());
    scene.keys.erase("northgate");
    CHECK(scene.missing() == Names{"northgate"});
    CHECK_FALSE(scene.consents.stands(scene.bridge, "northgate", scene.keys));
    scene.settle();
    scene.restart();
    CHECK(scene.consents.ever_kept() == std::set<std::string>{"northgate"});
    scene.keys["northgate"] = key_of(1).public_key();
    CHECK(scene.missing().empty());
}

TEST_CASE("a file of consents that was cut off or changed anywhere is refused whole") {
    Scene scene;
    scene.take(scene.yes());
    scene.take(scene.yes([](Said& s) { s.not_before += 30min; }));
    scene.bridge.standing_consent = {"northgate"};
    scene.revoke("northgate");
    scene.consents.unrecorded_keys(scene.keys, scene.wall);
    scene.consents.note_kept("northgate");
    const std::string text = scene.consents.text();
    CHECK(Consents::parse(text, kLog, scene.wall, scene.now).value() == scene.consents);
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_FALSE(Consents::parse(text.substr(0, size), kLog, scene.wall, scene.now));
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string bad = text;
        bad[at] ^= 1;
        CHECK_FALSE(Consents::parse(bad, kLog, scene.wall, scene.now));
    }
}

}  // namespace
}  // namespace crosspatch::bridge
