#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "crosspatch/core/config.hpp"
#include "tests/core/config_reading.hpp"
#include "tests/support/temp_directory.hpp"

using namespace crosspatch::core;
using namespace crosspatch::tests;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kSample = R"(# A gateway between two agencies.
gateway:
  id: riverside-gw
  data_dir: ./var
  media: {listen: 127.0.0.1:40000, workers: auto}
agencies:
  - {id: northgate, name: "Northgate \"Security\"", kind: private_security, key: gateway}
  - {id: metro-pd,  name: 'Metro''s Police',
     kind: police, key: 'ed25519:BASE64'}
channels:
  - id: ng-ops
    name: Nörthgate Operations
    floor: {priority: 3, max_talk: 30s}
    endpoints:
    - id: ng-roip
      remote: '[2001:db8::1]:50010'
      may:
        [emergency,
         broadcast]
bridges: []
)";

std::string times(std::size_t count, std::string_view what) {
    std::string text;
    text.reserve(count * what.size());
    for (std::size_t i = 0; i < count; ++i) text += what;
    return text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string loaded(const std::filesystem::path& path) {
    config::Problems problems{"f"};
    const auto document = config::Document::load(path, problems);
    return problems.empty() ? outline(document.root()) : problems.lines().front();
}

}  // namespace

TEST_CASE("a document is read as it is written") {
    CHECK(outline("a: 1\nb: [x, 'y', \"z\"]\nc: {d: e}\n") == "{a:1 b:[x 'y' 'z'] c:{d:e}}");
    CHECK(outline("- a\n- - b\n  - c\n-\n- ~\n") == "[a [b c] - -]");
    CHECK(outline("{a: 1}") == "{a:1}");
    CHECK(outline("---\na: 1\n...\n") == "{a:1}");
    CHECK(outline("a: 1\r\nb: 2\r\n") == "{a:1 b:2}");
    CHECK(outline("\xEF\xBB\xBF"
                  "a: 1\n") == "{a:1}");
    CHECK(outline(kSample).starts_with("{gateway:{id:riverside-gw data_dir:./var"));
    CHECK(has(outline(kSample), "name:'Metro's Police'"));
}

// bad-input.md, 82
TEST_CASE("keys and values keep their own text, whatever YAML 1.1 would make of it") {
    CHECK(outline("no: on\noff: yes\nNULL: 0o7\n1e3: 0x10\n~: 1_000\n2026-11-22: 12:30:45\n") ==
          "{no:on off:yes NULL:0o7 1e3:0x10 ~:1_000 2026-11-22:12:30:45}");
    CHECK(Reading{"y: no\n"}.at("y").text() == "no");
}

TEST_CASE("everything has its line and column, counted in characters") {
    const Reading reading{"äöü: [ß, x]\n\nb:\n  - c: d\n"};
    CHECK(reading.at("äöü").mark() == config::Mark{1, 6});
    CHECK(reading.at("äöü").list()[1].mark() == config::Mark{1, 10});
    CHECK(reading.at("äöü").list()[1].path() == "äöü[1]");
    const auto c = *reading.at("b").list()[0].map().find("c");
    CHECK(c.mark() == config::Mark{4, 8});
    CHECK(c.path() == "b[0].c");
}

TEST_CASE("a gap is where it stands, not where the next thing does") {
    const Reading reading{"a:\nnull: 1\nb:\n  -\n  - x\n  -\n"};
    CHECK(reading.at("a").mark() == config::Mark{1, 1});
    CHECK(reading.at("b").list()[0].mark() == config::Mark{4, 3});
    CHECK(reading.at("b").list()[2].mark() == config::Mark{6, 3});
    CHECK_FALSE(reading.at("a").text());
    CHECK(reading.complaints() == "1:1: a: a value is missing here");
}

