#include "crosspatch/app/keeper.hpp"

#include <doctest/doctest.h>

#include "crosspatch/core/file.hpp"
#include "tests/support/temp_directory.hpp"

namespace crosspatch::app {
namespace {

using namespace std::chrono_literals;
using Document = Keeper::Document;

struct Desk {
    tests::TempDirectory directory;
    std::filesystem::path orders = directory / "orders.json";
    std::filesystem::path consents = directory / "consents.json";
    std::unique_ptr<Keeper> keeper = make();

    std::unique_ptr<Keeper> make() {
        auto journal = rtp::IndexJournal::open(directory / "srtp.index");
        REQUIRE(journal);
        return std::make_unique<Keeper>(std::move(*journal), Keeper::Files{orders, consents},
                                        [](const std::vector<Keeper::Answer>&) {});
    }
    static std::string text(const std::filesystem::path& file) {
        const auto octets = core::read_file(file, 1000);
        return octets ? std::string{reinterpret_cast<const char*>(octets->data()), octets->size()} : "";
    }
    bool wait_until_kept(std::chrono::milliseconds limit = 10s) const {
        const core::Time end = core::monotonic_now() + limit;
        while (keeper->waiting(core::monotonic_now()) > core::Duration{}) {
            if (core::monotonic_now() > end) return false;
            std::this_thread::sleep_for(1ms);
        }
        return true;
    }
};

TEST_CASE("each document is kept in its own file, the newest of it, and then nothing waits") {
    Desk desk;
    CHECK(desk.keeper->waiting(core::monotonic_now()) == core::Duration{});
    for (int i = 0; i < 50; ++i) {
        desk.keeper->keep(Document::Orders, "orders " + std::to_string(i));
        desk.keeper->keep(Document::Consents, "consents " + std::to_string(i));
    }
    REQUIRE(desk.wait_until_kept());
    CHECK(Desk::text(desk.orders) == "orders 49");
    CHECK(Desk::text(desk.consents) == "consents 49");
}

TEST_CASE("a document that cannot be written waits, and does not hold up the other") {
    Desk desk;
    std::filesystem::create_directory(desk.consents);  // no file can take its place
    desk.keeper->keep(Document::Consents, "consents");
    desk.keeper->keep(Document::Orders, "orders");
    CHECK_FALSE(desk.wait_until_kept(300ms));
    CHECK(Desk::text(desk.orders) == "orders");
    std::filesystem::remove(desk.consents);
    CHECK(desk.wait_until_kept());
    CHECK(Desk::text(desk.consents) == "consents");
}

TEST_CASE("what waits when it ends is written first") {
    Desk desk;
    desk.keeper->keep(Document::Consents, "the last word");
    desk.keeper.reset();
    CHECK(Desk::text(desk.consents) == "the last word");
}

}  // namespace
}  // namespace crosspatch::app
