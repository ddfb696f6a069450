#include "message.hpp"

#include <boost/url.hpp>

#include "crosspatch/core/text.hpp"

namespace crosspatch::api {

Response json_response(const boost::json::value& value, Status status) {
    return {.status = status, .body = boost::json::serialize(value)};
}

Response problem(Status status, std::string_view detail) {
    const boost::json::object body{{"type", "about:blank"},
                                   {"title", std::string{boost::beast::http::obsolete_reason(status)}},
                                   {"status", static_cast<unsigned>(status)},
                                   {"detail", detail}};
    return {.status = status, .type = "application/problem+json", .body = boost::json::serialize(body)};
}

Response problem(const core::Error& error) {
    using Code = core::Error::Code;
    switch (error.code) {
        case Code::NotFound:
            return problem(Status::not_found, error.context);
        case Code::NotPermitted:
            return problem(Status::forbidden, error.context);
        case Code::Invalid:
            return problem(Status::unprocessable_entity, error.context);
        case Code::Busy:
        case Code::Exhausted:
        case Code::Unavailable:
            return problem(Status::service_unavailable, error.context);
        case Code::Io:
        case Code::Internal:
            break;
    }
    return problem(Status::internal_server_error, error.context);
}

bool parse_target(std::string_view target, Request& into) {
    const auto parsed = boost::urls::parse_origin_form({target.data(), target.size()});
    if (!parsed) return false;
    for (const auto& segment : parsed->segments()) {
        // Dot segments, empty ones and encoded separators have no meaning here, so they are not given one.
        if (segment.empty() || segment == "." || segment == ".." || segment.find('/') != std::string::npos ||
            segment.find('\0') != std::string::npos || !core::is_utf8(segment))
            return false;
        into.path.push_back(segment);
    }
    for (const auto& parameter : parsed->params()) {
        if (!core::is_utf8(parameter.key) || !core::is_utf8(parameter.value)) return false;
        if (!into.query.emplace(parameter.key, parameter.value).second) return false;
    }
    return true;
}

std::string reason_of(const Request& request) {
    const boost::json::value* reason = request.body.if_contains("reason");
    return reason && reason->is_string() ? std::string{reason->as_string()} : std::string{};
}

std::string not_there(const std::string& id) {
    return "there is no '" + core::escape(id) + "' here, or you may not see it";
}

}  // namespace crosspatch::api
