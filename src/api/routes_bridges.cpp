// Bridges and consents: routes.hpp.
#include "crosspatch/core/text.hpp"
#include "routes.hpp"

namespace crosspatch::api {
namespace {

namespace json = boost::json;

// {template, channels: […], id, reason}
core::Result<Gateway::Making> read_making(const Request& request) {
    const auto bad = [](std::string why) {
        return core::unexpected(core::Error::Code::Invalid, std::move(why));
    };
    Gateway::Making making{.reason = reason_of(request)};
    for (const auto& pair : request.body) {
        const json::value& value = pair.value();
        if (pair.key() == "template" && value.is_string() && core::is_identifier(value.get_string()))
            making.from = std::string{value.get_string()};
        else if (pair.key() == "id" && value.is_string() && core::is_identifier(value.get_string()))
            making.id = std::string{value.get_string()};
        else if (pair.key() == "channels" && value.is_array() && value.get_array().size() <= 200)
            for (const json::value& channel : value.get_array()) {
                if (!channel.is_string() || !core::is_identifier(channel.get_string()))
                    return bad("channels is a list of ids");
                making.channels.emplace_back(channel.get_string());
            }
        else if (pair.key() != "reason")
            return bad(
                "a bridge is made by {\"template\": ID, \"channels\": [ID, ID], \"id\": ID, \"reason\": "
                "TEXT}; ids are [a-z0-9-], at most 32 characters");
    }
    if (making.from.empty() || making.channels.empty())
        return bad("say which template and which channels: {\"template\": ID, \"channels\": [ID, ID]}");
    return making;
}

}  // namespace

Answer Routes::open_bridge(const Request& request) {
    const json::value* waits = request.body.if_contains("waits_ms");
    if (waits && !waits->is_int64())
        co_return problem(Status::unprocessable_entity,
                          "waits_ms is how long the request waits for consents: a whole number");
    Gateway::Opening opening{.reason = reason_of(request)};
    if (waits) opening.waits = std::chrono::milliseconds{waits->get_int64()};
    const auto open = [&] { return gateway_.open_bridge(request.path[3], opening, *request.actor); };
    const auto opened = co_await on_control(open);
    if (opened) co_return json_response(*opened);
    // A refused opening of a bridge that he sees is on record already, as `bridge.requested`.
    if (opened.error().code != core::Error::Code::NotFound) co_return problem(opened.error());
    co_return co_await refused(request, &Gateway::bridges, opened.error());
}

Answer Routes::templates(const Request& request) { return list(request, &Gateway::templates); }

Answer Routes::create_bridge(const Request& request) {
    const auto making = read_making(request);
    if (!making) co_return problem(making.error());
    const auto create = [&] { return gateway_.create_bridge(*making, *request.actor); };
    auto made = co_await on_control(create);
    if (!made) co_return problem(made.error());
    const bool kept = co_await wait_until_kept();
    made->insert_or_assign("kept", kept);
    Response response = json_response(*made);
    response.status = Status::created;
    co_return response;
}

Answer Routes::remove_bridge(const Request& request) {
    const auto remove = [&] {
        return gateway_.remove_bridge(request.path[3], *request.actor, reason_of(request));
    };
    const auto removed = co_await on_control(remove);
    if (removed) co_return json_response(*removed);
    co_return co_await refused(request, &Gateway::bridges, removed.error());
}

Answer Routes::terms(const Request& request) {
    const auto ask = [&] { return gateway_.terms(request.path[3], *request.actor); };
    const auto found = co_await on_control(ask);
    co_return found ? json_response(*found) : problem(Status::not_found, not_there(request.path[3]));
}

Answer Routes::consent(const Request& request) {
    const auto give = [&] { return gateway_.consent(request.path[3], request.body, *request.actor); };
    auto given = co_await on_control(give);
    if (given) {
        const bool kept = co_await wait_until_kept();
        given->insert_or_assign("kept", kept);
        co_return json_response(*given);
    }
    // Refused of a bridge that he sees, it is on record already, as `consent.given`.
    if (given.error().code != core::Error::Code::NotFound) co_return problem(given.error());
    co_return co_await refused(request, &Gateway::bridges, given.error());
}

Answer Routes::revoke_consent(const Request& request) {
    // Before anything else is waited for: the audio stops here.
    Response done = co_await cut(Cut::RevokeConsent, request);
    if (done.status != Status::ok) co_return done;
    const bool kept = co_await wait_until_kept();
    const json::object body{
        {"id", request.path[3]}, {"agency", request.actor->agency}, {"done", true}, {"kept", kept}};
    co_return json_response(body);
}

Answer Routes::close_bridge(const Request& request) { return cut(Cut::CloseBridge, request); }

}  // namespace crosspatch::api
