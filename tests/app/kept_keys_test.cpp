#include "crosspatch/app/kept_keys.hpp"

#include <doctest/doctest.h>

#include "tests/support/temp_directory.hpp"

namespace crosspatch::app {
namespace {

std::vector<bridge::Agency> agencies() {
    bridge::Agency kept{.id = "northgate", .key_kept_here = true};
    bridge::Agency own{.id = "metro-pd"};
    own.public_key = record::SigningKey::generate().public_key();
    return {kept, own};
}

TEST_CASE("an agency whose key the gateway keeps gets one of its own, and keeps it") {
    const tests::TempDirectory directory;
    std::filesystem::create_directory(directory / "keys");
    const auto all = agencies();
    const auto first = load_kept_keys(directory.path(), all, {});
    REQUIRE(first);
    CHECK(first->kept.size() == 1);
    const auto file = directory / "keys/agency-northgate.key";
    CHECK(std::filesystem::status(file).permissions() == std::filesystem::perms{0600});
    CHECK_FALSE(std::filesystem::exists(directory / "keys/agency-metro-pd.key"));
    const auto again = load_kept_keys(directory.path(), all, {});
    REQUIRE(again);
    const bridge::AgencyKeys keys = public_keys(all, again->kept);
    CHECK(keys == public_keys(all, first->kept));
    CHECK(keys.at("metro-pd") == *all[1].public_key);
    CHECK(keys.at("northgate") != keys.at("metro-pd"));
}

TEST_CASE("a key that is missing is made where there never was one, and nowhere else") {
    const tests::TempDirectory directory;
    std::filesystem::create_directory(directory / "keys");
    auto all = agencies();
    all.push_back({.id = "southgate", .key_kept_here = true});
    const auto file = kept_key_file(directory.path(), "northgate");
    CHECK(file == directory / "keys/agency-northgate.key");
    const auto loaded = load_kept_keys(directory.path(), all, {"northgate", "metro-pd"});
    REQUIRE(loaded);
    CHECK(loaded->lost == std::map<std::string, std::filesystem::path>{{"northgate", file}});
    CHECK_FALSE(std::filesystem::exists(file));
    const bridge::AgencyKeys keys = public_keys(all, loaded->kept);
    CHECK(keys.contains("southgate"));
    CHECK(keys.contains("metro-pd"));
    CHECK_FALSE(keys.contains("northgate"));
    // Brought back from the backup.
    const auto key = record::SigningKey::generate();
    REQUIRE(record::write_signing_key(file, key));
    const auto again = load_kept_keys(directory.path(), all, {"northgate", "southgate"});
    REQUIRE(again);
    CHECK(again->lost.empty());
    CHECK(public_keys(all, again->kept).at("northgate") == key.public_key());
}

TEST_CASE("a key file that others may read or that holds something else is left as it is, and said") {
    const tests::TempDirectory directory;
    std::filesystem::create_directory(directory / "keys");
    for (const auto& [text, mode] : {std::pair{"", 0600}, std::pair{"AAEC\n", 0600},
                                     std::pair{"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0644}}) {
        directory.write("keys/agency-northgate.key", text, static_cast<mode_t>(mode));
        const auto loaded = load_kept_keys(directory.path(), agencies(), {});
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().context.find("agency-northgate.key") != std::string::npos);
        CHECK(std::filesystem::file_size(directory / "keys/agency-northgate.key") ==
              std::string_view{text}.size());
    }
}

TEST_CASE("two agencies with one key are refused by name, wherever the key is kept") {
    const tests::TempDirectory directory;
    std::filesystem::create_directory(directory / "keys");
    auto all = agencies();
    const auto kept = load_kept_keys(directory.path(), all, {});
    REQUIRE(kept);
    SUBCASE("both named by the configuration") {
        all.push_back({.id = "city-fd"});
        all.back().public_key = all[1].public_key;
    }
    SUBCASE("one kept here and named for another") {
        all.push_back({.id = "city-fd"});
        all.back().public_key = kept->kept.at("northgate")->public_key();
    }
    SUBCASE("one file copied over another") {
        all.push_back({.id = "city-fd", .key_kept_here = true});
        std::filesystem::copy_file(directory / "keys/agency-northgate.key",
                                   directory / "keys/agency-city-fd.key");
        std::filesystem::permissions(directory / "keys/agency-city-fd.key", std::filesystem::perms{0600});
    }
    const auto again = load_kept_keys(directory.path(), all, {});
    REQUIRE_FALSE(again);
    CHECK(again.error().code == core::Error::Code::Invalid);
    CHECK(again.error().context.find("'city-fd'") != std::string::npos);
    const std::string other = all[2].public_key == all[1].public_key ? "'metro-pd'" : "'northgate'";
    CHECK(again.error().context.find(other) != std::string::npos);
}

}  // namespace
}  // namespace crosspatch::app
