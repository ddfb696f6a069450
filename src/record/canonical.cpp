#include "crosspatch/record/canonical.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "canonical_form.hpp"
#include "code_points.hpp"

namespace crosspatch::record {

namespace json = boost::json;
using core::Error;

bool is_key(std::string_view key) {
    if (key.empty() || key.size() > kMaxKey) return false;
    return std::all_of(key.begin(), key.end(),
                       [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

std::string_view short_escape(char c) {
    switch (c) {
        case '"':
            return "\\\"";
        case '\\':
            return "\\\\";
        case '\b':
            return "\\b";
        case '\t':
            return "\\t";
        case '\n':
            return "\\n";
        case '\f':
            return "\\f";
        case '\r':
            return "\\r";
        default:
            return {};
    }
}

namespace {

// Writes one value after another to `line_`; the first thing that does not fit the form stops it.
class Writer {
public:
    explicit Writer(std::size_t most) : most_{most} {}

    bool write(const json::value& value, std::size_t depth) {
        if (depth > kMaxDepth) return refuse("it is nested more than 16 deep");
        switch (value.kind()) {
            case json::kind::bool_:
                line_ += value.get_bool() ? "true" : "false";
                break;
            case json::kind::int64:
                return write_integer(value.get_int64());
            case json::kind::uint64:
                if (value.get_uint64() > static_cast<std::uint64_t>(kMaxInteger)) return refuse_integer();
                return write_integer(static_cast<std::int64_t>(value.get_uint64()));
            case json::kind::string:
                return write_string(value.get_string());
            case json::kind::array:
                return write_array(value.get_array(), depth);
            case json::kind::object:
                return write_object(value.get_object(), depth);
            case json::kind::double_:
                return refuse("it holds a fraction; records hold whole numbers");
            case json::kind::null:
                return refuse("it holds null; leave the key out instead");
        }
        return within_size();
    }

    std::string take() { return std::move(line_); }
    const std::string& fault() const { return fault_; }

private:
    bool refuse(std::string why) {
        fault_ = std::move(why);
        return false;
    }
    bool refuse_integer() { return refuse("it holds a number beyond 2^53-1; write it as a decimal string"); }
    bool within_size() {
        if (line_.size() <= most_) return true;
        return refuse(fmt::format("it is longer than {} octets", most_));
    }

    bool write_integer(std::int64_t value) {
        if (value > kMaxInteger || value < -kMaxInteger) return refuse_integer();
        fmt::format_to(std::back_inserter(line_), "{}", value);
        return within_size();
    }

    bool write_string(std::string_view text) {
        if (text.size() > most_) return refuse(fmt::format("it is longer than {} octets", most_));
        line_ += '"';
        for (std::size_t at = 0; at < text.size();) {
            const auto point = code_point_at(text, at);
            if (point.octets == 0) return refuse("it holds text that is not UTF-8");
            if (is_kept_out(point.value)) {
                return refuse(
                    fmt::format("it holds the character U+{:04X}", static_cast<unsigned>(point.value)));
            }
            if (const auto escape = short_escape(text[at]); !escape.empty()) {
                line_ += escape;
            } else if (point.value < 0x20) {
                fmt::format_to(std::back_inserter(line_), "\\u{:04x}", static_cast<unsigned>(point.value));
            } else {
                line_ += text.substr(at, point.octets);
            }
            at += point.octets;
        }
        line_ += '"';
        return within_size();
    }

    bool write_array(const json::array& array, std::size_t depth) {
        line_ += '[';
        for (std::size_t i = 0; i < array.size(); ++i) {
            if (i > 0) line_ += ',';
            if (!write(array[i], depth + 1)) return false;
        }
        line_ += ']';
        return within_size();
    }

    bool write_object(const json::object& object, std::size_t depth) {
        std::vector<const json::key_value_pair*> pairs;
        pairs.reserve(object.size());
        for (const auto& pair : object) pairs.push_back(&pair);
        std::sort(pairs.begin(), pairs.end(), [](auto* a, auto* b) { return a->key() < b->key(); });
        line_ += '{';
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const std::string_view key = pairs[i]->key();
            if (!is_key(key)) return refuse("it has a key that is not 1 to 64 visible ASCII characters");
            if (i > 0) line_ += ',';
            line_ += '"';
            line_ += key;
            line_ += "\":";
            if (!write(pairs[i]->value(), depth + 1)) return false;
        }
        line_ += '}';
        return within_size();
    }

    std::size_t most_;
    std::string line_;
    std::string fault_;
};

}  // namespace

core::Result<std::string> to_canonical(const json::value& value, std::size_t most) {
    Writer writer{most};
    if (!writer.write(value, 1)) {
        return core::unexpected(Error::Code::Invalid, "cannot be written as a record: " + writer.fault());
    }
    return writer.take();
}

std::string presentable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto point = code_point_at(text, at);
        if (point.octets == 0) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[at]));
        } else if (is_kept_out(point.value)) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(point.value));
        } else {
            out += text.substr(at, point.octets);
        }
        at += std::max<std::size_t>(point.octets, 1);
    }
    return out;
}

void make_presentable(json::value& value) {
    if (auto* string = value.if_string()) {
        *string = presentable(*string);
    } else if (auto* array = value.if_array()) {
        for (auto& element : *array) make_presentable(element);
    } else if (auto* object = value.if_object()) {
        for (auto& pair : *object) make_presentable(pair.value());
    }
}

}  // namespace crosspatch::record
