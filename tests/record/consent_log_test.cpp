// Consents on record, as crosspatch-verify finds them.
#include <doctest/doctest.h>

#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/consent.hpp"
#include "src/record/verify_consents.hpp"
#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;

namespace {

SigningKey key_of(char seed) {
    const std::vector<std::byte> octets(32, static_cast<std::byte>(seed));
    return std::move(*SigningKey::from_seed(core::Secret{octets}));
}

// A log that a gateway has written, honest or not, and what the verifier says of it.
class Gateway {
public:
    Gateway() : log_{std::make_unique<Log>(options_for(directory_.path()))}, id_{log_->id()} {}

    ConsentStatement statement() {
        ++count_;
        const auto now = std::chrono::floor<std::chrono::seconds>(core::wall_now());
        return {.id = std::string(31, '0') + static_cast<char>('0' + count_),
                .gateway = id_,
                .bridge = "joint",
                .agency = "metro-pd",
                .not_before = now,
                .expires = now + 1h,
                .agreement = "MOU",
                .terms = std::string(64, 'a')};
    }
    void names(const std::string& agency, char key, const std::string& kept_by = "agency") {
        Entry one =
            entry("key.added", {{"key", key_text(key_of(key).public_key())}, {"key_kept_by", kept_by}});
        one.object = {{"kind", "agency"}, {"id", agency}};
        REQUIRE(append(*log_, std::move(one)));
    }
    std::uint64_t took(const SignedConsent& consent, char named = 2, Outcome outcome = Outcome::Ok) {
        Entry one = entry("consent.given", to_json(consent));
        one.outcome = outcome;
        one.detail["agency"] = consent.statement.agency;
        one.detail["key"] = key_text(key_of(named).public_key());
        one.object = {{"kind", "bridge"}, {"id", "joint"}};
        return append(*log_, std::move(one)).value();
    }
    // As set_open() puts it down: what each agency is said to have consented by.
    std::uint64_t opened(boost::json::array consents, const std::string& bridge = "joint",
                         core::WallTime at = core::wall_now(), core::Time mono = core::monotonic_now()) {
        Entry one =
            entry("bridge.opened",
                  {{"by", "pat"}, {"terms", std::string(64, 'a')}, {"consents", std::move(consents)}});
        one.object = {{"kind", "bridge"}, {"id", bridge}};
        one.time = at;
        one.mono = mono;
        return append(*log_, std::move(one)).value();
    }
    static boost::json::object given(const ConsentStatement& statement) {
        return {{"agency", statement.agency}, {"state", "given"}, {"consent", statement.id}};
    }
    static boost::json::object standing(const std::string& agency, char key) {
        return {{"agency", agency},
                {"state", "standing"},
                {"consent", nullptr},
                {"key", key_text(key_of(key).public_key())}};
    }
    void expired(const std::string& id) {
        REQUIRE(append(*log_, entry("consent.expired", {{"agency", "metro-pd"}, {"id", id}})));
    }
    // What is wrong with an opening, and with nothing else.
    std::string wrong_opening(std::uint64_t seq) {
        const Report found = report();
        REQUIRE(found.problems.size() == 1);
        CHECK(found.problems[0].record == seq);
        return found.problems[0].what;
    }
    void revoked(const std::string& id) {
        REQUIRE(append(*log_, entry("consent.revoked", {{"agency", "metro-pd"}, {"consents", {id}}})));
    }
    Report report(AgencyPins pins = {}) {
        log_.reset();
        return Verifier{directory_.path(), {}, std::move(pins)}.run().value();
    }
    // What is wrong with record `seq`, and with no other.
    std::string wrong(std::uint64_t seq, AgencyPins pins = {}) {
        const Report found = report(std::move(pins));
        REQUIRE(found.problems.size() == 1);
        CHECK(found.problems[0].record == seq);
        CHECK(found.consents == 0);
        return found.problems[0].what;
    }

private:
    Directory directory_;
    std::unique_ptr<Log> log_;
    std::string id_;
    int count_{};
};

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("consents that agencies signed verify, and are counted") {
    Gateway gateway;
    gateway.names("metro-pd", 2);
    gateway.took(sign(gateway.statement(), key_of(2)));
    const auto second = sign(gateway.statement(), key_of(2));
    gateway.took(second);
    gateway.revoked(second.statement.id);
    const Report report = gateway.report();
    CHECK(report.ok());
    CHECK(report.consents == 2);
    CHECK(says(to_text(report),
               "2 consents on record, each signed by its agency with the key that the log names"));
    CHECK(to_json(report).at("consents") == 2);
}

TEST_CASE("a consent that was refused proves nothing and is not held against the log") {
    Gateway gateway;
    gateway.names("metro-pd", 2);
    gateway.took(sign(gateway.statement(), key_of(7)), 2, Outcome::Denied);
    const Report report = gateway.report();
    CHECK(report.ok());
    CHECK(report.consents == 0);
}

TEST_CASE("a consent that the agency did not sign is named") {
    Gateway gateway;
    gateway.names("metro-pd", 2);
    SUBCASE("signed with another key") {
        const auto seq = gateway.took(sign(gateway.statement(), key_of(7)));
        CHECK(says(gateway.wrong(seq), "forged: agency 'metro-pd' did not sign it"));
    }
    SUBCASE("and the record names that other key") {
        const auto seq = gateway.took(sign(gateway.statement(), key_of(7)), 7);
        CHECK(says(gateway.wrong(seq), "names another key for agency 'metro-pd' than the log did before"));
    }
    SUBCASE("signed for less") {
        auto consent = sign(gateway.statement(), key_of(2));
        consent.statement.expires += 1h;
        CHECK(says(gateway.wrong(gateway.took(consent)), "forged"));
    }
    SUBCASE("the log has named that key, but the auditor knows a better one") {
        gateway.names("metro-pd", 7);
        const auto seq = gateway.took(sign(gateway.statement(), key_of(7)), 7);
        CHECK(says(gateway.wrong(seq, {{"metro-pd", key_of(2).public_key()}}),
                   "not signed with the pinned key"));
    }
}

TEST_CASE("a consent to something else, or at another time, is named") {
    Gateway gateway;
    gateway.names("metro-pd", 2);
    ConsentStatement said = gateway.statement();
    std::string wanted;
    SUBCASE("gateway") { said.gateway = std::string(32, 'f'), wanted = "another gateway"; }
    SUBCASE("bridge") { said.bridge = "other", wanted = "a consent to bridge 'other' for bridge 'joint'"; }
    SUBCASE("time") { said.not_before -= 9h, said.expires -= 8h, wanted = "had expired"; }
    if (!wanted.empty()) CHECK(says(gateway.wrong(gateway.took(sign(said, key_of(2)))), wanted));
}

TEST_CASE("an id that counts twice is named") {
    Gateway gateway;
    gateway.names("metro-pd", 2);
    const auto consent = sign(gateway.statement(), key_of(2));
    gateway.took(consent);
    bool revoked = false;
    SUBCASE("again") {}
    SUBCASE("after it was revoked") {
        gateway.revoked(consent.statement.id);
        revoked = true;
    }
    const auto seq = gateway.took(consent);
    const Report report = gateway.report();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].record == seq);
    CHECK(says(report.problems[0].what, revoked ? "a second time, after it was revoked" : "a second time"));
    CHECK(report.consents == 1);
}

