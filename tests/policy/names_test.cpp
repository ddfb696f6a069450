#include "crosspatch/policy/names.hpp"

#include <doctest/doctest.h>

#include <string>

#include "crosspatch/policy/facts.hpp"

using namespace crosspatch::policy;

TEST_CASE("a name keeps its number, and the number its name, however many follow") {
    Names names;
    const NameId first = names.intern("northgate");
    for (int i = 0; i < 5000; ++i) names.intern("talker-" + std::to_string(i));
    CHECK(names.intern("northgate") == first);
    CHECK(names.find("northgate") == first);
    CHECK(names.text(first) == "northgate");
    CHECK(names.text(names.find("talker-4999")) == "talker-4999");
    CHECK(names.find("talker-4999") != names.find("talker-4998"));
}

TEST_CASE("no name and a name that nobody wrote are the same nobody") {
    Names names;
    CHECK(names.intern("") == NameId::None);
    CHECK(names.find("metro-pd") == NameId::None);
    CHECK(names.text(NameId::None).empty());
    CHECK(names.text(static_cast<NameId>(7)).empty());
}

TEST_CASE("a table that is moved still knows its names") {
    Names before;
    const NameId id = before.intern("a");  // short enough to live inside its string
    Names after{std::move(before)};
    CHECK(after.find("a") == id);
    CHECK(after.text(id) == "a");
    CHECK(after.intern("b") != id);
}

TEST_CASE("the words of the configuration name their values both ways, and no word names the API's suite") {
    for (const auto text : {"voice", "text", "picture", "location"}) CHECK(word(*kind_of(text)) == text);
    for (const auto text : {"RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"}) {
        CHECK(word(*sensitivity_of(text)) == text);
    }
    for (const auto text : {"AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "none"}) {
        CHECK(word(*suite_of(text)) == text);
    }
    CHECK(sensitivity_of("AMBER+STRICT") == Sensitivity::AmberStrict);
    CHECK(suite_of("none") == Suite::None);
    CHECK_FALSE(suite_of("api"));
    CHECK_FALSE(kind_of("Voice"));
    CHECK_FALSE(sensitivity_of("amber"));
}

TEST_CASE("the other side sees the crossing the other way round, with its own listener's suite") {
    Names names;
    Facts facts;
    facts.own_agency = names.intern("northgate");
    facts.own_channel = names.intern("ng-ops");
    facts.other_agency = names.intern("metro-pd");
    facts.other_channel = names.intern("pd-tac-3");
    facts.talker = names.intern("ng-unit-7");
    facts.suite = Suite::None;
    const Facts there = facts.from_other_side(Suite::AeadAes128Gcm);
    CHECK(there.own_agency == facts.other_agency);
    CHECK(there.own_channel == facts.other_channel);
    CHECK(there.other_agency == facts.own_agency);
    CHECK(there.other_channel == facts.own_channel);
    CHECK(there.talker == facts.talker);
    CHECK(there.suite == Suite::AeadAes128Gcm);
    CHECK_FALSE(there.same_agency());
}
