#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "crosspatch/record/canonical.hpp"
#include "crosspatch/record/reader.hpp"
#include "crosspatch/record/talkspurt.hpp"
#include "tests/record/log_bench.hpp"

using namespace crosspatch;
using namespace crosspatch::record;
using namespace crosspatch::record::tests;
namespace json = boost::json;

namespace {

const core::WallTime kNoon{std::chrono::sys_days{std::chrono::year{2026} / 7 / 4} + 12h};
const core::Time kMonoNoon{1000h};

std::string id_of(int number) {
    const auto digits = std::to_string(number);
    return std::string(32 - digits.size(), '0') + digits;
}

// A talkspurt from `start` to `end`, counted from noon.
Talkspurt spoken(int number, std::chrono::milliseconds start, std::chrono::milliseconds end,
                 std::string bridge = "joint") {
    Talkspurt out;
    out.id = id_of(number);
    out.talker = "ng-unit-7";
    out.role = "guard";
    out.agency = "northgate";
    out.endpoint = "ng-roip";
    out.channel = "ng-ops";
    out.channels = {"ng-ops", "pd-tac-3"};
    out.bridge = std::move(bridge);
    out.started = kNoon + start;
    out.ended = kNoon + end;
    out.ended_mono = kMonoNoon + end;
    out.duration = end - start;
    out.end_cause = "released";
    out.listeners = {"pd-console", "ng-desk"};
    out.packets_received = 100;
    out.packets_lost = 2;
    out.frames_concealed = 2;
    out.access_time = 41ms;
    out.gateway_delay_p99 = std::chrono::microseconds{310};
    return out;
}

void write_calls(const std::filesystem::path& directory, const std::vector<Talkspurt>& talkspurts) {
    Log log{options_for(directory)};
    for (const auto& talkspurt : talkspurts) REQUIRE(append(log, to_entry(talkspurt)));
}

json::array list(const std::filesystem::path& directory, const CallFilter& filter = {}) {
    Reader reader{directory};
    auto page = reader.calls(filter);
    REQUIRE(page);
    return page->at("items").as_array();
}

std::vector<std::string> keys_of(const json::object& object) {
    std::vector<std::string> out;
    for (const auto& pair : object) out.emplace_back(pair.key());
    return out;
}

CallGrouper::Spoken on(std::string place, std::string id, std::int64_t start_ms, std::int64_t end_ms,
                       std::string boot = "b1") {
    CallGrouper::Spoken out;
    out.place = std::move(place);
    out.talkspurt = std::move(id);
    out.boot = std::move(boot);
    out.mono_started_ns = out.wall_started_ns = start_ms * 1'000'000;
    out.mono_ended_ns = out.wall_ended_ns = end_ms * 1'000'000;
    return out;
}

}  // namespace

TEST_CASE("talkspurts with less than the gap between them are one call, and with the gap two") {
    CallGrouper grouper{10s};
    const auto first = grouper.place(on("bridge/a", "1", 0, 2000));
    CHECK(grouper.place(on("bridge/a", "2", 11'999, 13'000)) == first);
    const auto second = grouper.place(on("bridge/a", "3", 23'000, 24'000));
    CHECK(second != first);
    CHECK(grouper.place(on("bridge/b", "4", 23'500, 24'000)) != second);
    CHECK(grouper.place(on("channel/a", "5", 23'500, 24'000)) != second);
    CHECK(first.size() == 32);
}