TEST_CASE("a log that names no key beforehand is taken at the record's word, and says whose word that is") {
    Gateway gateway;
    gateway.took(sign(gateway.statement(), key_of(2)));
    const Report report = gateway.report({{"metro-pd", key_of(2).public_key()}});
    CHECK(report.ok());
    CHECK(says(to_text(report), "--pin-agency"));
}

TEST_CASE("an opening by consents that count, and by one that stands, is as it should be") {
    Gateway gateway;
    gateway.names("metro-pd", 2);
    gateway.names("northgate", 1, "gateway");
    const auto statement = gateway.statement();
    gateway.took(sign(statement, key_of(2)));
    gateway.opened({Gateway::given(statement), Gateway::standing("northgate", 1)});
    // The wall clock was set forward: the consent counts by the other one. Or the gateway was started anew.
    gateway.opened({Gateway::given(statement)}, "joint", core::wall_now() + 48h);
    gateway.opened({Gateway::given(statement)}, "joint", core::wall_now() + 30min, core::Time{5s});
    const Report report = gateway.report();
    CHECK(to_text(report) != "");
    CHECK(report.ok());
    CHECK(report.openings == 3);
    CHECK(says(to_text(report), "3 openings of bridges held against the consents on record"));
}

TEST_CASE("an opening without the consent of an agency is named, with the record and the agency") {
    Gateway gateway;
    gateway.names("metro-pd", 2);
    gateway.names("northgate", 1, "gateway");
    ConsentStatement said = gateway.statement();
    const auto took = [&] { gateway.took(sign(said, key_of(2))); };
    using boost::json::array;
    std::uint64_t seq = 0;
    std::string wanted;
    SUBCASE("never given") {
        seq = gateway.opened({Gateway::given(said)}), wanted = "is not on record before";
    }
    SUBCASE("revoked") {
        took();
        gateway.revoked(said.id);
        seq = gateway.opened({Gateway::given(said)}), wanted = "was revoked before";
    }
    SUBCASE("ended") {
        took();
        gateway.expired(said.id);
        seq = gateway.opened({Gateway::given(said)}), wanted = "had ended";
    }
    SUBCASE("run out by both clocks") {
        took();
        seq = gateway.opened({Gateway::given(said)}, "joint", core::wall_now() + 2h,
                             core::monotonic_now() + 2h);
        wanted = "had run out";
    }
    SUBCASE("yet to begin") {
        said.not_before += 30min;
        took();
        seq = gateway.opened({Gateway::given(said)}), wanted = "begins at";
    }
    SUBCASE("to another bridge") {
        took();
        seq = gateway.opened({Gateway::given(said)}, "other"),
        wanted = "of agency 'metro-pd' to bridge 'joint'";
    }
    SUBCASE("to other terms") {
        said.terms[0] = 'b';
        took();
        seq = gateway.opened({Gateway::given(said)}), wanted = "other terms";
    }
    SUBCASE("of another agency") {
        took();
        auto other = Gateway::given(said);
        other["agency"] = "northgate";
        seq = gateway.opened({other}), wanted = "agency 'northgate': consent";
    }
    SUBCASE("it stands where the agency keeps its key itself") {
        seq = gateway.opened(array{Gateway::standing("metro-pd", 2)}), wanted = "this agency keeps it itself";
    }
    SUBCASE("it stands by another key") {
        seq = gateway.opened(array{Gateway::standing("northgate", 7)}), wanted = "another key";
    }
    SUBCASE("it stands by no key") {
        seq = gateway.opened(array{Gateway::standing("city-fd", 7)}), wanted = "names no key";
    }
    SUBCASE("the record says so itself") {
        seq = gateway.opened({{{"agency", "metro-pd"}, {"state", "missing"}}}),
        wanted = "says so itself (missing)";
    }
    if (seq == 0) return;
    const std::string wrong = gateway.wrong_opening(seq);
    CHECK(says(wrong, "opens bridge '"));
    CHECK(says(wrong, wanted));
}