// bad-input.md, 71 and 72
TEST_CASE("an alias bomb, a merge bomb and an alias cycle are refused and cost nothing") {
    std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
    for (char level = 'b'; level <= 'j'; ++level) {
        const std::string before = std::string{"*"} + static_cast<char>(level - 1);
        bomb += std::string{level} + ": &" + level + " [" + before + times(8, "," + before) + "]\n";
    }
    const auto start = std::chrono::steady_clock::now();
    CHECK(complaints_about(bomb).starts_with(
        "1:4: a: an anchor (&name); anchors and aliases are not read, write values out\n"));
    const std::string merge = complaints_about("a: &a {x: 1}\nb: {<<: *a, <<: [*a, *a]}\nc:\n  <<: {y: 1}\n");
    CHECK(has(merge, "2:5: b: a merge key (<<); write the keys out"));
    CHECK(has(merge, "4:3: c: a merge key (<<); write the keys out"));
    CHECK(complaints_about("a: &a [*a]\n") ==
          "1:4: a: an anchor (&name); anchors and aliases are not read, write values out\n"
          "1:8: a[0]: an alias (*name); write the value out, as often as it is needed");
    CHECK(complaints_about("a: *nowhere\n") ==
          "1:4: an alias (*name); write the value out, as often as it is needed");
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{1});
    CHECK(outline("'<<': 1\n") == "{<<:1}");
}

