#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/merkle.hpp"
#include "src/record/sqlite.hpp"
#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;

namespace {

constexpr int kRecords = 30;  // behind software.started, so records 0 to 30

using Numbers = std::vector<std::uint64_t>;

std::string body_of(const std::filesystem::path& directory, std::uint64_t seq) {
    return *Reader{directory}.line(seq);
}

std::string quoted(std::string text) {
    for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2) text.insert(at, "'");
    return "'" + text + "'";
}

std::string blob(const Hash& hash) { return "x'" + core::to_hex(hash) + "'"; }

// The text of a record with one digit of its `number` changed.
std::string edited(std::string body) {
    const auto at = body.find("\"number\":");
    REQUIRE(at != std::string::npos);
    body[at + 9] = body[at + 9] == '9' ? '8' : '9';
    return body;
}

void sql(const Directory& directory, const std::string& statements) {
    tamper(directory / "log.db", statements);
}

void set(const Directory& directory, std::uint64_t seq, const std::string& body, const Hash& leaf) {
    sql(directory, "UPDATE record SET body=" + quoted(body) + ", leaf=" + blob(leaf) +
                       " WHERE seq=" + std::to_string(seq));
}

}  // namespace

TEST_CASE("one changed octet names its record, and only it") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory,
        "UPDATE record SET body=" + quoted(edited(body_of(directory.path(), 12))) + " WHERE seq=12");
    const auto report = verify(directory.path());
    CHECK_MESSAGE(named_records(report) == Numbers{12}, words(report));
    CHECK(report.problems.size() == 1);
    CHECK(report.size == report.records);  // the tree is whole: its leaf still stands
}

TEST_CASE("a changed record with a leaf to match is named by the record behind it") {
    Directory directory;
    write_log(directory.path(), kRecords);
    const auto body = edited(body_of(directory.path(), 12));
    set(directory, 12, body, leaf_hash(body));
    const auto report = verify(directory.path());
    CHECK_MESSAGE(named_records(report) == Numbers{12}, words(report));
    CHECK(report.problems[0].what.find("replaced together with its hash") != std::string::npos);
}

TEST_CASE("several changed records are all named, also next to each other and at the ends") {
    for (const auto& which : {Numbers{5, 20}, Numbers{1, 2, 3}, Numbers{1, 30}, Numbers{10, 12}}) {
        Directory directory;
        write_log(directory.path(), kRecords);
        for (const auto seq : which) {
            sql(directory, "UPDATE record SET body=" + quoted(edited(body_of(directory.path(), seq))) +
                               " WHERE seq=" + std::to_string(seq));
        }
        const auto report = verify(directory.path());
        CHECK_MESSAGE(named_records(report) == which, words(report));
    }
}

TEST_CASE("a swapped leaf is told from a changed text") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory, "UPDATE record SET leaf=" + blob(leaf_hash("something else")) + " WHERE seq=7");
    const auto report = verify(directory.path());
    CHECK_MESSAGE(named_records(report) == Numbers{7}, words(report));
    CHECK(report.problems[0].what.find("the text is sound") != std::string::npos);
}

TEST_CASE("a deleted record is missing by number, and the rest still verifies") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory, "DELETE FROM record WHERE seq=9");
    const auto report = verify(directory.path());
    CHECK_MESSAGE(named_records(report) == Numbers{9}, words(report));
    CHECK(report.problems.size() == 1);
}

TEST_CASE("a record deleted with those behind it moved up is missing by number") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory,
        "DELETE FROM record WHERE seq=9; UPDATE record SET seq=-(seq-1) WHERE seq>9; UPDATE record SET "
        "seq=-seq WHERE seq<0");
    const auto report = verify(directory.path());
    CHECK_MESSAGE(named_records(report) == Numbers{9}, words(report));
}

TEST_CASE("several deleted records are missing, and what they hide is said") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory, "DELETE FROM record WHERE seq BETWEEN 9 AND 13");
    const auto report = verify(directory.path());
    CHECK_MESSAGE(named_records(report) == Numbers{9}, words(report));
    CHECK(report.problems[0].what.find("records 9 to 13 are missing") != std::string::npos);
    CHECK_FALSE(report.notes.empty());
}

TEST_CASE("an inserted record is named") {
    Directory directory;
    write_log(directory.path(), kRecords);
    const auto forged = edited(body_of(directory.path(), 9));
    sql(directory,
        "UPDATE record SET seq=-(seq+1) WHERE seq>=9; UPDATE record SET seq=-seq WHERE seq<0;"
        "INSERT INTO record VALUES(9, " +
            quoted(forged) + ", " + blob(leaf_hash(forged)) + ")");
    const auto report = verify(directory.path());
    CHECK_MESSAGE(named_records(report) == Numbers{9}, words(report));
    CHECK(report.problems[0].what.find("was inserted") != std::string::npos);
}

TEST_CASE("two records that changed places are both named") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory,
        "UPDATE record SET seq=-1 WHERE seq=8; UPDATE record SET seq=8 WHERE seq=15; UPDATE record SET "
        "seq=15 WHERE seq=-1");
    const auto report = verify(directory.path());
    CHECK_MESSAGE((named_records(report) == Numbers{8, 15}), words(report));
}

TEST_CASE("a cut tail is caught by the checkpoint that covers it, and by log.tip if that is gone too") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory, "DELETE FROM record WHERE seq>=20");
    auto report = verify(directory.path());
    REQUIRE_FALSE(report.ok());
    CHECK(report.problems[0].checkpoint == 31U);
    CHECK_MESSAGE(report.problems[0].what.find("the log ends after 20") != std::string::npos, words(report));
    sql(directory, "DELETE FROM checkpoint WHERE size>20");
    report = verify(directory.path());
    REQUIRE_FALSE(report.ok());
    CHECK_MESSAGE(report.problems[0].what.find("log.tip") != std::string::npos, words(report));
}

