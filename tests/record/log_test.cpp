#include "crosspatch/record/log.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/canonical.hpp"
#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;
namespace json = boost::json;

namespace {

// A wall clock that the test sets; the monotonic one goes on.
struct SteppingClock {
    std::atomic<std::int64_t> offset_ms{0};
    Clocks clocks() {
        Clocks out;
        out.wall = [this] { return core::wall_now() + std::chrono::milliseconds{offset_ms.load()}; };
        return out;
    }
};

std::string text_at(const json::object& record, std::string_view key) {
    return std::string{record.at(key).as_string()};
}

}  // namespace

TEST_CASE("a record carries who, what and when, and its link to the one before") {
    Directory directory;
    std::uint64_t seq = 0;
    std::string id;
    {
        Log log{options_for(directory.path())};
        id = log.id();
        Entry entry = tests::entry("floor.granted", {{"priority", 3}, {"cause", "granted"}});
        entry.actor = {{"principal", "ng-unit-7"}, {"agency", "northgate"}};
        entry.object = {{"channel", "ng-ops"}};
        seq = *append(log, entry);
    }
    Reader reader{directory.path()};
    const auto record = *reader.record(seq);
    CHECK(record.at("v") == 1);
    CHECK(text_at(record, "log") == id);
    CHECK(record.at("seq") == seq);
    CHECK(text_at(record, "prev") == text_at(*reader.record(seq - 1), "leaf"));
    CHECK(text_at(record, "time").size() == 30);
    CHECK(std::stoull(text_at(record, "mono_ns")) > 0);
    CHECK(text_at(record, "boot").size() == 36);
    CHECK((record.at("clock").at("state") == "free" || record.at("clock").at("state") == "ntp"));
    CHECK(record.at("clock").at("error_ms").is_int64());
    CHECK(text_at(record, "type") == "floor.granted");
    CHECK(text_at(record, "outcome") == "ok");
    CHECK(record.at("actor").at("principal") == "ng-unit-7");
    CHECK(record.at("object").at("channel") == "ng-ops");
    CHECK(record.at("detail").at("priority") == 3);
    CHECK(text_at(record, "leaf") == core::to_hex(leaf_hash(*reader.line(seq))));
}

TEST_CASE("a log that was written and closed verifies, and says so in the words of the contract") {
    Directory directory;
    write_log(directory.path(), 20);
    const auto report = verify(directory.path());
    CHECK_MESSAGE(report.ok(), words(report));
    CHECK(report.records >= 21);
    CHECK(report.checkpoints >= 2);
    CHECK(report.not_signed == 0);
    CHECK(words(report).find("self-consistent; signed by " + report.fingerprint +
                             ", which nobody vouched for") != std::string::npos);
    CHECK(verify(directory / "log.db").ok());
}

TEST_CASE("a second log in the same directory is refused with the reason") {
    Directory directory;
    Log log{options_for(directory.path())};
    try {
        Log second{options_for(directory.path())};
        FAIL("two logs in one directory");
    } catch (const std::runtime_error& error) {
        CHECK(std::string{error.what()}.find("in use by another crosspatchd") != std::string::npos);
        CHECK(std::string{error.what()}.find(std::to_string(getpid())) != std::string::npos);
    }
}