// bad-input.md, 73
TEST_CASE("64 levels are read and 65 are refused, however they are written") {
    CHECK(complaints_about(times(64, "[") + times(64, "]") + "\n").empty());
    const std::string too_deep = "more than 64 levels of lists and maps inside one another";
    CHECK(has(complaints_about(times(65, "[") + times(65, "]") + "\n"), "1:65:"));
    for (const auto& text :
         {times(65, "- ") + "a\n", times(10'000, "[") + times(10'000, "]") + "\n", times(10'000, "[") + "\n",
          times(10'000, "{a: ") + "\n", times(10'000, "- ") + "a\n", times(10'000, "? ") + "a\n"}) {
        CHECK(has(complaints_about(text), too_deep));
    }
}

// bad-input.md, 74
TEST_CASE("a duplicate key is refused by both places, and the first value stands") {
    Reading reading{"policy: deny\nx: 1\npolicy: allow\nm: {a: 1, 'a': 2, \"a\": 3}\n"};
    CHECK(reading.complaints() ==
          "3:1: policy: this key stands already in line 1; keep one of the two\n"
          "4:11: m.a: this key stands already in line 4; keep one of the two\n"
          "4:19: m.a: this key stands already in line 4; keep one of the two");
    CHECK(outline(reading.root) == "{policy:deny x:1 m:{a:1}}");
}

// bad-input.md, 78
TEST_CASE("tags are refused, whatever they name") {
    CHECK(complaints_about(
              "a: !!python/object:os.system ls\nb: !include x.yaml\nc: ! d\n!!str e: !!map {f: g}\n") ==
          "1:4: a: a tag (!name); tags are not read, leave it out\n"
          "2:4: b: a tag (!name); tags are not read, leave it out\n"
          "3:4: c: a tag (!name); tags are not read, leave it out\n"
          "4:1: a tag (!name); tags are not read, leave it out\n"
          "4:10: e: a tag (!name); tags are not read, leave it out");
    CHECK(has(complaints_about("%TAG ! tag:x,2026:\n---\na: !b c\n"), "3:4: a: a tag"));
}

// bad-input.md, 79
TEST_CASE("what is not text in UTF-8 is refused where it begins") {
    CHECK(has(complaints_about("a: 1\nb: \0x\n"sv), "2:4: a NUL character; this is not a text file"));
    CHECK(has(complaints_about("\xFF\xFE"
                               "a\0:\0"sv),
              "1:1: the file is UTF-16"));
    CHECK(has(complaints_about("\xFE\xFF\0a"sv), "1:1: the file is UTF-16"));
    CHECK(has(complaints_about("a\0:\0 \0b\0\n\0"sv), "1:2: a NUL character"));
    CHECK(complaints_about("ä: \xC3\n") == "1:4: an octet that is not UTF-8; save the file as UTF-8");
    CHECK(has(complaints_about("a: \xED\xA0\x80\n"), "1:4: an octet that is not UTF-8"));
    CHECK(has(complaints_about("a: \xC0\x80\n"), "1:4: an octet that is not UTF-8"));
    CHECK(complaints_about("a: x\x04y\n") == "1:5: the invisible character U+0004; delete it");
    CHECK(has(complaints_about("a: \u0085\n"), "U+0085"));
    CHECK(has(complaints_about("a: \u2028b\n"), "U+2028"));
    CHECK(has(complaints_about("a: \uFEFF\n"), "U+FEFF"));
    CHECK(has(complaints_about("a: 1\rb: 2\n"), "1:5: a carriage return without a line feed"));
}

TEST_CASE("each line that a tab indents is named; tabs elsewhere are none of our business") {
    CHECK(complaints_about("a:\n\tb: 1\n  \tc: 2\nd: 1\n") ==
          "2:1: a tab in the indentation; YAML takes spaces only\n"
          "3:3: a tab in the indentation; YAML takes spaces only");
    CHECK(outline("a: 1\t# a comment\n\t\nb: 'x\ty'\n") == "{a:1 b:'x\ty'}");
}

// bad-input.md, 80
TEST_CASE("files, lines and trees beyond all reason are refused") {
    CHECK(complaints_about(times(64 * 1024, "#") + "\na: 1\n").empty());
    CHECK(complaints_about("a: 1\n" + times(64 * 1024 + 1, "#") + "\n") ==
          "2:1: the line has 65537 octets; at most 65,536 are read");
    CHECK(complaints_about(times((16 << 20) / 64 + 1, times(63, "#") + "\n")) ==
          "1:1: the file has more than 16 MiB; a configuration is never that large");
    // 40,000 lines of 26 keys are more than a million.
    CHECK(has(complaints_about(times(40'000, "- {a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z}\n")),
              "more than 1,000,000 keys"));
    CHECK(has(complaints_about("a: 1\nb:\n- [\n" + times(1'200, times(300, "[],") + "\n") + "]\n"),
              "3:1: the {…} or […] that begins here is too large to read"));
}

TEST_CASE("a million list elements are the end too") {
    CHECK(has(complaints_about(times(1'001, "- [" + times(1'000, ",") + "]\n")),
              "more than 1,000,000 list elements"));
}

TEST_CASE("a file has one document, and something in it") {
    CHECK(complaints_about("a: 1\n---\nb: 2\n") ==
          "2:1: the configuration has ended before this line; a file has one document");
    CHECK(has(complaints_about("{a: 1}\nb\n"), "2:1: the configuration has ended"));
    CHECK(complaints_about("") == "1:1: the file is empty");
    CHECK(complaints_about("# nothing yet\n\n") == "1:1: the file is empty");
}

TEST_CASE("keys are words") {
    CHECK(complaints_about("a: {{ template }}\n") ==
          "1:5: a: a list or map where a key belongs; a value that begins with '[' or '{' is quoted");
    CHECK(has(complaints_about("[a, b]: c\n"), "1:1: a list or map where a key belongs"));
    CHECK(complaints_about(": x\n") == "1:1: a key without a name; a word belongs before the colon");
    CHECK(complaints_about("'': x\n") == "1:1: a key without a name; a word belongs before the colon");
}

TEST_CASE("an IPv6 address without quotes is called that") {
    CHECK(complaints_about("remote: [2001:db8::1]:40010\n") ==
          "1:22: an IPv6 address is quoted: '[2001:db8::1]:40000'");
    CHECK(has(complaints_about("e: {remote: [2001:db8::1]:40010, id: x}\n"), "an IPv6 address is quoted"));
}

TEST_CASE("the parser's complaints say what to look at") {
    CHECK(complaints_about("a: b: c\n") ==
          "1:5: a second ': ' in one line; quote the value if the colon belongs to it");
    CHECK(has(complaints_about("a:\n  - b\n c: d\n"), "3:2: this does not go with the keys above it"));
    CHECK(has(complaints_about("a: {b: 1\nc: 2\n"), "a '{' before this has no '}'"));
    CHECK(has(complaints_about("a: [1, 2\n"), "a '[' before this has no ']'"));
    CHECK(has(complaints_about("a: @b\n"), "1:4: a value cannot begin with this character; quote it"));
    CHECK(complaints_about("a: \"b\n") ==
          "1:4: a: the quote that begins here is never closed; was the file cut off?");
    CHECK(has(complaints_about("a: 'b'c\n"),
              "1:4: a: something follows the closing quote; leave a space or remove it"));
    CHECK(complaints_about("a: 'b'#c\n") ==
          "1:4: a: something follows the closing quote; leave a space or remove it");
}

TEST_CASE("a file that cannot be read complains once, whatever is asked of it then") {
    const Reading reading{"a: [\n"};
    const std::string before = reading.complaints();
    auto map = reading.root.map();
    CHECK_FALSE(map.present());
    CHECK_FALSE(map.require("gateway"));
    CHECK(reading.root.list().empty());
    CHECK_FALSE(reading.root.text());
    map.finish();
    reading.root.problem("more");
    CHECK(reading.complaints() == before);
}

// bad-input.md, 84
TEST_CASE("a file cut off inside a line is refused wherever the cut is") {
    REQUIRE(complaints_about(kSample).empty());
    for (std::size_t size = 0; size < kSample.size(); ++size) {
        CAPTURE(size);
        const std::string complaints = complaints_about(kSample.substr(0, size));
        const bool at_line_end = size > 0 && kSample[size - 1] == '\n';
        if (!at_line_end) CHECK_FALSE(complaints.empty());
    }
    const std::string_view flow = "{a: 1, b: [x, 'y'], c: {d: \"e\"}}";
    REQUIRE(complaints_about(flow).empty());
    for (std::size_t size = 0; size < flow.size(); ++size)
        CHECK_FALSE(complaints_about(flow.substr(0, size)).empty());
}

TEST_CASE("a file cut off says so at its end") {
    CHECK(complaints_about("a: 1\nbc: tr") ==
          "2:7: the last line has no end; was the file cut off? If not, end it with a new line");
}

TEST_CASE("a document knows its digest and the file's mode") {
    const TempDirectory directory;
    config::Problems problems{"f"};
    const auto document = config::Document::load(directory.write("f", "abc\n", 0640), problems);
    CHECK(problems.empty());
    CHECK(document.mode() == 0640);
    CHECK(document.digest() == "edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb");
    CHECK(Reading{"abc\n"}.document.digest() == document.digest());
    CHECK(Reading{"abc\r\n"}.document.digest() != document.digest());
    CHECK(Reading{"abc\n"}.document.mode() == 0);
}

// bad-input.md, 83
TEST_CASE("a file is regular, no link, and not for everybody to write") {
    const TempDirectory directory;
    const auto path = directory.write("f", "a: 1\n");
    CHECK(loaded(path) == "{a:1}");
    CHECK(loaded(directory.write("group", "a: 1\n", 0664)) == "{a:1}");
    const auto writable = directory.write("writable", "a: 1\n", 0646);
    CHECK(loaded(writable) ==
          "f:1:1: everybody may write this file, and whoever does decides who hears whom; mend it with: "
          "chmod o-w " +
              writable.string());
    REQUIRE(symlink(path.c_str(), (directory / "link").c_str()) == 0);
    CHECK(loaded(directory / "link") == "f:1:1: a symbolic link; name the file that it points to");
    REQUIRE(mkfifo((directory / "fifo").c_str(), 0600) == 0);
    CHECK(loaded(directory / "fifo") == "f:1:1: not a regular file");
    CHECK(loaded(directory.path()) == "f:1:1: not a regular file");
    CHECK(loaded(directory / "none") == "f:1:1: there is no such file");
}

TEST_CASE("a file of more than 16 MiB is not even read") {
    const TempDirectory directory;
    const auto path = directory.write("f", "a: 1\n");
    REQUIRE(truncate(path.c_str(), (16 << 20) + 1) == 0);
    CHECK(has(loaded(path), "larger than 16777216 octets"));
}