TEST_CASE("a consent that was taken in its last second is not held against the log") {
    Gateway gateway;
    gateway.names("metro-pd", 2);
    ConsentStatement said = gateway.statement();
    said.not_before -= 2h;
    said.expires = std::chrono::floor<std::chrono::seconds>(core::wall_now());
    gateway.took(sign(said, key_of(2)));
    CHECK(gateway.report().ok());
}

TEST_CASE(
    "more consents than the verifier keeps in mind are counted, and openings by them not called wrong") {
    Report report;
    ConsentCheck check{std::string(32, 'c'), {}, report, 2};
    Findings findings{report, "log.db"};
    std::uint64_t seq = 0;
    const auto take = [&](const std::string& type, boost::json::object detail) {
        const boost::json::object record{{"type", type},
                                         {"outcome", "ok"},
                                         {"time", "2026-11-22T16:00:00.000000000Z"},
                                         {"mono_ns", "5"},
                                         {"object", {{"kind", "bridge"}, {"id", "joint"}}},
                                         {"detail", std::move(detail)}};
        check.take(seq++, to_canonical(record).value(), findings);
    };
    std::vector<ConsentStatement> said;
    for (char i = '1'; i <= '3'; ++i) {
        said.push_back({.id = std::string(31, '0') + i,
                        .gateway = std::string(32, 'c'),
                        .bridge = "joint",
                        .agency = "metro-pd",
                        .not_before = core::from_rfc3339("2026-11-22T16:00:00Z").value(),
                        .expires = core::from_rfc3339("2026-11-22T18:00:00Z").value(),
                        .agreement = "",
                        .terms = std::string(64, 'a')});
        boost::json::object detail = to_json(sign(said.back(), key_of(2)));
        detail["agency"] = "metro-pd";
        detail["key"] = key_text(key_of(2).public_key());
        take("consent.given", std::move(detail));
    }
    CHECK(report.consents == 3);
    CHECK(report.consents_beyond == 1);
    take("bridge.opened", {{"consents", boost::json::array{Gateway::given(said[2])}}});
    CHECK(report.ok());
    CHECK(says(to_text(report), "1 consents were too many to keep in mind at once"));
}
