#pragma once
#include <boost/json.hpp>
#include <string_view>

#include "crosspatch/core/result.hpp"

namespace crosspatch::record {

// JSON from outside: one object, at most 64 deep, with at most 1,000 keys, in which no key stands twice. Of two keys that
// are the same, two readers may believe different ones. `what` is how an error calls the text: `the body`.
core::Result<boost::json::object> read_object(std::string_view text, std::string_view what);

}  // namespace crosspatch::record
