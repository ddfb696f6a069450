#include "crosspatch/core/text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace crosspatch::core;
using namespace std::string_view_literals;

namespace {

std::string checked(std::string_view name) {
    const auto result = check_name(name);
    return result ? *result : "refused: " + result.error().context;
}

bool is_refused(std::string_view name) { return !check_name(name); }

std::string times(int count, std::string_view what) {
    std::string text;
    for (int i = 0; i < count; ++i) text += what;
    return text;
}

bool look_alike(std::string_view a, std::string_view b) { return name_skeleton(a) == name_skeleton(b); }

std::string base64(std::string_view text) {
    const auto octets = from_base64(text);
    return octets ? to_hex(*octets) : "refused";
}

}  // namespace

TEST_CASE("identifiers are 1 to 32 small letters, digits and hyphens") {
    CHECK(is_identifier("ng-roip"));
    CHECK(is_identifier("0"));
    CHECK(is_identifier(std::string(32, 'a')));
    for (const std::string_view text :
         {""sv, "NG"sv, "ng_ops"sv, "ng.ops"sv, "ng ops"sv, "ng\0"sv, "ng\n"sv, "\xC3\xA4"sv, "../x"sv}) {
        CHECK_FALSE(is_identifier(text));
    }
    CHECK_FALSE(is_identifier(std::string(33, 'a')));
}