TEST_CASE("a forged checkpoint is named by its size") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory,
        "UPDATE checkpoint SET note=replace(note, char(10)||'31'||char(10), char(10)||'30'||char(10)) WHERE "
        "size=31");
    auto report = verify(directory.path());
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].checkpoint == 31U);
    CHECK(report.problems[0].what == "its signature does not verify");
    sql(directory, "UPDATE checkpoint SET note='nothing' WHERE size=31");
    report = verify(directory.path());
    CHECK(report.problems[0].what.find("not a checkpoint") != std::string::npos);
}

TEST_CASE("a rewrite of everything from one record on is caught by the roots") {
    Directory directory;
    {
        Log log{options_for(directory.path())};
        for (int i = 0; i < 10; ++i)
            REQUIRE(append(log, entry("config.reloaded", {{"number", i}})));  // each is signed
        log.flush();
        REQUIRE(wait_until([&] { return log.health().checkpoint_size == 11; }));
    }
    // Every record from 5 on with prev and leaf to match, as the owner of the machine could do without the
    // key.
    Hash prev = leaf_hash(body_of(directory.path(), 4));
    std::vector<std::string> bodies;
    for (std::uint64_t seq = 5; seq <= 10; ++seq) bodies.push_back(body_of(directory.path(), seq));
    for (std::uint64_t seq = 5; seq <= 10; ++seq) {
        auto body = seq == 5 ? edited(bodies[0]) : bodies[seq - 5];
        body.replace(body.find("\"prev\":\"") + 8, 64, core::to_hex(prev));
        prev = leaf_hash(body);
        set(directory, seq, body, prev);
    }
    const auto report = verify(directory.path());
    REQUIRE_FALSE(report.ok());
    REQUIRE_MESSAGE(report.problems[0].checkpoint.has_value(), words(report));
    CHECK(*report.problems[0].checkpoint > 5);
    CHECK(report.problems[0].what.find("its root is not that of the records") != std::string::npos);
}

TEST_CASE("a log without any checkpoint vouches for nothing") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory, "DELETE FROM checkpoint");
    std::filesystem::remove(directory / "log.tip");
    CHECK(words(verify(directory.path())).find("has no checkpoint") != std::string::npos);
}

TEST_CASE("the pinned key is asked for in every form, and another's log is an error") {
    Directory mine;
    Directory other;
    write_log(mine.path(), 2);
    write_log(other.path(), 2);
    const auto report = verify(mine.path());
    CHECK_FALSE(report.pinned);
    const auto key = VerifierKey::parse(report.verifier_key);
    REQUIRE(key);
    for (const std::string& pin :
         {report.verifier_key, report.fingerprint, report.log, "ed25519:" + core::to_base64(key->key),
          (mine / "keys/log.vkey").string()}) {
        CAPTURE(pin);
        CHECK(verify(mine.path(), pin).ok());
        CHECK(verify(mine.path(), pin).pinned);
        const auto foreign = verify(other.path(), pin);
        CHECK_FALSE(foreign.ok());
        CHECK(words(foreign).find("not the pinned key") != std::string::npos);
    }
    CHECK_FALSE(Verifier{mine.path(), "nonsense"}.run());
    CHECK_FALSE(Verifier{mine / "nothing-here"}.run());
}

TEST_CASE("lines that are no records are named: not JSON, not canonical, too long, a key twice") {
    for (const std::string& body :
         {std::string{"hello"}, std::string{"{\"a\": 1}"}, "\"" + std::string(17'000, 'x') + "\"",
          std::string{"{\"a\":1,\"a\":1}"}, std::string{}, std::string{"\xff\xfe"}}) {
        Directory directory;
        write_log(directory.path(), kRecords);
        set(directory, 11, body, leaf_hash(body));
        const auto report = verify(directory.path());
        CHECK_MESSAGE(named_records(report) == Numbers{11}, words(report));
    }
}

TEST_CASE("the verifier reads a consistent state while the log is being written") {
    Directory directory;
    Log log{options_for(directory.path())};
    REQUIRE(wait_until([&] { return log.health().checkpoint_size > 0; }));
    for (int i = 0; i < 20; ++i) {
        for (int j = 0; j < 50; ++j) (void)log.append(entry("message.sent", {{"number", j}}));
        REQUIRE(append(log, entry("config.reloaded")));
        const auto report = verify(directory.path());
        CHECK_MESSAGE(report.ok(), words(report));
    }
}

TEST_CASE("a copy that nothing may be written beside can be read") {
    Directory directory;
    write_log(directory.path(), 3);
    const auto copy = directory / "an odd?name%20#1.db";
    std::filesystem::copy(directory / "log.db", copy);
    auto frozen = sqlite::Database::open(copy, sqlite::Database::Mode::Frozen);
    REQUIRE(frozen);
    CHECK(frozen->number("SELECT count(*) FROM record").value() == 4);
    CHECK_FALSE(std::filesystem::exists(copy.string() + "-shm"));
    CHECK(verify(copy).ok());
}

TEST_CASE("the report as JSON names places by number") {
    Directory directory;
    write_log(directory.path(), kRecords);
    sql(directory, "DELETE FROM record WHERE seq=9");
    const auto report = to_json(verify(directory.path()));
    CHECK(report.at("ok") == false);
    CHECK(report.at("problems").at(0).at("record") == 9);
    CHECK(report.at("problems").at(0).at("file") == "log.db");
}
