#include <doctest/doctest.h>

#include <string>

#include "crosspatch/core/config.hpp"
#include "tests/core/config_reading.hpp"

using namespace crosspatch::core;
using namespace crosspatch::tests;

// bad-input.md, 75
TEST_CASE("a key that nobody asked for is unknown, with the key that was meant") {
    Reading reading{"id: x\ncodek: opus\nptmie: 20ms\nzebra: 1\n"};
    auto map = reading.root.map();
    CHECK(map.require("id"));
    for (const char* key : {"codec", "ptime", "listen"}) CHECK_FALSE(map.find(key));
    map.finish();
    CHECK(reading.complaints() ==
          "2:1: codek: unknown key; did you mean 'codec'?\n"
          "3:1: ptmie: unknown key; did you mean 'ptime'?\n"
          "4:1: zebra: unknown key; known here: id, codec, ptime, listen");
}

TEST_CASE("a missing key is reported where the map begins") {
    Reading reading{"a:\n  - b: {c: 1}\n"};
    auto inner = reading.at("a").list()[0].map().find("b")->map();
    CHECK_FALSE(inner.require("id"));
    CHECK(reading.complaints() == "2:8: a[0].b: the key 'id' is missing");
}

TEST_CASE("a key of a later version is reported as that, once, and is not unknown") {
    Reading reading{"sip: {listen: x}\n"};
    auto map = reading.root.map();
    map.not_yet("sip", "SIP consoles");
    map.not_yet("link", "federation");
    map.finish();
    CHECK(reading.complaints() ==
          "1:1: sip: this version does not have this yet (SIP consoles); leave the key out");
}

TEST_CASE("the keys of a map of names come in the order of the file, and all are known") {
    Reading reading{"zebra: 1\nalpha: 2\nno: 3\n"};
    auto map = reading.root.map();
    std::string names;
    for (const auto& [name, node] : map.entries())
        names += name + '=' + *node.text() + '@' + node.path() + ' ';
    CHECK(names == "zebra=1@zebra alpha=2@alpha no=3@no ");
    map.finish();
    CHECK(reading.problems.empty());
}

TEST_CASE("each kind of node says what belongs in its place") {
    Reading reading{"scalar: x\nlist: [a]\nmap: {a: b}\nnothing:\ntilde: ~\n"};
    CHECK_FALSE(reading.at("scalar").map().present());
    CHECK(reading.at("scalar").list().empty());
    CHECK_FALSE(reading.at("list").text());
    CHECK_FALSE(reading.at("map").text());
    CHECK_FALSE(reading.at("tilde").text());
    CHECK(reading.at("nothing").one_or_list().empty());
    CHECK(reading.complaints() ==
          "1:9: scalar: keys and values belong here: {key: value}, or lines of 'key: value'\n"
          "1:9: scalar: a list belongs here: [a, b], or lines that begin with '- '\n"
          "2:7: list: a single value belongs here, not a list\n"
          "3:6: map: a single value belongs here, not a map\n"
          "4:1: nothing: a value or a list is missing here\n"
          "5:8: tilde: ~ means nothing at all in YAML; quote it if it is a text");
}

TEST_CASE("a map that is none has no keys and does not complain of each") {
    Reading reading{"a: x\n"};
    auto map = reading.at("a").map();
    CHECK_FALSE(map.find("id"));
    CHECK_FALSE(map.require("id"));
    CHECK(map.entries().empty());
    map.finish();
    CHECK(reading.complaints() ==
          "1:4: a: keys and values belong here: {key: value}, or lines of 'key: value'");
}

TEST_CASE("one value counts as a list of one") {
    Reading reading{"a: x\nb: [x, y]\nc: []\nd: {e: f}\n"};
    CHECK(reading.at("a").one_or_list().size() == 1);
    CHECK(reading.at("a").one_or_list()[0].path() == "a");
    CHECK(reading.at("b").one_or_list().size() == 2);
    CHECK(reading.at("b").one_or_list()[1].path() == "b[1]");
    CHECK(reading.at("c").one_or_list().empty());
    CHECK(reading.at("d").one_or_list()[0].kind() == config::Node::Kind::Map);
    CHECK(reading.problems.empty());
}

TEST_CASE("problems come in the order of the file, warnings apart") {
    config::Problems problems{"conf/my file.yaml"};
    problems.add({9, 2}, "b", "late");
    problems.add({2, 10}, "a", "second");
    problems.add({2, 9}, "a", "first");
    problems.warn({1, 1}, "", "doubtful");
    CHECK(problems.lines() == std::vector<std::string>{"conf/my file.yaml:2:9: a: first",
                                                       "conf/my file.yaml:2:10: a: second",
                                                       "conf/my file.yaml:9:2: b: late"});
    CHECK(problems.warnings() == std::vector<std::string>{"conf/my file.yaml:1:1: doubtful"});
}

// bad-input.md, 124
TEST_CASE("a problem is one line, whatever the file says") {
    Reading reading{"\"a\\nb\\x1b[2J\": \"x\\u2028\\ty\\u202e\"\n"};
    const auto node = reading.root.map().entries()[0].second;
    CHECK_FALSE(config::boolean(node));
    CHECK(reading.complaints() ==
          "1:16: a\\nb\\u001b[2J: 'x\\u2028\\ty\\u202e' is quoted; write true or false without quotes");
}

TEST_CASE("a long value is shown in part") {
    Reading reading{"a: " + std::string(5'000, 'x') + "\n"};
    CHECK_FALSE(config::boolean(reading.at("a")));
    CHECK(reading.complaints() == "1:4: a: '" + std::string(64, 'x') + "…' is neither true nor false");
}

TEST_CASE("after a thousand problems the rest is counted") {
    config::Problems problems{"f"};
    for (std::size_t i = 0; i < 1'234; ++i) problems.add({i + 1, 1}, "", "wrong");
    const auto lines = problems.lines();
    REQUIRE(lines.size() == 1'001);
    CHECK(lines[999] == "f:1000:1: wrong");
    CHECK(lines[1'000] == "f: 234 more like these are not shown");
}

TEST_CASE("twenty thousand unknown keys are refused with the first thousand named") {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "key-" + std::to_string(i) + std::string(60, 'x') + ": 1\n";
    Reading reading{text};
    auto map = reading.root.map();
    for (const char* key : {"id", "name", "agency", "sensitivity"}) CHECK_FALSE(map.find(key));
    map.finish();
    CHECK(reading.problems.lines().size() == 1'001);
}
