#pragma once
#include <boost/json.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "crosspatch/core/result.hpp"

// The one way in which a record is written down: RFC 8785 JSON, kept to what every reader takes alike.
//
// Shape    objects, arrays, strings, booleans, integers within ±(2^53−1); no null, no fractions; keys are
// printable ASCII
//          in ascending order, each once; depth at most 16; at most 16 KiB a line, without its newline.
// Errors   Invalid, with the place (octet) and what is wrong there; nothing half read.
// Thread   any; no state.
// Source   RFC 8785 §3.2; RFC 8259. Stricter than both: a string may hold no DEL, C1, U+2028/2029,
// bidirectional control
//          or noncharacter, so that a line shown on a terminal stays one line and shows what it holds.
namespace crosspatch::record {

constexpr std::size_t kMaxRecord = 16 * 1024;  // octets
constexpr std::size_t kMaxDepth = 16;
constexpr std::int64_t kMaxInteger = (std::int64_t{1} << 53) - 1;

// `value` as one line. Doubles that hold a whole number are refused like any other: the writer knows its
// types.
core::Result<std::string> to_canonical(const boost::json::value& value, std::size_t most = kMaxRecord);

// Takes exactly what to_canonical() writes: to_canonical(*from_canonical(line)) == line for every line taken.
core::Result<boost::json::value> from_canonical(std::string_view line, std::size_t most = kMaxRecord);

// What a record may hold in a string: characters that are not allowed become `\u2028`, bad octets `\xff`, as
// text.
std::string presentable(std::string_view text);

// presentable() for every string inside.
void make_presentable(boost::json::value& value);

}  // namespace crosspatch::record
