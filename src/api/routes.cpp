#include "routes.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cstring>
#include <ctime>

#include "crosspatch/core/text.hpp"
#include "crosspatch/record/verifier.hpp"

namespace crosspatch::api {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Verb = boost::beast::http::verb;

std::optional<std::string> parameter(const Request& request, const std::string& name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::uint64_t> number(const std::optional<std::string>& text) {
    std::uint64_t value = 0;
    if (!text) return std::nullopt;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
    return failed == std::errc{} && end == text->data() + text->size() ? std::optional{value} : std::nullopt;
}

// `2026-11-22T16:00:00Z`; fractions are taken to the second.
std::optional<core::WallTime> wall_time(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    std::tm parts{};
    const char* rest = strptime(text->c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest) return std::nullopt;
    if (*rest == '.') rest += 1 + std::strspn(rest + 1, "0123456789");
    if (std::string_view{rest} != "Z") return std::nullopt;
    return core::WallTime{std::chrono::seconds{timegm(&parts)}};
}

std::string reason_of(const Request& request) {
    const json::value* reason = request.body.if_contains("reason");
    return reason && reason->is_string() ? std::string{reason->as_string()} : std::string{};
}

bool reads_log(const Actor& actor) {
    return actor.role == "auditor" || actor.role == "administrator" || actor.role == "supervisor";
}

}  // namespace

Routes::Routes(Gateway& gateway, std::filesystem::path data_dir)
    : gateway_{gateway}, data_dir_{data_dir}, reader_{std::move(data_dir)} {}

Routes::~Routes() { finish(); }

void Routes::finish() {
    reads_.join();
    verifications_.join();
}

template <typename Function>
auto Routes::on_control(Function function) -> asio::awaitable<decltype(function())> {
    using Value = decltype(function());
    // What crosses executors must be default-constructible, which not every Value is.
    auto task = [](Function run) -> asio::awaitable<std::optional<Value>> { co_return run(); };
    auto value = co_await asio::co_spawn(gateway_.control(), task(std::move(function)), asio::use_awaitable);
    co_return std::move(*value);
}

template <typename Function>
auto Routes::on_disk(asio::thread_pool& pool, Function function) -> asio::awaitable<decltype(function())> {
    using Value = decltype(function());
    // What crosses executors must be default-constructible, which not every Value is.
    auto task = [](Function run) -> asio::awaitable<std::optional<Value>> { co_return run(); };
    auto value = co_await asio::co_spawn(pool.get_executor(), task(std::move(function)), asio::use_awaitable);
    co_return std::move(*value);
}

const std::vector<Routes::Route>& Routes::table() {
    static const std::vector<Route> routes{
        {Verb::get, {"healthz"}, true, &Routes::healthz},
        {Verb::get, {"readyz"}, true, &Routes::readyz},
        {Verb::get, {"metrics"}, true, &Routes::metrics},
        {Verb::get, {"api", "v1", "status"}, false, &Routes::status},
        {Verb::get, {"api", "v1", "channels"}, false, &Routes::channels},
        {Verb::get, {"api", "v1", "channels", "*"}, false, &Routes::channels},
        {Verb::get, {"api", "v1", "endpoints"}, false, &Routes::endpoints},
        {Verb::get, {"api", "v1", "endpoints", "*"}, false, &Routes::endpoints},
        {Verb::post, {"api", "v1", "endpoints", "*", "disable"}, false, &Routes::disable_endpoint},
        {Verb::post, {"api", "v1", "endpoints", "*", "enable"}, false, &Routes::enable_endpoint},
        {Verb::post, {"api", "v1", "endpoints", "*", "revoke"}, false, &Routes::revoke_endpoint},
        {Verb::get, {"api", "v1", "bridges"}, false, &Routes::bridges},
        {Verb::get, {"api", "v1", "bridges", "*"}, false, &Routes::bridges},
        {Verb::post, {"api", "v1", "bridges", "*", "open"}, false, &Routes::open_bridge},
        {Verb::post, {"api", "v1", "bridges", "*", "close"}, false, &Routes::close_bridge},
        {Verb::get, {"api", "v1", "floor"}, false, &Routes::floor},
        {Verb::get, {"api", "v1", "calls"}, false, &Routes::calls},
        {Verb::get, {"api", "v1", "calls", "*"}, false, &Routes::call},
        {Verb::get, {"api", "v1", "talkspurts", "*"}, false, &Routes::talkspurt},
        {Verb::get, {"api", "v1", "policy", "explain"}, false, &Routes::explain},
        {Verb::get, {"api", "v1", "log", "records"}, false, &Routes::log_records},
        {Verb::get, {"api", "v1", "log", "checkpoint"}, false, &Routes::log_checkpoint},
        {Verb::get, {"api", "v1", "log", "verification"}, false, &Routes::log_verify},
        {Verb::post, {"api", "v1", "reload"}, false, &Routes::reload},
        // Promised by the contract, not in this version.
        {Verb::post, {"api", "v1", "session"}, false, &Routes::later},
        {Verb::post, {"api", "v1", "bridges", "*", "consents"}, false, &Routes::later},
        {Verb::delete_, {"api", "v1", "bridges", "*", "consents"}, false, &Routes::later},
        {Verb::get, {"api", "v1", "incidents"}, false, &Routes::later},
        {Verb::get, {"api", "v1", "messages"}, false, &Routes::later},
        {Verb::get, {"api", "v1", "users"}, false, &Routes::later},
        {Verb::post, {"api", "v1", "emergencies"}, false, &Routes::later},
        {Verb::get, {"api", "v1", "recordings", "*"}, false, &Routes::later},
    };
    return routes;
}

bool Routes::matches(const Route& route, const Request& request) {
    return route.path.size() == request.path.size() &&
           std::equal(route.path.begin(), route.path.end(), request.path.begin(),
                      [](std::string_view pattern, const std::string& segment) {
                          return pattern == "*" || pattern == segment;
                      });
}

Answer Routes::answer(const Request& request) {
    std::string allowed;
    for (const Route& route : table()) {
        if (!matches(route, request)) continue;
        if (route.method != request.method) {
            allowed +=
                (allowed.empty() ? "" : ", ") + std::string{boost::beast::http::to_string(route.method)};
            continue;
        }
        if (!route.open && !request.actor)
            co_return problem(Status::unauthorized,
                              "this needs to know who asks: use the control socket, as a user named under "
                              "gateway.operators");
        co_return co_await (this->*route.handler)(request);
    }
    if (allowed.empty()) co_return problem(Status::not_found, "there is nothing at this path");
    Response refused = problem(Status::method_not_allowed, "this path takes " + allowed);
    refused.allow = allowed;
    co_return refused;
}

Answer Routes::healthz(const Request&) { co_return Response{.type = "text/plain", .body = "ok\n"}; }

Answer Routes::readyz(const Request&) {
    if (gateway_.ready()) co_return Response{.type = "text/plain", .body = "ready\n"};
    co_return Response{.status = Status::service_unavailable, .type = "text/plain", .body = "not ready\n"};
}

Answer Routes::metrics(const Request&) {
    co_return Response{.type = "text/plain; version=0.0.4; charset=utf-8", .body = gateway_.metrics()};
}

Answer Routes::status(const Request& request) {
    const auto read = [&] { return gateway_.status(*request.actor); };
    co_return json_response(co_await on_control(read));
}

// The whole list, or with an id in the path the one item.
Answer Routes::list(const Request& request, json::array (Gateway::*read)(const Actor&)) {
    const auto ask = [&] { return (gateway_.*read)(*request.actor); };
    json::array items = co_await on_control(ask);
    if (request.path.size() < 4)
        co_return json_response(json::object{{"items", std::move(items)}, {"next", nullptr}});
    for (const json::value& item : items)
        if (item.at("id").as_string() == request.path[3]) co_return json_response(item);
    co_return problem(Status::not_found,
                      "there is no '" + core::escape(request.path[3]) + "' here, or you may not see it");
}

Answer Routes::channels(const Request& request) { return list(request, &Gateway::channels); }
Answer Routes::endpoints(const Request& request) { return list(request, &Gateway::endpoints); }
Answer Routes::bridges(const Request& request) { return list(request, &Gateway::bridges); }
Answer Routes::floor(const Request& request) { return list(request, &Gateway::floor); }

Answer Routes::open_bridge(const Request& request) {
    const auto open = [&] {
        return gateway_.open_bridge(request.path[3], *request.actor, reason_of(request));
    };
    const auto opened = co_await on_control(open);
    co_return opened ? json_response(*opened) : problem(opened.error());
}

Answer Routes::cut(Cut what, const Request& request) {
    // On this thread, straight into the worker's queue: a cut waits for nobody.
    const auto done = gateway_.cut(what, request.path[3], *request.actor, reason_of(request));
    if (done) co_return json_response(json::object{{"id", request.path[3]}, {"done", true}});
    if (done.error().code == core::Error::Code::NotPermitted)
        co_await note_denied(request, done.error().context);
    co_return problem(done.error());
}

Answer Routes::close_bridge(const Request& request) { return cut(Cut::CloseBridge, request); }
Answer Routes::disable_endpoint(const Request& request) { return cut(Cut::DisableEndpoint, request); }
Answer Routes::revoke_endpoint(const Request& request) { return cut(Cut::RevokeEndpoint, request); }

Answer Routes::enable_endpoint(const Request& request) {
    const auto enable = [&] { return gateway_.enable_endpoint(request.path[3], *request.actor); };
    const auto done = co_await on_control(enable);
    co_return done ? json_response(*done) : problem(done.error());
}

Answer Routes::reload(const Request& request) {
    const auto done =
        co_await asio::co_spawn(gateway_.control(), gateway_.reload(*request.actor), asio::use_awaitable);
    co_return *done ? json_response(**done) : problem(done->error());
}

Answer Routes::calls(const Request& request) {
    record::CallFilter filter{.channel = parameter(request, "channel"),
                              .talker = parameter(request, "talker"),
                              .text = parameter(request, "text"),
                              .bridge = parameter(request, "bridge"),
                              .since = wall_time(parameter(request, "since")),
                              .until = wall_time(parameter(request, "until")),
                              .cursor = parameter(request, "cursor")};
    for (const char* name : {"since", "until"})
        if (parameter(request, name) && !wall_time(parameter(request, name)))
            co_return problem(Status::unprocessable_entity,
                              std::string{name} + " is no time; write it as 2026-11-22T16:00:00Z");
    if (parameter(request, "limit")) {
        const auto limit = number(parameter(request, "limit"));
        if (!limit || *limit == 0 || *limit > 500)
            co_return problem(Status::unprocessable_entity, "limit is 1 to 500");
        filter.limit = *limit;
    }
    const auto see = [&] { return gateway_.visible_channels(*request.actor); };
    filter.visible_channels = co_await on_control(see);
    const auto read = [&] { return reader_.calls(filter); };
    const auto found = co_await on_disk(reads_, read);
    co_return found ? json_response(*found) : problem(found.error());
}

Answer Routes::call(const Request& request) {
    const auto see = [&] { return gateway_.visible_channels(*request.actor); };
    const auto visible = co_await on_control(see);
    const auto read = [&] { return reader_.call(request.path[3], visible); };
    const auto found = co_await on_disk(reads_, read);
    co_return found ? json_response(*found) : problem(found.error());
}

Answer Routes::talkspurt(const Request& request) {
    const auto see = [&] { return gateway_.visible_channels(*request.actor); };
    const auto visible = co_await on_control(see);
    const auto read = [&] { return reader_.talkspurt(request.path[3]); };
    const auto found = co_await on_disk(reads_, read);
    if (!found) co_return problem(found.error());
    if (visible) {  // another agency's object that one may not see is not there
        const auto seen = [&](const json::value& channel) {
            return std::find(visible->begin(), visible->end(), channel.as_string()) != visible->end();
        };
        const json::value* channels = found->if_contains("channels");
        if (!channels || std::none_of(channels->as_array().begin(), channels->as_array().end(), seen))
            co_return problem(Status::not_found, "there is no such talkspurt");
    }
    co_return json_response(*found);
}

Answer Routes::explain(const Request& request) {
    Gateway::Question question{.from = parameter(request, "from").value_or(""),
                               .to = parameter(request, "to").value_or(""),
                               .role = parameter(request, "role"),
                               .talker = parameter(request, "talker"),
                               .kind = parameter(request, "kind"),
                               .at = wall_time(parameter(request, "at")),
                               .emergency = parameter(request, "emergency").value_or("false") == "true"};
    if (parameter(request, "at") && !question.at)
        co_return problem(Status::unprocessable_entity, "at is no time; write it as 2026-11-22T16:00:00Z");
    const auto ask = [&] { return gateway_.explain(question, *request.actor); };
    const auto answer = co_await on_control(ask);
    co_return answer ? json_response(*answer) : problem(answer.error());
}

Answer Routes::log_records(const Request& request) {
    if (!reads_log(*request.actor))
        co_return co_await note_denied(request, "auditors, supervisors and administrators read the log");
    co_await note_read(request, "records");
    const auto read = [&]() -> core::Result<json::object> {
        if (const auto last = number(parameter(request, "last")))
            return reader_.last_records(std::min<std::size_t>(*last, 1000));
        return reader_.records(number(parameter(request, "after")),
                               std::min<std::size_t>(number(parameter(request, "limit")).value_or(100), 1000),
                               parameter(request, "type").value_or(""));
    };
    const auto found = co_await on_disk(reads_, read);
    co_return found ? json_response(*found) : problem(found.error());
}

Answer Routes::log_checkpoint(const Request&) {
    const auto read = [this] { return reader_.checkpoint(); };
    const auto note = co_await on_disk(reads_, read);
    if (!note) co_return problem(note.error());
    co_return Response{.type = "text/plain; charset=utf-8", .body = *note};
}

Answer Routes::log_verify(const Request& request) {
    if (!reads_log(*request.actor))
        co_return co_await note_denied(request, "auditors, supervisors and administrators verify the log");
    if (verifying_.exchange(true))
        co_return problem(Status::service_unavailable,
                          "a verification is running; ask again when it is done");
    const auto verify = [this] { return record::Verifier{data_dir_}.run(); };
    const auto report = co_await on_disk(verifications_, verify);
    verifying_ = false;
    if (!report) co_return problem(report.error());
    record::Entry entry{.type = report->ok() ? "audit.verified" : "audit.failed",
                        .outcome = report->ok() ? record::Outcome::Ok : record::Outcome::Error,
                        .actor = {{"principal", request.actor->name}, {"role", request.actor->role}},
                        .source = {{"peer", request.peer}},
                        .object = {{"kind", "log"}}};
    entry.detail = {{"records", report->records}, {"problems", report->problems.size()}};
    const auto put = [&] { return gateway_.note(std::move(entry)), true; };
    co_await on_control(put);
    json::object body = record::to_json(*report);
    body["text"] = record::to_text(*report);
    co_return json_response(body);
}

Answer Routes::note_read(const Request& request, std::string what) {
    record::Entry entry{.type = "audit.read",
                        .actor = {{"principal", request.actor->name}, {"role", request.actor->role}},
                        .source = {{"peer", request.peer}},
                        .object = {{"kind", "log"}, {"id", std::move(what)}}};
    const auto put = [&] { return gateway_.note(std::move(entry)), true; };
    co_await on_control(put);
    co_return Response{};
}

Answer Routes::note_denied(const Request& request, std::string detail) {
    std::string path;
    for (const std::string& segment : request.path) path += '/' + segment;
    record::Entry entry{.type = "auth.denied",
                        .outcome = record::Outcome::Denied,
                        .actor = {{"principal", request.actor->name}, {"role", request.actor->role}},
                        .source = {{"peer", request.peer}},
                        .object = {{"kind", "api"}, {"id", core::escape(path)}}};
    entry.detail = {{"reason", detail}};
    const auto put = [&] { return gateway_.note(std::move(entry)), true; };
    co_await on_control(put);
    co_return problem(Status::forbidden, detail);
}

Answer Routes::later(const Request&) {
    co_return problem(Status::not_implemented, "this is not in this version");
}

}  // namespace crosspatch::api
