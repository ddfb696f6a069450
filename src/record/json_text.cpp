#include "crosspatch/record/json_text.hpp"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace crosspatch::record {
namespace {

namespace json = boost::json;
using Failure = boost::system::error_code;

constexpr std::size_t kDeepest = 64;
constexpr std::size_t kMaxKeys = 1000;  // in a whole text; no request has thirty

// Goes through a text for what the DOM no longer shows; the other members are what json::basic_parser wants.
class Scrutiny {
public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    bool key_twice() const { return key_twice_; }
    bool endless_number() const { return endless_number_; }

    bool on_object_begin(Failure&) { return objects_.emplace_back(), true; }
    bool on_object_end(std::size_t, Failure&) { return objects_.pop_back(), true; }
    bool on_key_part(json::string_view part, std::size_t, Failure&) { return key_ += part, true; }
    bool on_key(json::string_view part, std::size_t, Failure& failed) {
        if (++keys_ > kMaxKeys) {
            failed = json::error::object_too_large;
            return false;
        }
        key_ += part;
        key_twice_ |= !objects_.back().insert(std::move(key_)).second;
        key_.clear();
        return true;
    }
    bool on_document_begin(Failure&) { return true; }
    bool on_document_end(Failure&) { return true; }
    bool on_array_begin(Failure&) { return true; }
    bool on_array_end(std::size_t, Failure&) { return true; }
    bool on_string_part(json::string_view, std::size_t, Failure&) { return true; }
    bool on_string(json::string_view, std::size_t, Failure&) { return true; }
    bool on_number_part(json::string_view, Failure&) { return true; }
    bool on_int64(std::int64_t, json::string_view, Failure&) { return true; }
    bool on_uint64(std::uint64_t, json::string_view, Failure&) { return true; }
    bool on_double(double number, json::string_view, Failure&) {
        endless_number_ |= !std::isfinite(number);
        return true;
    }
    bool on_bool(bool, Failure&) { return true; }
    bool on_null(Failure&) { return true; }
    bool on_comment_part(json::string_view, Failure&) { return true; }
    bool on_comment(json::string_view, Failure&) { return true; }

private:
    std::vector<std::set<std::string>> objects_;  // the keys so far of those that are open
    std::string key_;
    std::size_t keys_{};
    bool key_twice_{};
    bool endless_number_{};
};

}  // namespace

core::Result<json::object> read_object(std::string_view text, std::string_view what) {
    const auto refuse = [&](std::string_view why) {
        return core::unexpected(core::Error::Code::Invalid, fmt::format(fmt::runtime(why), what));
    };
    json::parse_options options;
    options.max_depth = kDeepest;
    Failure failed;
    json::basic_parser<Scrutiny> scrutiny{options};
    scrutiny.write_some(false, text.data(), text.size(), failed);
    if (failed == json::error::object_too_large) return refuse("{} has more keys than any request needs");
    if (!failed && scrutiny.handler().key_twice()) return refuse("a key stands twice in {}");
    if (!failed && scrutiny.handler().endless_number()) return refuse("a number in {} is larger than any");
    failed.clear();
    json::value value = json::parse(text, failed, {}, options);
    if (failed || !value.is_object()) return refuse("{} is not a JSON object");
    return std::move(value.as_object());
}

}  // namespace crosspatch::record
