// Consents on record, as crosspatch-verify finds them.
#include <doctest/doctest.h>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/consent.hpp"
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
    void names(const std::string& agency, char key) {
        Entry one = entry("key.added", {{"key", key_text(key_of(key).public_key())}});
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