TEST_CASE("the key is made once, for its owner only, and exported for others to check with") {
    Directory directory;
    write_log(directory.path(), 1);
    struct stat status {};
    REQUIRE(stat((directory / "keys/log.key").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    std::ifstream exported{directory / "keys/log.vkey"};
    std::string line;
    std::getline(exported, line);
    const auto key = VerifierKey::parse(line);
    REQUIRE(key);
    Log again{options_for(directory.path())};
    CHECK(again.verifier_key() == *key);
    CHECK(again.id() == log_id(key->key));
}

TEST_CASE("a key that is gone while its log is there stops the start with what to do") {
    Directory directory;
    write_log(directory.path(), 1);
    std::filesystem::remove(directory / "keys/log.key");
    try {
        Log log{options_for(directory.path())};
        FAIL("a log went on under another key");
    } catch (const std::runtime_error& error) {
        CHECK(std::string{error.what()}.find("put it back from a backup") != std::string::npos);
    }
}

TEST_CASE("an urgent entry is signed at once, an ordinary one within the interval") {
    Directory directory;
    Log log{options_for(directory.path())};
    REQUIRE(wait_until([&] { return log.health().checkpoint_size == 1; }));  // software.started
    REQUIRE(append(log, entry("message.read")));
    std::this_thread::sleep_for(300ms);
    CHECK(log.health().checkpoint_size == 1);
    REQUIRE(append(log, entry("consent.revoked")));
    CHECK(wait_until([&] { return log.health().checkpoint_size == 3; }, 2s));
    REQUIRE(append(log, entry("message.read")));
    log.flush();
    CHECK(wait_until([&] { return log.health().checkpoint_size == 4; }, 2s));
}

TEST_CASE("two hundred and fifty-six ordinary records are signed without waiting") {
    Directory directory;
    Log log{options_for(directory.path())};
    REQUIRE(wait_until([&] { return log.health().checkpoint_size == 1; }));
    for (int i = 0; i < 256; ++i) REQUIRE(log.append(entry("message.read")));
    CHECK(wait_until([&] { return log.health().checkpoint_size >= 257; }, 5s));
}

TEST_CASE("entries that nobody waits for are gathered into few commits") {
    Directory directory;
    Log log{options_for(directory.path())};
    REQUIRE(wait_until([&] { return log.health().size == 1; }));
    const auto before = log.figures().commits.read();
    for (int i = 0; i < 200; ++i) REQUIRE(log.append(entry("message.read")));
    REQUIRE(wait_until([&] { return log.health().size == 201; }));
    CHECK(log.figures().commits.read() - before < 100);
    CHECK(log.figures().records.read() == 201);
}

TEST_CASE("a full queue refuses, counts, and the log says how many are missing") {
    Directory directory;
    std::uint64_t refused = 0;
    {
        auto options = options_for(directory.path());
        options.queue = 4;
        Log log{options};
        REQUIRE(wait_until([&] { return log.health().size == 1; }));
        for (int i = 0; i < 5000; ++i) refused += log.append(entry("message.read")) ? 0 : 1;
        REQUIRE(refused > 0);
        CHECK(log.figures().refused.read() == refused);
        CHECK(wait_until(
            [&] { return !log.health().alarms.empty() && log.health().alarms.front().name == "log.gap"; }));
    }
    std::uint64_t missing = 0;
    for (const auto& gap : records(directory.path(), "audit.gap")) {
        missing += gap.at("detail").at("missing").to_number<std::uint64_t>();
    }
    CHECK(missing == refused);
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("what does not fit a record is left out, said so, and not acknowledged as whole") {
    Directory directory;
    {
        Log log{options_for(directory.path())};
        CHECK(append(log, entry("message.sent", {{"text", std::string(20'000, 'x')}})).error().code ==
              core::Error::Code::Invalid);
        CHECK_FALSE(append(log, entry("message.sent", {{"level", 1.5}})));
        CHECK(append(log, entry("message.sent", {{"nothing", nullptr}, {"something", 1}})));
        auto wide = entry("message.sent");
        wide.actor["principal"] = std::string(20'000, 'x');
        CHECK_FALSE(append(log, wide));
    }
    const auto sent = records(directory.path(), "message.sent");
    REQUIRE(sent.size() == 4);
    CHECK(text_at(sent[0].at("detail").as_object(), "left_out").find("longer than 16384") !=
          std::string::npos);
    CHECK(text_at(sent[1].at("detail").as_object(), "left_out").find("fraction") != std::string::npos);
    CHECK(sent[2].at("detail") == json::value{{"something", 1}});
    CHECK_FALSE(sent[3].contains("actor"));
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("hostile text stays one line of the log") {
    Directory directory;
    const std::string hostile =
        "a\nb\x1b[31m\xE2\x80\xA8"
        "c\xC2\x9B"
        "d\xE2\x80\xAE\xff\x7f\0e";
    std::uint64_t seq = 0;
    {
        Log log{options_for(directory.path())};
        seq = *append(log, entry("message.sent", {{"text", hostile}}));
    }
    Reader reader{directory.path()};
    const auto line = *reader.line(seq);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line.find("\\n") != std::string::npos);
    CHECK(line.find("\\u001b") != std::string::npos);
    CHECK(line.find("\xE2\x80\xA8") == std::string::npos);
    CHECK(line.find("\\\\u2028") != std::string::npos);
    CHECK(line.find("\\\\u009b") != std::string::npos);
    CHECK(line.find("\\\\u202e") != std::string::npos);
    CHECK(line.find("\\\\xff") != std::string::npos);
    CHECK(from_canonical(line));
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("a step of the wall clock is on record within two seconds, with both times") {
    for (const std::int64_t step : {3'600'000LL, -3'600'000LL, 315'360'000'000LL}) {
        Directory directory;
        SteppingClock clock;
        {
            auto options = options_for(directory.path());
            options.clocks = clock.clocks();
            Log log{options};
            REQUIRE(wait_until([&] { return log.health().size == 1; }));
            std::this_thread::sleep_for(600ms);  // the clock has been looked at before it is set
            const auto before = log.health().size;
            clock.offset_ms = step;
            CHECK(wait_until([&] { return log.health().size > before; }, 2s));
        }
        const auto steps = records(directory.path(), "clock.step");
        REQUIRE(steps.size() == 1);
        const auto& detail = steps[0].at("detail").as_object();
        CHECK(std::abs(detail.at("step_ms").as_int64() - step) < 1000);
        CHECK(detail.at("expected") != detail.at("found"));
        CHECK(verify(directory.path()).ok());
    }
}

TEST_CASE("a start says its version and key, and knows the newest record's time") {
    Directory directory;
    Entry late = entry("message.sent");
    late.time = core::wall_now() + std::chrono::hours{24};
    std::string key;
    {
        Log log{options_for(directory.path())};
        key = log.verifier_key().to_string();
        CHECK_FALSE(log.newest_record_time());
        REQUIRE(append(log, late));
    }
    const auto started = records(directory.path(), "software.started");
    REQUIRE(started.size() == 1);
    CHECK(started[0].at("detail").at("version") == "test");
    CHECK(text_at(started[0].at("detail").as_object(), "verifier_key") == key);
    Log log{options_for(directory.path())};
    CHECK(log.newest_record_time() == late.time);
}

TEST_CASE("the newest time on record is the latest, though the clock was set back and starts came after it") {
    Directory directory;
    Entry late = entry("message.sent");
    late.time = core::wall_now() + std::chrono::hours{24};
    {
        Log log{options_for(directory.path())};
        REQUIRE(append(log, late));
        REQUIRE(append(log, entry("message.sent")));
    }
    for (int start = 0; start < 2; ++start) {
        Log log{options_for(directory.path())};
        CHECK(log.newest_record_time() == late.time);
        REQUIRE(append(log, entry("message.sent")));
    }
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("a clean end leaves no recovery record and one file without a WAL") {
    Directory directory;
    write_log(directory.path(), 3);
    CHECK_FALSE(std::filesystem::exists(directory / "log.db-wal"));
    write_log(directory.path(), 3);
    CHECK(records(directory.path(), "recovery").empty());
    CHECK(records(directory.path(), "software.started").size() == 2);
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("another program that looks and closes again does not take the write-ahead log away") {
    Directory directory;
    {
        Log log{options_for(directory.path())};
        REQUIRE(append(log, entry("message.sent", {{"number", 1}})));
        // A process of its own, without a copy of this one's threads and locks.
        const std::string look =
            "sqlite3 '" + (directory / "log.db").string() + "' 'SELECT count(*) FROM record' >/dev/null";
        REQUIRE(std::system(look.c_str()) == 0);
        CHECK(std::filesystem::exists(directory / "log.db-wal"));
        REQUIRE(append(log, entry("message.sent", {{"number", 2}})));
        CHECK(log.health().file == "log.db");
    }
    CHECK(records(directory.path(), "message.sent").size() == 2);
    CHECK(verify(directory.path()).ok());
}

TEST_CASE("a name is sealed beside the record, can be read, and is gone after it was erased") {
    Directory directory;
    std::uint64_t seq = 0;
    {
        Log log{options_for(directory.path())};
        Entry named = entry("account.added");
        named.personal = {{"name", "Jo Example"}, {"reason", "free text with a number 555-0100"}};
        seq = *append(log, named);
        Reader reader{directory.path()};
        CHECK(*reader.personal(seq) ==
              json::object{{"name", "Jo Example"}, {"reason", "free text with a number 555-0100"}});
        const auto record = *reader.record(seq);
        REQUIRE(record.at("personal").as_array().size() == 2);
        CHECK(text_at(record.at("personal").at(0).as_object(), "commitment").size() == 64);
        CHECK(reader.line(seq)->find("Jo") == std::string::npos);

        const auto erased = append(log, entry("message.sent"));
        REQUIRE(erased);
        std::promise<bool> done;
        REQUIRE(log.erase_personal(seq, entry("retention.done", {{"approved_by", {"a", "b"}}}),
                                   [&](const auto& result) { done.set_value(result.has_value()); }));
        CHECK(done.get_future().get());
        CHECK(*reader.personal(seq) == json::object{{"name", "erased"}, {"reason", "erased"}});
    }
    const auto done = records(directory.path(), "retention.done");
    REQUIRE(done.size() == 1);
    CHECK(done[0].at("detail").at("erased_record") == seq);
    CHECK(text_at(done[0], "outcome") == "ok");
    CHECK(verify(directory.path()).ok());
    for (const auto& file : std::filesystem::directory_iterator{directory.path()}) {
        if (!file.is_regular_file()) continue;
        std::ifstream stream{file.path(), std::ios::binary};
        const std::string octets{std::istreambuf_iterator<char>{stream}, {}};
        CHECK(octets.find("Jo Example") == std::string::npos);
    }
}
