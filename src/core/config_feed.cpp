#include "src/core/config_feed.hpp"

#include <algorithm>

namespace crosspatch::core::config {
namespace {

constexpr std::size_t kPiece = 2048;
constexpr std::size_t kMaxLookahead = 1'000'000;

bool is_punctuation(char c) {
    return std::string_view{"[]{},:?\"'&*!|>%@"}.find(c) != std::string_view::npos;
}

}  // namespace

Feed::int_type Feed::underflow() {
    const std::string_view piece = text_.substr(fed_, kPiece);
    if (piece.empty()) return traits_type::eof();
    lookahead_ += static_cast<std::size_t>(std::count_if(piece.begin(), piece.end(), is_punctuation));
    if (lookahead_ > kMaxLookahead) {
        throw Refused{last_, "",
                      "the {…} or […] that begins here is too large to read; write it as lines of 'key: "
                      "value' or '- '"};
    }
    // streambuf wants char*, but nothing is ever put: the parser only reads, and puts back what it has read.
    char* all = const_cast<char*>(text_.data());
    setg(all, all + fed_, all + fed_ + piece.size());
    fed_ += piece.size();
    return traits_type::to_int_type(*gptr());
}

Mark Marks::at(const YAML::Mark& from) {
    if (from.is_null()) return {};
    const auto position = std::min(static_cast<std::size_t>(from.pos), text_.size());
    const auto start = position - std::min(static_cast<std::size_t>(from.column), position);
    // Events come in the order of the file: the line so far is counted once, not once for each event on it.
    if (start != start_ || position < counted_) {
        start_ = counted_ = start;
        column_ = 1;
    }
    for (; counted_ < position; ++counted_) {
        if ((static_cast<unsigned char>(text_[counted_]) & 0xC0) != 0x80) ++column_;
    }
    return {static_cast<std::size_t>(from.line) + 1, column_};
}

}  // namespace crosspatch::core::config
