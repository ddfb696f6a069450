#include "crosspatch/floor/settings.hpp"

#include <doctest/doctest.h>

#include "crosspatch/floor/cause.hpp"

using namespace crosspatch::floor;
using namespace std::chrono_literals;
namespace config = crosspatch::core::config;

namespace {

// Reads a `floor:` map; what is wrong is in `problems`.
std::optional<Settings> read(std::string_view text, std::vector<std::string>& problems) {
    config::Problems found{"crosspatch.yaml"};
    const auto document = config::Document::parse(std::string{text} + '\n', found);
    const auto settings = read_settings(document.root());
    problems = found.lines();
    return settings;
}
std::string problem(std::string_view text) {
    std::vector<std::string> problems;
    read(text, problems);
    return problems.empty() ? "" : problems.front();
}
bool mentions(const std::string& text, std::string_view word) { return text.find(word) != std::string::npos; }

}  // namespace

TEST_CASE("an empty floor map is the contract's defaults") {
    std::vector<std::string> problems;
    const auto settings = read("{}", problems);
    REQUIRE(settings);
    CHECK(problems.empty());
    CHECK(settings->priority == 3);
    CHECK(settings->queue == 8);
    CHECK(settings->max_talk == 30s);
    CHECK(settings->warn == 5s);
    CHECK(settings->grace == 3s);
    CHECK(settings->cooldown == 3s);
    CHECK(settings->hang == 2s);
    CHECK(settings->lease == 600ms);
    CHECK(settings->dtx_lease == 1s);
}

TEST_CASE("every key of the floor map is read") {
    std::vector<std::string> problems;
    const auto settings = read(
        "{priority: 255, max_talk: 60s, warn: 10s, grace: 1s, cooldown: 0s, hang: 500ms, lease: 2s, queue: "
        "0}",
        problems);
    REQUIRE(settings);
    CHECK(*settings == Settings{.priority = 255,
                                .queue = 0,
                                .max_talk = 60s,
                                .warn = 10s,
                                .grace = 1s,
                                .cooldown = 0s,
                                .hang = 500ms,
                                .lease = 2s,
                                .dtx_lease = 2s});
}

TEST_CASE("what is out of range is refused where it stands") {
    for (const auto text : {"priority: 256", "priority: -1", "queue: 65", "max_talk: 999ms", "max_talk: 2h",
                            "grace: 11s", "cooldown: 11m", "dead_carrier: 1s", "dead_carrier: 2h",
                            "hang: 61s", "lease: 199ms", "lease: 7s", "lease: 600", "warn: yes"}) {
        CAPTURE(text);
        const std::string key = std::string{text}.substr(0, std::string_view{text}.find(':'));
        CHECK(mentions(problem(text), key));
        CHECK(mentions(problem(text), "crosspatch.yaml:1:"));
    }
}

TEST_CASE("who is overridden is cut off, unless the channel lets both be heard") {
    std::vector<std::string> problems;
    CHECK(!read("{}", problems)->both_heard);
    CHECK(!read("{override: preempt}", problems)->both_heard);
    CHECK(read("{override: both_heard}", problems)->both_heard);
    CHECK(problems.empty());
    CHECK(mentions(problem("{override: both}"), "override"));
}

TEST_CASE("a warning that is not before the talk limit is refused; the default one fits itself in") {
    CHECK(mentions(problem("{max_talk: 5s, warn: 5s}"), "5000 ms before a talk limit of 5000 ms"));
    CHECK(mentions(problem("{warn: 30s}"), "warn"));
    std::vector<std::string> problems;
    const auto settings = read("{max_talk: 4s}", problems);
    REQUIRE(settings);
    CHECK(settings->warn == 2s);
}

TEST_CASE("unknown keys and other shapes are refused, and all problems are told in one run") {
    CHECK(mentions(problem("{max_tlk: 30s}"), "max_talk"));
    CHECK_FALSE(problem("[1, 2]").empty());
    std::vector<std::string> problems;
    CHECK_FALSE(read("{priority: 300, hang: 9}", problems));
    CHECK(problems.size() == 2);
}

TEST_CASE("causes have the numbers of TS 24.380 and a phrase each") {
    CHECK(number(Cause::AnotherTalks) == 1);
    CHECK(number(Cause::InternalError) == 2);
    CHECK(number(Cause::OnlyParticipant) == 3);
    CHECK(number(Cause::RetryAfter) == 4);
    CHECK(number(Cause::ReceiveOnly) == 5);
    CHECK(number(Cause::NoResources) == 6);
    CHECK(number(Cause::QueueFull) == 7);
    CHECK(number(Cause::Disabled) == 255);
    CHECK(number(Cause::RevokeOnlyParticipant) == 1);
    CHECK(number(Cause::TalkLimit) == 2);
    CHECK(number(Cause::NoPermission) == 3);
    CHECK(number(Cause::PreEmpted) == 4);
    CHECK(number(Cause::RevokeNoResources) == 6);
    CHECK(phrase(Cause::Timeout) == "timeout");
    CHECK(phrase(Cause::Silence) == "silence");
    for (int i = 1; i <= static_cast<int>(Cause::BridgeClosed); ++i)
        CHECK_FALSE(phrase(static_cast<Cause>(i)).empty());
}

TEST_CASE("a received number gives its cause back, an unknown one the other of its message") {
    using Numbers = std::initializer_list<std::uint16_t>;
    for (const auto value : Numbers{1, 2, 3, 4, 5, 6, 7}) {
        CHECK(number(deny_cause(value)) == value);
        CHECK(message(deny_cause(value)) == Message::Deny);
    }
    for (const auto value : Numbers{1, 2, 3, 4, 6}) {
        CHECK(number(revoke_cause(value)) == value);
        CHECK(message(revoke_cause(value)) == Message::Revoke);
    }
    for (const auto value : Numbers{0, 8, 200, 255, 65535}) {
        CHECK(deny_cause(value) == Cause::DenyOther);
        CHECK(revoke_cause(value) == Cause::RevokeOther);
    }
}
