#include <fmt/format.h>

#include <utility>

#include "canonical_form.hpp"
#include "code_points.hpp"
#include "crosspatch/record/canonical.hpp"

namespace crosspatch::record {

namespace json = boost::json;
using core::Error;

namespace {

// Recursive descent over a line that must be canonical as it stands: nothing is skipped, nothing put right.
//
// Shape    depth is bounded by kMaxDepth, so recursion is too.
class Parser {
public:
    explicit Parser(std::string_view line) : line_{line} {}

    bool parse_whole(json::value& into) {
        if (!parse(into, 1)) return false;
        return at_ == line_.size() || refuse("something follows the value");
    }

    std::string fault() const { return fmt::format("octet {}: {}", at_, fault_); }

private:
    bool refuse(std::string_view why) {
        if (fault_.empty()) fault_ = why;
        return false;
    }
    char peek() const { return at_ < line_.size() ? line_[at_] : '\0'; }
    bool take(char c) {
        if (peek() != c || at_ == line_.size()) return false;
        ++at_;
        return true;
    }
    bool take(std::string_view word) {
        if (line_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    bool parse(json::value& into, std::size_t depth) {
        if (depth > kMaxDepth) return refuse("nested more than 16 deep");
        switch (peek()) {
            case '{':
                return parse_object(into.emplace_object(), depth);
            case '[':
                return parse_array(into.emplace_array(), depth);
            case '"':
                return parse_string(into.emplace_string());
            case 't':
                return parse_bool("true", true, into);
            case 'f':
                return parse_bool("false", false, into);
            default:
                return parse_integer(into);
        }
    }

    bool parse_bool(std::string_view word, bool value, json::value& into) {
        into = value;
        return take(word) || refuse("not a value");
    }

    bool parse_object(json::object& into, std::size_t depth) {
        ++at_;
        if (take('}')) return true;
        std::string_view before;
        do {
            if (!take('"')) return refuse("a key is missing");
            const auto end = line_.find('"', at_);
            if (end == std::string_view::npos) return refuse("the key has no end");
            const auto key = line_.substr(at_, end - at_);
            if (!is_key(key)) return refuse("a key is 1 to 64 visible ASCII characters");
            if (key == before) return refuse(fmt::format("the key \"{}\" stands there twice", key));
            if (key < before) return refuse(fmt::format("the key \"{}\" is out of order", key));
            before = key;
            at_ = end + 1;
            if (!take(':')) return refuse("a colon is missing");
            if (!parse(into[key], depth + 1)) return false;
        } while (take(','));
        return take('}') || refuse("the object has no end");
    }

    bool parse_array(json::array& into, std::size_t depth) {
        ++at_;
        if (take(']')) return true;
        do {
            if (!parse(into.emplace_back(nullptr), depth + 1)) return false;
        } while (take(','));
        return take(']') || refuse("the list has no end");
    }

    bool parse_string(json::string& into) {
        ++at_;
        while (at_ < line_.size()) {
            // Most of every text is plain ASCII: taken in one piece.
            const auto start = at_;
            while (at_ < line_.size() && is_plain(line_[at_])) ++at_;
            into.append(line_.substr(start, at_ - start));
            const char c = peek();
            if (at_ == line_.size()) break;
            if (c == '"') {
                ++at_;
                return true;
            }
            if (c == '\\') {
                if (!parse_escape(into)) return false;
                continue;
            }
            const auto point = code_point_at(line_, at_);
            if (point.octets == 0) return refuse("the text is not UTF-8");
            if (point.value < 0x20) return refuse("a control character is not escaped");
            if (is_kept_out(point.value)) return refuse("a character that records do not hold");
            into.append(line_.substr(at_, point.octets));
            at_ += point.octets;
        }
        return refuse("the text has no end");
    }

    static bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

    bool parse_escape(json::string& into) {
        for (const char c : std::string_view{"\"\\\b\t\n\f\r"}) {
            if (take(short_escape(c))) {
                into.push_back(c);
                return true;
            }
        }
        // What is left is \u0000 to \u001f, in lower case, without those that have a short form.
        const auto digits = line_.substr(at_, 6);
        for (unsigned value = 0; value < 0x20; ++value) {
            const char c = static_cast<char>(value);
            if (!short_escape(c).empty() || digits != fmt::format("\\u{:04x}", value)) continue;
            into.push_back(c);
            at_ += digits.size();
            return true;
        }
        return refuse("an escape that the canonical form does not use");
    }

    bool parse_integer(json::value& into) {
        const bool negative = take('-');
        const auto start = at_;
        std::int64_t value = 0;
        while (peek() >= '0' && peek() <= '9') {
            value = value * 10 + (peek() - '0');
            ++at_;
            if (value > kMaxInteger) return refuse("a number beyond 2^53-1");
        }
        const auto digits = at_ - start;
        if (digits == 0) return refuse("not a value");
        if (line_[start] == '0' && (digits > 1 || negative))
            return refuse("a number with a needless zero or sign");
        if (peek() == '.' || peek() == 'e' || peek() == 'E') return refuse("records hold whole numbers");
        into = negative ? -value : value;
        return true;
    }

    std::string_view line_;
    std::size_t at_{};
    std::string fault_;
};

}  // namespace

core::Result<json::value> from_canonical(std::string_view line, std::size_t most) {
    if (line.size() > most) {
        return core::unexpected(Error::Code::Invalid,
                                fmt::format("{} octets long; at most {} are allowed", line.size(), most));
    }
    Parser parser{line};
    json::value value;
    if (!parser.parse_whole(value)) return core::unexpected(Error::Code::Invalid, parser.fault());
    return value;
}

}  // namespace crosspatch::record