TEST_CASE("a denied press inside a long talkspurt belongs to the same call, whichever is recorded first") {
    CallGrouper grouper{10s};
    const auto denied = grouper.place(on("bridge/a", "short", 5000, 5000));
    CHECK(grouper.place(on("bridge/a", "long", 0, 30'000)) == denied);
    CHECK(grouper.place(on("bridge/a", "short-again", 25'000, 25'100)) == denied);
    CHECK(grouper.place(on("bridge/a", "next", 39'000, 40'000)) == denied);  // 9 s after the long one
}

TEST_CASE("a step of the wall clock does not tear a call apart, a restart goes by the wall clock") {
    CallGrouper grouper{10s};
    const auto call = grouper.place(on("bridge/a", "1", 0, 2000));
    auto stepped = on("bridge/a", "2", 4000, 5000);
    stepped.wall_started_ns += 3'600'000'000'000;
    stepped.wall_ended_ns += 3'600'000'000'000;
    CHECK(grouper.place(stepped) == call);
    auto rebooted = on("bridge/a", "3", 100, 200, "b2");
    rebooted.wall_started_ns = stepped.wall_ended_ns + 3'000'000'000;
    rebooted.wall_ended_ns = rebooted.wall_started_ns + 1'000'000'000;
    CHECK(grouper.place(rebooted) == call);
}

TEST_CASE("the same talkspurts give the same calls, in one run or with a stop between any two") {
    std::mt19937 random{11};
    std::vector<CallGrouper::Spoken> all;
    std::int64_t now = 0;
    for (int i = 0; i < 200; ++i) {
        now += random() % 15'000;
        all.push_back(
            on("bridge/" + std::to_string(random() % 3), std::to_string(i), now, now + random() % 5000));
    }
    CallGrouper whole{10s};
    CallGrouper again{10s};
    for (const auto& one : all) CHECK(whole.place(one) == again.place(one));
}

TEST_CASE("a talkspurt that was put on record is read back as it was") {
    auto before = spoken(1, 0ms, 4s);
    before.refused = {{"mall-ops", "no-mall", "the mall does not take voice at night"}};
    before.incident = "inc-1";
    before.emergency = true;
    before.priority = 5;
    const auto entry = to_entry(before);
    json::object record{
        {"type", entry.type},     {"actor", entry.actor},
        {"source", entry.source}, {"object", entry.object},
        {"detail", entry.detail}, {"mono_ns", std::to_string(before.ended_mono.time_since_epoch().count())}};
    const auto line = to_canonical(record);
    REQUIRE(line);
    const auto after = talkspurt_of(from_canonical(*line)->as_object());
    REQUIRE(after);
    CHECK(to_canonical(to_entry(*after).detail).value() == to_canonical(entry.detail).value());
    CHECK(to_entry(*after).object == entry.object);
    CHECK(to_entry(*after).actor == entry.actor);
    CHECK(after->started == before.started);
    CHECK(after->ended_mono == before.ended_mono);
    CHECK(after->duration == before.duration);
    CHECK(entry.urgent);
}

TEST_CASE("a thousand listeners still fit one record, as a count and a root") {
    auto crowd = spoken(1, 0ms, 4s);
    crowd.listeners.clear();
    for (int i = 0; i < 1000; ++i)
        crowd.listeners.push_back("listener-with-a-long-name-" + std::to_string(1000 + i));
    Directory directory;
    write_calls(directory.path(), {crowd});
    const auto record = records(directory.path(), "talkspurt.ended").at(0);
    CHECK(record.at("detail").at("listeners_count") == 1000);
    CHECK(record.at("detail").at("listeners").as_array().size() == 256);
    CHECK(record.at("detail").at("listeners_root").as_string().size() == 64);
}

TEST_CASE("calls are listed newest first, in exactly the shape of the contract") {
    Directory directory;
    auto third = spoken(3, 60s, 61s, "");
    third.channels = {"ng-ops"};
    write_calls(directory.path(), {spoken(1, 0ms, 4s), spoken(2, 8s, 9s), third});
    const auto items = list(directory.path());
    REQUIRE(items.size() == 2);
    CHECK(keys_of(items[0].as_object()) ==
          std::vector<std::string>{"id", "channels", "bridge", "incident", "started", "ended", "talkspurts"});
    CHECK(items[0].at("bridge").is_null());
    CHECK(items[0].at("channels").as_array().size() == 1);
    CHECK(items[1].at("bridge") == "joint");
    CHECK(items[1].at("incident").is_null());
    CHECK(items[1].at("channels") == json::array{"ng-ops", "pd-tac-3"});
    CHECK(items[1].at("started") == "2026-07-04T12:00:00.000000000Z");
    CHECK(items[1].at("ended") == "2026-07-04T12:00:09.000000000Z");
    CHECK(items[1].at("talkspurts") == 2);
}

TEST_CASE("a call shows its talkspurts in the order they began, with every field of the contract") {
    Directory directory;
    auto denied = spoken(2, 2s, 2s);
    denied.denied = true;
    denied.end_cause = "another has the floor";
    denied.access_time.reset();
    write_calls(directory.path(), {denied, spoken(1, 0ms, 4s), spoken(3, 6s, 7s)});
    const auto id = std::string{list(directory.path()).at(0).at("id").as_string()};
    Reader reader{directory.path()};
    const auto call = reader.call(id);
    REQUIRE(call);
    const auto& talkspurts = call->at("talkspurts").as_array();
    REQUIRE(talkspurts.size() == 3);
    CHECK(talkspurts[0].at("id").as_string() == id_of(1));
    CHECK(talkspurts[1].at("id").as_string() == id_of(2));
    CHECK(talkspurts[1].at("denied") == true);
    CHECK(talkspurts[1].at("access_time_ms").is_null());
    const auto& first = talkspurts[0].as_object();
    for (const char* key : {"id", "talker", "endpoint", "channel", "started", "ended", "end_cause",
                            "listeners", "packets_received", "packets_lost", "frames_concealed",
                            "access_time_ms", "gateway_delay_p99_ms", "denied"}) {
        CHECK_MESSAGE(first.contains(key), key);
    }
    CHECK(first.at("listeners") == json::array{"pd-console", "ng-desk"});
    CHECK(first.at("access_time_ms") == 41);
    CHECK(first.at("gateway_delay_p99_ms") == 1);  // 0.31 ms, rounded up
    CHECK(first.at("denied") == false);
    const auto one = reader.talkspurt(id_of(3));
    REQUIRE(one);
    CHECK(one->at("call").as_string() == id);
    CHECK(reader.call(std::string(32, 'f')).error().code == core::Error::Code::NotFound);
    CHECK(reader.call("../../etc/passwd").error().code == core::Error::Code::NotFound);
    CHECK(reader.talkspurt("' OR 1=1 --").error().code == core::Error::Code::NotFound);
}

TEST_CASE("each filter finds what it asks for and nothing else") {
    Directory directory;
    auto other = spoken(2, 100s, 101s, "night");
    other.talker = "metro-12";
    other.channel = "pd-tac-3";
    other.channels = {"pd-tac-3"};
    other.incident = "inc-9";
    other.end_cause = "100%_sure";
    other.pseudonyms = {{"northgate", {{"metro-12", "XRBQIGIQ"}}}};
    write_calls(directory.path(), {spoken(1, 0ms, 4s), other});
    const auto count = [&](CallFilter filter) { return list(directory.path(), filter).size(); };
    CHECK(count({}) == 2);
    CHECK(count({.channel = "ng-ops"}) == 1);
    CHECK(count({.channel = "pd-tac-3"}) == 2);
    CHECK(count({.channel = "nowhere"}) == 0);
    CHECK(count({.talker = "metro-12"}) == 1);
    CHECK(count({.talker = "metro"}) == 0);
    CHECK(count({.text = "METRO"}) == 1);
    // Who is hidden from an agency is not found by it under his name.
    CHECK(count({.talker = "metro-12", .agency = "northgate"}) == 0);
    CHECK(count({.text = "METRO", .agency = "northgate"}) == 0);
    CHECK(count({.channel = "pd-tac-3", .agency = "northgate"}) == 2);
    CHECK(count({.talker = "metro-12", .agency = "metro-pd"}) == 1);
    CHECK(count({.text = "%"}) == 1);
    CHECK(count({.text = "_sure"}) == 1);
    CHECK(count({.text = "x_sure"}) == 0);
    CHECK(count({.text = "it's"}) == 0);
    CHECK(count({.bridge = "night"}) == 1);
    CHECK(count({.incident = "inc-9"}) == 1);
    CHECK(count({.since = kNoon + 50s}) == 1);
    CHECK(count({.until = kNoon + 50s}) == 1);
    CHECK(count({.since = kNoon + 4s}) == 2);
    CHECK(count({.visible_channels = std::vector<std::string>{"ng-ops"}}) == 1);
    CHECK(count({.visible_channels = std::vector<std::string>{}}) == 0);
    CHECK(count({.visible_channels = std::vector<std::string>{"ng-ops", "pd-tac-3"}}) == 2);
    Reader reader{directory.path()};
    const auto hidden = std::string{list(directory.path(), {.bridge = "night"}).at(0).at("id").as_string()};
    CHECK(reader.call(hidden, std::vector<std::string>{"ng-ops"}).error().code ==
          core::Error::Code::NotFound);
    CHECK(reader.call(hidden, std::vector<std::string>{"pd-tac-3"}).has_value());
    CHECK(reader.calls({.cursor = "rubbish"}).error().code == core::Error::Code::Invalid);
}

TEST_CASE("pages by cursor give every call once") {
    Directory directory;
    std::vector<Talkspurt> all;
    for (int i = 0; i < 23; ++i) all.push_back(spoken(i, i * 60s / 2, i * 60s / 2 + 1s));
    write_calls(directory.path(), all);
    Reader reader{directory.path()};
    std::set<std::string> seen;
    CallFilter filter{.limit = 5};
    for (int pages = 1;; ++pages) {
        const auto page = reader.calls(filter);
        REQUIRE(page);
        for (const auto& item : page->at("items").as_array())
            CHECK(seen.emplace(item.at("id").as_string()).second);
        if (page->at("next").is_null()) {
            CHECK(pages == 5);
            break;
        }
        filter.cursor = std::string{page->at("next").as_string()};
    }
    CHECK(seen.size() == 23);
}

TEST_CASE("the list of calls is the same after it was made again from the log, and across a restart") {
    Directory directory;
    write_calls(directory.path(), {spoken(1, 0ms, 4s), spoken(2, 60s, 61s)});
    write_calls(directory.path(), {spoken(3, 62s, 63s), spoken(4, 200s, 201s)});
    const auto before = list(directory.path());
    CHECK(before.size() == 3);
    CHECK(before.at(1).at("talkspurts") == 2);  // a restart in the middle of a call
    std::filesystem::remove(directory / "index.db");
    write_log(directory.path(), 0);
    CHECK(list(directory.path()) == before);
}

TEST_CASE("records are read in pages, from the end, by number and by type") {
    Directory directory;
    write_log(directory.path(), 30);
    Reader reader{directory.path()};
    auto page = reader.records({}, 10);
    REQUIRE(page);
    CHECK(page->at("items").as_array().size() == 10);
    CHECK(page->at("items").at(0).at("id") == "0");
    CHECK(page->at("next") == "9");
    page = reader.records(25, 100);
    CHECK(page->at("items").as_array().size() == 5);
    page = reader.records(30, 100);
    CHECK(page->at("items").as_array().empty());
    CHECK(page->at("next") == "30");
    CHECK(reader.last_records(3)->at("items").at(0).at("seq") == 28);
    CHECK(reader.records({}, 100, "software.")->at("items").as_array().size() == 1);
    CHECK(reader.record(31).error().code == core::Error::Code::NotFound);
    CHECK(reader.checkpoint()->starts_with("crosspatch/"));
    Directory empty;
    CHECK(Reader{empty.path()}.records({}).error().code == core::Error::Code::Unavailable);
    CHECK(Reader{empty.path()}.calls({}).error().code == core::Error::Code::Unavailable);
}

TEST_CASE("a reader follows the log into its next file") {
    Directory directory;
    write_log(directory.path(), 5);
    Reader reader{directory.path()};
    CHECK(reader.last_records(1)->at("items").at(0).at("seq") == 5);
    tamper(directory / "log.db", "PRAGMA user_version=99");  // the next start leaves it and begins another
    write_log(directory.path(), 5);
    CHECK(reader.last_records(1)->at("items").at(0).at("seq").to_number<int>() > 10);
    CHECK(reader.record(3).has_value());
}