TEST_CASE("UTF-8 is what RFC 3629 says, and nothing near it") {
    for (const auto text :
         {""sv, "abc"sv, "\xC3\xA9"sv, "\xED\x9F\xBF"sv, "\xEE\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv, "\0"sv}) {
        CHECK(is_utf8(text));
    }
    for (const auto text :
         {"\x80"sv, "\xC3"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xE0\x80\x80"sv, "\xE0\x9F\xBF"sv,
          "\xED\xA0\x80"sv, "\xED\xBF\xBF"sv, "\xF0\x80\x80\x80"sv, "\xF4\x90\x80\x80"sv,
          "\xF5\x80\x80\x80"sv, "\xFF"sv, "\xE2\x82"sv, "a\xE2\x82z"sv}) {
        CHECK_FALSE(is_utf8(text));
    }
}

TEST_CASE("a name keeps its text, in NFC") {
    CHECK(checked("Northgate Security") == "Northgate Security");
    CHECK(checked("Cafe\u0301 Ops") == "Caf\u00e9 Ops");
    CHECK(checked("Polizei Köln – Wache 3") == "Polizei Köln – Wache 3");
    CHECK(checked("警察 第一") == "警察 第一");
    CHECK(checked("شرطة") == "شرطة");
    CHECK(checked("Team 🚓") == "Team 🚓");
    CHECK(checked("<script>alert('x')</script>") == "<script>alert('x')</script>");
}

// bad-input.md, 123
TEST_CASE("a name has 1 to 64 code points after NFC") {
    CHECK(checked(times(64, "ä")) == times(64, "ä"));
    CHECK(checked(times(64, "a\u0308")) == times(64, "ä"));
    CHECK(checked(times(65, "ä")) == "refused: the name has 65 characters; at most 64");
    CHECK(is_refused(times(4'096, "a")));
    CHECK(is_refused(times(2'000'000, "a")));
    CHECK(checked("") == "refused: the name is empty");
}

// bad-input.md, 123
TEST_CASE("what cannot be seen, or turns what can, is refused by its number") {
    CHECK(checked("evil\u202Egnp.exe") ==
          "refused: the name has an invisible character or one that turns the direction of writing (U+202E) "
          "as character "
          "5; leave it out");
    for (const std::string_view name :
         {"a\u2066b"sv,     "a\u2069b"sv,     "a\u200Bb"sv, "a\u200Db"sv, "a\u00ADb"sv,  "a\uFEFF"sv,
          "a\u2060b"sv,     "a\u115Fb"sv,     "a\u3164b"sv, "a\uFE0Fb"sv, "a\u034Fb"sv,  "a\u2800b"sv,
          "a\U000E0041b"sv, "a\U000E0100b"sv, "a\nb"sv,     "a\tb"sv,     "a\x1B[2Jb"sv, "a\0b"sv,
          "a\x7F"sv,        "a\u0085b"sv,     "a\u009Bb"sv, "a\u2028b"sv, "a\u2029b"sv,  "a\uE000b"sv,
          "a\U0010FFFFb"sv, "a\uFFFEb"sv,     "a\u0378b"sv}) {
        CAPTURE(escape(name));
        CHECK(is_refused(name));
    }
}

TEST_CASE("a name that is not UTF-8, a lone surrogate among it, is refused") {
    CHECK(checked("\xED\xA0\x80") == "refused: the name is not UTF-8");
    CHECK(checked("a\xFF") == "refused: the name is not UTF-8");
}

TEST_CASE("at most four accents stand on one letter, and none on nothing") {
    const auto zalgo = [](int marks) { return "q" + times(marks, "\u0300") + "x"; };
    CHECK_FALSE(is_refused(zalgo(4)));
    CHECK(checked(zalgo(5)) == "refused: the name has more than 4 accents on one letter, before character 6");
    CHECK(is_refused(zalgo(500)));
    CHECK_FALSE(is_refused(zalgo(4) + zalgo(4)));
    CHECK(is_refused("\u0301a"));
}

TEST_CASE("a name neither begins nor ends with a space, nor is one") {
    for (const char* name : {" ", " a", "a ", "\u00A0a", "a\u3000", "\u2003"}) CHECK(is_refused(name));
    CHECK_FALSE(is_refused("a b"));
}

TEST_CASE("checking a name twice changes nothing") {
    for (const char* name : {"Cafe\u0301", "ｆｕｌｌ", "ﬁre", "Å", "각", "a\u0323\u0307"}) {
        const std::string once = checked(name);
        CHECK(checked(once) == once);
    }
}

// bad-input.md, 81
TEST_CASE("names that look alike have the same skeleton") {
    CHECK(look_alike("Northgate", "NORTHGATE"));
    CHECK(look_alike("Northgate", "N\u043Erthg\u0430te"));  // Cyrillic о and а
    CHECK(look_alike("NORTHGATE", "N\u041ERTHG\u0410TE"));  // their capitals
    CHECK(look_alike("Caf\u00e9", "Cafe\u0301"));
    CHECK(look_alike("Post 0", "Post O"));
    CHECK(look_alike("Post 0", "post o"));
    CHECK(look_alike("Gate 1", "Gate l"));
    CHECK(look_alike("Metro Police", "Metro  Police"));
    CHECK(look_alike("Metro Police", "Metro\u00A0Police"));
    CHECK(look_alike("Metro Police", " metro\u3000police "));
    CHECK(look_alike("Straße", "STRASSE"));
    CHECK(look_alike("Alarm", "\u0391larm"));  // Greek capital alpha
    CHECK(look_alike("Police", "Ｐｏｌｉｃｅ"));
}

TEST_CASE("names that look different have different skeletons") {
    for (const auto& names : {std::pair{"Team 1", "Team 2"},
                              {"Team A", "Team B"},
                              {"North", "South"},
                              {"Mall", "Mail"},
                              {"Metro Police", "MetroPolice"},
                              {"Köln", "Koln"},
                              {"", "a"}}) {
        CAPTURE(names.first);
        CHECK_FALSE(look_alike(names.first, names.second));
    }
}

TEST_CASE("a skeleton is made of any octets") {
    CHECK(name_skeleton("").empty());
    CHECK(name_skeleton(" \u2003 ").empty());
    CHECK(is_utf8(name_skeleton("\xFF\xED\xA0\x80")));
    CHECK(is_utf8(name_skeleton(times(5'000, "a\u0300\u202E"))));
}

// bad-input.md, 124
TEST_CASE("escaped text is one line that no terminal obeys") {
    CHECK(escape("plain text, ünïcode 警察 🚓") == "plain text, ünïcode 警察 🚓");
    CHECK(escape("a\"b\\c/d") == "a\\\"b\\\\c/d");
    CHECK(escape("a\nb\rc\td\be\ff") == "a\\nb\\rc\\td\\be\\ff");
    CHECK(escape("\0\x1B[2J\x7F"sv) == "\\u0000\\u001b[2J\\u007f");
    CHECK(escape("\u0085\u009B") == "\\u0085\\u009b");
    CHECK(escape("\u2028\u2029") == "\\u2028\\u2029");
    CHECK(escape("\u202E\u2066\u200F\u061C") == "\\u202e\\u2066\\u200f\\u061c");
    CHECK(escape("\u200B\uFEFF") == "\\u200b\\ufeff");
    CHECK(escape("\U000E0041") == "\\udb40\\udc41");
    CHECK(escape("\uFFFE") == "\\ufffe");
}

TEST_CASE("octets that are not UTF-8 are escaped as U+FFFD") {
    CHECK(escape("a\xFFz") == "a\\ufffdz");
    CHECK(escape("\xE2\x82") == "\\ufffd");
    CHECK(escape("\xED\xA0\x80") == "\\ufffd\\ufffd\\ufffd");
    CHECK(escape("\xC3\n") == "\\ufffd\\n");
}

TEST_CASE("hex is written in small letters and read in both, two digits an octet") {
    CHECK(to_hex(octets_of("\x00\x7F\xFF"sv)) == "007fff");
    CHECK(to_hex(from_hex("00fFAb").value()) == "00ffab");
    CHECK(from_hex("").value().empty());
    for (const char* text : {"0", "0g", "0x00", " 00", "00 ", "-1", "é"}) CHECK_FALSE(from_hex(text));
}

// RFC 4648 section 10
TEST_CASE("base64 is written and read as RFC 4648 shows it") {
    for (const auto& [plain, coded] : {std::pair{"", ""},
                                       {"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foob", "Zm9vYg=="},
                                       {"fooba", "Zm9vYmE="},
                                       {"foobar", "Zm9vYmFy"}}) {
        CHECK(to_base64(octets_of(plain)) == coded);
        CHECK(base64(coded) == to_hex(octets_of(plain)));
    }
    CHECK(base64("+/+/") == "fbffbf");
}

TEST_CASE("base64 is refused unless it is padded, canonical and nothing else") {
    for (const auto text : {"Zg"sv, "Zg="sv, "Zg==="sv, "Zh=="sv, "Zm9="sv, "Zm9v\n"sv, " Zm9v"sv, "Zm 9"sv,
                            "Zm-_"sv, "===="sv, "Zg==Zg=="sv, "Z==="sv, "Zm9\0"sv, "Zm9v=AAA"sv, "Z=m9"sv}) {
        CAPTURE(escape(text));
        CHECK(base64(text) == "refused");
    }
}

TEST_CASE("of all octets only those of the alphabet count in base64") {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int octet = 0; octet < 256; ++octet) {
        CAPTURE(octet);
        const char c = static_cast<char>(octet);
        for (const std::size_t place : {0U, 1U, 2U, 3U}) {
            std::string text = "AAAA";
            text[place] = c;
            const bool padding = c == '=' && place == 3;
            CHECK((base64(text) != "refused") == (kAlphabet.find(c) != std::string_view::npos || padding));
        }
    }
}
