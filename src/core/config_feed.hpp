#pragma once
#include <yaml-cpp/mark.h>

#include <cstddef>
#include <streambuf>
#include <string>
#include <string_view>

#include "crosspatch/core/config.hpp"

// How the text gets into yaml-cpp, and where in it the parser stands.
namespace crosspatch::core::config {

// Ends the reading; thrown out of the parser.
struct Refused {
    Mark mark;
    std::string path;
    std::string text;
};

// Feeds the parser in small pieces and stops it when it hoards: yaml-cpp keeps every token of a `{…}` or
// `[…]` that stands where a key may stand until it ends, since all of it might still turn out to be that key.
//
// Shape    1,000,000 octets of punctuation between two events, each a token or two of some 100 octets.
// Errors   throws Refused.
// Thread   the one that loads the file.
class Feed : public std::streambuf {
public:
    explicit Feed(std::string_view text) : text_{text} {}

    // The parser has made something of what it was given, up to `mark`.
    void progress(Mark mark) {
        progress();
        last_ = mark;
    }
    void progress() { lookahead_ = 0; }

protected:
    int_type underflow() override;

private:
    std::string_view text_;
    std::size_t fed_{};
    std::size_t lookahead_{};
    Mark last_;
};

// Turns yaml-cpp's positions into ours: columns in code points, as an editor shows them.
class Marks {
public:
    explicit Marks(std::string_view text) : text_{text} {}

    Mark at(const YAML::Mark& from);

private:
    std::string_view text_;
    std::size_t start_{};    // of the line counted last
    std::size_t counted_{};  // octets of the text up to here are in column_
    std::size_t column_{1};
};

}  // namespace crosspatch::core::config
