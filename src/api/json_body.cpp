#include "json_body.hpp"

#include "crosspatch/record/json_text.hpp"

namespace crosspatch::api {

core::Result<boost::json::object> read_body(std::string_view text) {
    return record::read_object(text, "the body");
}

}  // namespace crosspatch::api
