#include "crosspatch/rtp/index_journal.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <vector>

#include "src/rtp/index_slot.hpp"
#include "tests/support/temp_directory.hpp"

namespace crosspatch::rtp {
namespace {

using Kind = IndexRecord::Kind;

KeyFingerprint fingerprint(unsigned seed) {
    KeyFingerprint made{};
    made[0] = static_cast<std::byte>(seed);
    made[7] = static_cast<std::byte>(seed >> 8);
    return made;
}

IndexRecord send(unsigned key, std::uint32_t ssrc, std::uint64_t rtp, std::uint32_t rtcp = 0) {
    return {Kind::Send, fingerprint(key), ssrc, {rtp, rtcp}, {}};
}

struct Shelf {
    IndexJournal open() {
        auto journal = IndexJournal::open(file);
        REQUIRE(journal);
        return std::move(*journal);
    }
    std::vector<char> octets() const {
        std::ifstream in{file, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    void put(const std::vector<char>& octets) const {
        directory.write("indices", {octets.data(), octets.size()});
    }

    tests::TempDirectory directory;
    std::filesystem::path file = directory / "indices";
};

TEST_CASE("what was synced is there after a restart, addresses included") {
    Shelf shelf;
    IndexRecord heard{Kind::Receive,
                      fingerprint(2),
                      0xDEADBEEF,
                      {(3ULL << 16) + 77, 9},
                      *core::Address::parse("[2001:db8::7]:40010")};
    {
        auto journal = shelf.open();
        CHECK(journal.records().empty());
        CHECK_FALSE(journal.dirty());
        journal.update(send(1, 11, 2900, 256));
        journal.update(heard);
        CHECK(journal.dirty());
        CHECK(journal.sync());
        CHECK_FALSE(journal.dirty());
    }
    auto journal = shelf.open();
    CHECK(journal.records().size() == 2);
    CHECK(journal.find(Kind::Send, fingerprint(1), 11) == send(1, 11, 2900, 256));
    CHECK(journal.find(Kind::Receive, fingerprint(2), 0xDEADBEEF) == heard);
    CHECK_FALSE(journal.find(Kind::Receive, fingerprint(1), 11));
    CHECK(journal.find(Kind::Receive, fingerprint(2)).size() == 1);
    CHECK(journal.damage().copies == 0);
}

TEST_CASE("limits never fall, and an update without an address keeps the one that was learned") {
    Shelf shelf;
    {
        auto journal = shelf.open();
        auto record = send(1, 11, 5000, 10);
        record.address = *core::Address::parse("192.0.2.1:9");
        journal.update(record);
        journal.update(send(1, 11, 4000, 20));
        CHECK(journal.sync());
    }
    auto journal = shelf.open();
    const auto found = journal.find(Kind::Send, fingerprint(1), 11);
    REQUIRE(found);
    CHECK(found->limits == IndexLimits{5000, 20});
    CHECK(found->address == *core::Address::parse("192.0.2.1:9"));
    journal.settle(send(1, 11, 4200, 12));  // a clean stop knows better
    CHECK(journal.sync());
    CHECK(journal.find(Kind::Send, fingerprint(1), 11)->limits == IndexLimits{4200, 12});
}

TEST_CASE("what was not synced promises nothing, and what was stays") {
    Shelf shelf;
    {
        auto journal = shelf.open();
        journal.update(send(1, 1, 100));
        CHECK(journal.sync());
        journal.update(send(1, 1, 200));
        journal.update(send(1, 2, 300));
    }
    auto journal = shelf.open();
    CHECK(journal.records().size() == 1);
    CHECK(journal.find(Kind::Send, fingerprint(1), 1)->limits.rtp == 100);
}

TEST_CASE("a forgotten key is gone, and its places serve others") {
    Shelf shelf;
    std::size_t size = 0;
    {
        auto journal = shelf.open();
        for (std::uint32_t ssrc = 0; ssrc < 100; ++ssrc) journal.update(send(1, ssrc, 100));
        journal.update(send(2, 1, 7));
        CHECK(journal.sync());
        size = shelf.octets().size();
        journal.forget(fingerprint(1));
        CHECK(journal.sync());
        for (std::uint32_t ssrc = 0; ssrc < 100; ++ssrc) journal.update(send(3, ssrc, 100));
        CHECK(journal.sync());
        CHECK(shelf.octets().size() <= size + 4096);
    }
    auto journal = shelf.open();
    CHECK(journal.find(Kind::Send, fingerprint(1)).empty());
    CHECK(journal.find(Kind::Send, fingerprint(2)).size() == 1);
    CHECK(journal.find(Kind::Send, fingerprint(3)).size() == 100);
}

TEST_CASE("two daemons cannot have it at once") {
    Shelf shelf;
    auto journal = shelf.open();
    const auto second = IndexJournal::open(shelf.file);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == core::Error::Code::Busy);
    CHECK(journal.rebuild());
    CHECK_FALSE(IndexJournal::open(shelf.file));
}

TEST_CASE("a symbolic link, a directory or a missing place is refused with the file's name") {
    Shelf shelf;
    shelf.directory.write("elsewhere", "");
    std::filesystem::create_symlink(shelf.directory / "elsewhere", shelf.file);
    const auto link = IndexJournal::open(shelf.file);
    REQUIRE_FALSE(link);
    CHECK(link.error().context.find("indices") != std::string::npos);
    CHECK_FALSE(IndexJournal::open(shelf.directory.path()));
    CHECK_FALSE(IndexJournal::open(shelf.directory / "nowhere/indices"));
}

TEST_CASE("any one damaged octet is survived: the other copy holds") {
    Shelf shelf;
    {
        auto journal = shelf.open();
        for (std::uint32_t ssrc = 0; ssrc < 3; ++ssrc) journal.update(send(1, ssrc, 1000 + ssrc, ssrc));
        CHECK(journal.sync());
        CHECK(journal.sync());
    }
    { auto journal = shelf.open(); }  // settled: both images are complete
    const auto sound = shelf.octets();
    for (const std::size_t image : {0, 4096}) {
        for (std::size_t at = 0; at < 3 * kSlotSize; ++at) {
            auto damaged = sound;
            damaged[image + at] = static_cast<char>(damaged[image + at] ^ 0x10);
            shelf.put(damaged);
            auto journal = shelf.open();
            REQUIRE(journal.damage().copies == 1);
            REQUIRE(journal.damage().lost == 0);
            for (std::uint32_t ssrc = 0; ssrc < 3; ++ssrc) {
                REQUIRE(journal.find(Kind::Send, fingerprint(1), ssrc) == send(1, ssrc, 1000 + ssrc, ssrc));
            }
        }
    }
    auto damaged = sound;
    damaged[5] ^= 1;
    damaged[4096 + 5] ^= 1;
    shelf.put(damaged);
    auto journal = shelf.open();
    CHECK(journal.damage().lost == 1);
    CHECK(journal.records().size() == 2);
}

TEST_CASE("a file of junk, or cut anywhere, is read without harm") {
    Shelf shelf;
    std::minstd_rand numbers{3};
    std::vector<char> junk(10000);
    for (auto& octet : junk) octet = static_cast<char>(numbers() >> 8);
    shelf.put(junk);
    {
        auto journal = shelf.open();
        CHECK(journal.records().empty());
        CHECK(journal.damage().lost > 0);
        for (std::uint32_t ssrc = 0; ssrc < 200; ++ssrc) journal.update(send(1, ssrc, 1));
        CHECK(journal.sync());
    }
    { auto journal = shelf.open(); }
    const auto whole = shelf.octets();
    for (std::size_t size = 0; size < whole.size(); size += 997) {
        shelf.put({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
        auto journal = shelf.open();
        CHECK(journal.records().size() <= 200);
    }
}

// Plays a power cut: of what the last sync wrote, any part may have reached the disk, torn anywhere within a
// sector.
TEST_CASE("a power cut in the middle of a sync never takes back what an earlier sync promised") {
    std::mt19937 numbers{11};
    for (int round = 0; round < 60; ++round) {
        Shelf shelf;
        std::map<std::uint32_t, std::uint64_t> promised;
        std::map<std::uint32_t, std::uint64_t> asked;
        std::vector<char> before;
        std::vector<char> after;
        {
            auto journal = shelf.open();
            const auto syncs = 1 + numbers() % 6;
            for (unsigned sync = 0; sync <= syncs; ++sync) {
                promised = asked;
                before = shelf.octets();
                for (int change = 0; change < 5; ++change) {
                    const auto ssrc = static_cast<std::uint32_t>(numbers() % 150);
                    asked[ssrc] += 1 + numbers() % 100;
                    journal.update(send(1, ssrc, asked[ssrc]));
                }
                REQUIRE(journal.sync());
            }
            after = shelf.octets();
        }
        before.resize(after.size());
        auto torn = before;
        for (std::size_t at = 0; at < torn.size(); at += 8) {
            if (numbers() % 2)
                std::copy_n(after.begin() + static_cast<std::ptrdiff_t>(at), 8,
                            torn.begin() + static_cast<std::ptrdiff_t>(at));
        }
        shelf.put(torn);
        auto journal = shelf.open();
        for (const auto& [ssrc, limit] : promised) {
            const auto found = journal.find(Kind::Send, fingerprint(1), ssrc);
            REQUIRE(found);
            REQUIRE(found->limits.rtp >= limit);
        }
    }
}

TEST_CASE("where the disk refuses, the records can be read, sync says no, and rebuild mends it") {
    Shelf shelf;
    {
        auto journal = shelf.open();
        journal.update(send(1, 1, 100));
        REQUIRE(journal.sync());
    }
    std::filesystem::create_directory(shelf.directory / "indices.new");
    auto journal = shelf.open();
    CHECK(journal.find(Kind::Send, fingerprint(1), 1)->limits.rtp == 100);
    journal.update(send(1, 1, 200));
    const auto refused = journal.sync();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().context.find("indices") != std::string::npos);
    CHECK_FALSE(journal.rebuild());
    std::filesystem::remove(shelf.directory / "indices.new");
    CHECK_FALSE(journal.sync());  // it does not mend itself
    CHECK(journal.rebuild());
    CHECK(journal.sync());
    CHECK_FALSE(journal.dirty());
}

TEST_CASE("the file is for its owner only") {
    Shelf shelf;
    auto journal = shelf.open();
    const auto mode = std::filesystem::status(shelf.file).permissions();
    CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE(
    "the port of floor messages is kept over a restart, of the stream that used it last, beside the address "
    "or alone") {
    Shelf shelf;
    {
        auto journal = shelf.open();
        journal.update({Kind::Receive, fingerprint(1), 4, {100, 0}, *core::Address::parse("192.0.2.2:9")});
        journal.update({Kind::Receive, fingerprint(1), 4, {100, 0}, {}, 50'000});
        journal.update({Kind::Receive, fingerprint(2), 5, {100, 0}, {}, 50'001});
        journal.update({Kind::Receive, fingerprint(2), 6, {100, 0}, {}, 50'002});
        journal.update({Kind::Receive, fingerprint(2), 6, {200, 0}});
        REQUIRE(journal.sync());
    }
    const auto journal = shelf.open();
    CHECK(journal.find(Kind::Receive, fingerprint(1), 4)->floor_port == 50'000);
    CHECK(journal.find(Kind::Receive, fingerprint(1), 4)->address.to_string() == "192.0.2.2:9");
    CHECK(journal.find(Kind::Receive, fingerprint(2), 5)->floor_port == 0);
    CHECK(journal.find(Kind::Receive, fingerprint(2), 6)->floor_port == 50'002);
}

TEST_CASE("of the streams under one key only that which moved last has an address") {
    Shelf shelf;
    const auto heard = [](std::uint32_t ssrc, const char* address, unsigned key = 1) {
        return IndexRecord{Kind::Receive, fingerprint(key), ssrc, {100, 0}, *core::Address::parse(address)};
    };
    {
        auto journal = shelf.open();
        journal.update(heard(9, "192.0.2.1:9"));
        journal.update(heard(9, "192.0.2.7:9", 2));  // another radio
        CHECK(journal.sync());
        CHECK(journal.sync());
        journal.update(heard(4, "192.0.2.2:9"));
        CHECK(journal.sync());
    }
    auto journal = shelf.open();
    CHECK_FALSE(journal.find(Kind::Receive, fingerprint(1), 9)->address);
    CHECK(journal.find(Kind::Receive, fingerprint(1), 4)->address.to_string() == "192.0.2.2:9");
    CHECK(journal.find(Kind::Receive, fingerprint(2), 9)->address.to_string() == "192.0.2.7:9");
    journal.update(heard(9, "192.0.2.3:9"));
    CHECK_FALSE(journal.find(Kind::Receive, fingerprint(1), 4)->address);
    CHECK(journal.find(Kind::Receive, fingerprint(1), 4)->limits.rtp == 100);
}

TEST_CASE("keys that left the configuration are remembered until there are too many of their streams") {
    Shelf shelf;
    {
        auto journal = shelf.open();
        for (unsigned key = 1; key <= 4; ++key)
            for (std::uint32_t ssrc = 0; ssrc < 5; ++ssrc) journal.update(send(key, ssrc, 100));
        const std::vector in_use{fingerprint(2), fingerprint(7)};
        CHECK(journal.retire(in_use, 15) == 0);
        CHECK(journal.records().size() == 20);
        CHECK(journal.retire(in_use, 14) == 15);
        CHECK(journal.sync());
    }
    const auto journal = shelf.open();
    CHECK(journal.records().size() == 5);
    CHECK(journal.find(Kind::Send, fingerprint(2)).size() == 5);
}

}  // namespace
}  // namespace crosspatch::rtp
