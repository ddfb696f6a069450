#pragma once
#include <boost/json.hpp>
#include <string_view>

#include "crosspatch/core/result.hpp"

namespace crosspatch::api {

// A request's body: one JSON object, at most 64 deep, in which no key stands twice. Of two keys that are the
// same, two readers may believe different ones.
core::Result<boost::json::object> read_body(std::string_view text);

}  // namespace crosspatch::api
