#include "routes.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <functional>

#include "crosspatch/api/veil.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "crosspatch/record/verifier.hpp"

namespace crosspatch::api {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Verb = boost::beast::http::verb;
constexpr std::size_t kMostRecords = 1000;  // in one answer

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

std::optional<core::WallTime> wall_time(const std::optional<std::string>& text) {
    return text ? core::from_rfc3339(*text) : std::nullopt;
}

Response no_time(const std::string& name) {
    return problem(Status::unprocessable_entity,
                   name + " is no time from 1970 to 2261; write it as 2026-11-22T16:00:00Z");
}

bool reads_log(const Actor& actor) {
    return actor.role == "auditor" || actor.role == "administrator" || actor.role == "supervisor";
}

record::Entry entry_of(const Request& request, std::string type, json::object object) {
    return {.type = std::move(type),
            .actor = actor_json(*request.actor),
            .source = {{"peer", request.peer}},
            .object = std::move(object)};
}

void keep(json::array& items, const std::function<bool(const json::value&)>& wanted) {
    const auto end =
        std::remove_if(items.begin(), items.end(), [&](const auto& one) { return !wanted(one); });
    items.erase(end, items.end());
}

// Whoever verifies; when he is gone, however that came about, the next one may.
class Turn {
public:
    explicit Turn(std::atomic<bool>& taken) : taken_{taken} {}
    ~Turn() { taken_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    std::atomic<bool>& taken_;
};

bool is_in(const std::vector<std::string>& names, const json::value& name) {
    return name.is_string() && std::find(names.begin(), names.end(), name.as_string()) != names.end();
}

void keep_if(json::value& list, const std::function<bool(const json::value&)>& kept) {
    json::array& items = list.as_array();
    items.erase(
        std::remove_if(items.begin(), items.end(), [&](const json::value& one) { return !kept(one); }),
        items.end());
}

// Leaves of a call or talkspurt the channels that an agency knows of.
void show_known(json::object& one, const Gateway::Own& own) {
    keep_if(one.at("channels"), [&](const json::value& channel) { return is_in(own.known, channel); });
}

// Leaves of a talkspurt what concerns an agency: all of what its own people said; of what others said, who of its own
// heard it. False: it does not concern it.
bool show_own(json::object& talkspurt, const Gateway::Own& own) {
    if (is_in(own.channels, talkspurt.at("channel"))) return true;
    const json::array& channels = talkspurt.at("channels").as_array();
    const bool concerns = std::any_of(channels.begin(), channels.end(), [&](const json::value& channel) {
        return is_in(own.channels, channel);
    });
    show_known(talkspurt, own);
    keep_if(talkspurt.at("listeners"), [&](const json::value& one) { return is_in(own.endpoints, one); });
    keep_if(talkspurt.at("refused"),
            [&](const json::value& one) { return is_in(own.channels, one.at("channel")); });
    return concerns;
}

}  // namespace

Routes::Routes(Gateway& gateway, std::filesystem::path data_dir)
    : gateway_{gateway}, data_dir_{data_dir}, reader_{std::move(data_dir)} {}

Routes::~Routes() { finish(); }

void Routes::finish() {
    stopping_.request_stop();
    reads_.join();
    verifications_.join();
}

const std::vector<Routes::Route>& Routes::table() {
    static const std::vector<Route> routes{
        {Verb::get, {"healthz"}, true, &Routes::healthz},
        {Verb::get, {"readyz"}, true, &Routes::readyz},
        {Verb::get, {"metrics"}, true, &Routes::metrics},
        {Verb::get, {"api", "v1", "status"}, false, &Routes::status},
        {Verb::get, {"api", "v1", "channels"}, false, &Routes::channels},
        {Verb::get, {"api", "v1", "channels", "*"}, false, &Routes::channels},
        {Verb::post, {"api", "v1", "channels", "*", "label"}, false, &Routes::label_channel},
        {Verb::get, {"api", "v1", "endpoints"}, false, &Routes::endpoints},
        {Verb::get, {"api", "v1", "endpoints", "*"}, false, &Routes::endpoints},
        {Verb::post, {"api", "v1", "endpoints", "*", "disable"}, false, &Routes::disable_endpoint},
        {Verb::post, {"api", "v1", "endpoints", "*", "enable"}, false, &Routes::enable_endpoint},
        {Verb::post, {"api", "v1", "endpoints", "*", "revoke"}, false, &Routes::revoke_endpoint},
        {Verb::get, {"api", "v1", "bridges"}, false, &Routes::bridges},
        {Verb::post, {"api", "v1", "bridges"}, false, &Routes::create_bridge},
        {Verb::get, {"api", "v1", "templates"}, false, &Routes::templates},
        {Verb::get, {"api", "v1", "bridges", "*"}, false, &Routes::bridges},
        {Verb::delete_, {"api", "v1", "bridges", "*"}, false, &Routes::remove_bridge},
        {Verb::post, {"api", "v1", "bridges", "*", "open"}, false, &Routes::open_bridge},
        {Verb::post, {"api", "v1", "bridges", "*", "close"}, false, &Routes::close_bridge},
        {Verb::get, {"api", "v1", "bridges", "*", "terms"}, false, &Routes::terms},
        {Verb::get, {"api", "v1", "bridges", "*", "jurisdiction"}, false, &Routes::jurisdiction},
        {Verb::post, {"api", "v1", "bridges", "*", "consents"}, false, &Routes::consent},
        {Verb::delete_, {"api", "v1", "bridges", "*", "consents"}, false, &Routes::revoke_consent},
        {Verb::get, {"api", "v1", "keys"}, false, &Routes::keys},
        {Verb::get, {"api", "v1", "keys", "*"}, false, &Routes::keys},
        {Verb::post, {"api", "v1", "keys", "*", "rotate"}, false, &Routes::rotate_key},
        {Verb::get, {"api", "v1", "floor"}, false, &Routes::floor},
        {Verb::get, {"api", "v1", "calls"}, false, &Routes::calls},
        {Verb::get, {"api", "v1", "calls", "*"}, false, &Routes::call},
        {Verb::get, {"api", "v1", "talkspurts", "*"}, false, &Routes::talkspurt},
        {Verb::get, {"api", "v1", "policy", "explain"}, false, &Routes::explain},
        {Verb::get, {"api", "v1", "log", "records"}, false, &Routes::log_records},
        {Verb::get, {"api", "v1", "log", "checkpoint"}, false, &Routes::log_checkpoint},
        {Verb::get, {"api", "v1", "log", "verification"}, false, &Routes::log_verify},
        {Verb::post, {"api", "v1", "reload"}, false, &Routes::reload},
        {Verb::get, {"api", "v1", "events"}, false, &Routes::events},
        // Promised by the contract, not in this version.
        {Verb::post, {"api", "v1", "session"}, false, &Routes::later},
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
    std::string thrown;
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
        try {
            co_return co_await (this->*route.handler)(request);
        } catch (const std::exception& error) {
            thrown = error.what();
        }
        co_return problem(Status::internal_server_error, "the daemon could not answer: " + thrown);
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
    const auto read = [&] { return gateway_.metrics(); };
    std::string text = co_await on_control(read);
    co_return Response{.type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(text)};
}

Answer Routes::status(const Request& request) {
    const auto read = [&] { return gateway_.status(*request.actor); };
    co_return json_response(co_await on_control(read));
}

// The one item whose id is in the path, if the asker may see it.
asio::awaitable<std::optional<json::value>> Routes::find(const Request& request, List read) {
    const auto ask = [&] { return (gateway_.*read)(*request.actor); };
    json::array items = co_await on_control(ask);
    for (json::value& item : items)
        if (item.at("id").as_string() == request.path[3]) co_return std::move(item);
    co_return std::nullopt;
}

// The whole list, or with an id in the path the one item.
Answer Routes::list(const Request& request, List read) {
    if (request.path.size() > 3) {
        const auto item = co_await find(request, read);
        co_return item ? json_response(*item) : problem(Status::not_found, not_there(request.path[3]));
    }
    const auto ask = [&] { return (gateway_.*read)(*request.actor); };
    json::array items = co_await on_control(ask);
    co_return json_response(json::object{{"items", std::move(items)}, {"next", nullptr}});
}

Answer Routes::channels(const Request& request) { return list(request, &Gateway::channels); }
Answer Routes::endpoints(const Request& request) { return list(request, &Gateway::endpoints); }
Answer Routes::bridges(const Request& request) { return list(request, &Gateway::bridges); }
Answer Routes::floor(const Request& request) { return list(request, &Gateway::floor); }

// A command that was refused goes on record, and the answer says nothing about what the asker may not see.
// Neither does the record, which he may read: what is not there gets one like what is hidden from him.
Answer Routes::refused(const Request& request, List read, core::Error why) {
    using Code = core::Error::Code;
    if (why.code == Code::NotPermitted) {
        const auto seen = co_await find(request, read);
        if (!seen) why.code = Code::NotFound;
    }
    if (why.code == Code::NotFound) why.context = not_there(request.path[3]);
    if (why.code == Code::NotPermitted || (why.code == Code::NotFound && !request.actor->agency.empty()))
        co_await denied(request, why.context);
    co_return problem(why);
}

Answer Routes::cut(Cut what, const Request& request) {
    // On this thread, straight into the worker's queue: a cut waits for nobody.
    const auto done = gateway_.cut(what, request.path[3], *request.actor, reason_of(request));
    if (done) co_return json_response(json::object{{"id", request.path[3]}, {"done", true}});
    const bool of_bridge = what == Cut::CloseBridge || what == Cut::RevokeConsent;
    co_return co_await refused(request, of_bridge ? &Gateway::bridges : &Gateway::endpoints, done.error());
}

Answer Routes::jurisdiction(const Request& request) {
    const Gateway::Whom whom{.agency = parameter(request, "agency"), .role = parameter(request, "role")};
    const auto ask = [&] { return gateway_.jurisdiction(request.path[3], whom, *request.actor); };
    const auto found = co_await on_control(ask);
    if (found) co_return json_response(*found);
    if (found.error().code != core::Error::Code::NotFound) co_return problem(found.error());
    co_return problem(Status::not_found, not_there(request.path[3]));
}

// A little later what was commanded is on disk; a disk or a control that hangs is not waited for.
asio::awaitable<bool> Routes::wait_until_kept() {
    constexpr int kMostLooks = 50;
    const auto here = co_await asio::this_coro::executor;
    asio::steady_timer timer{here};
    for (int looks = 0; looks < kMostLooks && !gateway_.kept(); ++looks) {
        timer.expires_after(std::chrono::milliseconds{5});
        co_await timer.async_wait(asio::use_awaitable);
    }
    co_return gateway_.kept();
}

Answer Routes::disable_endpoint(const Request& request) { return cut(Cut::DisableEndpoint, request); }
Answer Routes::revoke_endpoint(const Request& request) { return cut(Cut::RevokeEndpoint, request); }

Answer Routes::label_channel(const Request& request) {
    const json::value* label = request.body.if_contains("label");
    const json::value* lasts = request.body.if_contains("lasts_ms");
    if (!label || !label->is_string() || (lasts && !lasts->is_int64()))
        co_return problem(Status::unprocessable_entity,
                          "say {\"label\": \"RED\"}, and for a time \"lasts_ms\": 1800000");
    Gateway::Label wanted{.label = std::string{label->get_string()}};
    if (lasts) wanted.lasts = std::chrono::milliseconds{lasts->get_int64()};
    // On this thread, straight into the workers' queues, like a cut.
    const auto done = gateway_.set_label(request.path[3], wanted, *request.actor, reason_of(request));
    if (done) co_return json_response(json::object{{"id", request.path[3]}, {"label", wanted.label}});
    co_return co_await refused(request, &Gateway::channels, done.error());
}

Answer Routes::enable_endpoint(const Request& request) {
    const auto enable = [&] { return gateway_.enable_endpoint(request.path[3], *request.actor); };
    const auto done = co_await on_control(enable);
    if (done) co_return json_response(*done);
    co_return co_await refused(request, &Gateway::endpoints, done.error());
}

Answer Routes::reload(const Request& request) {
    const auto done =
        co_await asio::co_spawn(gateway_.control(), gateway_.reload(*request.actor), asio::use_awaitable);
    if (*done) co_return json_response(**done);
    if (done->error().code == core::Error::Code::NotPermitted)
        co_return co_await denied(request, done->error().context);
    co_return problem(done->error());
}

Answer Routes::keys(const Request& request) { return list(request, &Gateway::keys); }

Answer Routes::rotate_key(const Request& request) {
    auto done = co_await asio::co_spawn(
        gateway_.control(), gateway_.rotate_key(request.path[3], *request.actor, reason_of(request)),
        asio::use_awaitable);
    if (!*done) co_return co_await refused(request, &Gateway::keys, done->error());
    const bool kept = co_await wait_until_kept();
    (*done)->insert_or_assign("kept", kept);
    co_return json_response(**done);
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
        if (parameter(request, name) && !wall_time(parameter(request, name))) co_return no_time(name);
    if (parameter(request, "limit")) {
        const auto limit = number(parameter(request, "limit"));
        if (!limit || *limit == 0 || *limit > 500)
            co_return problem(Status::unprocessable_entity, "limit is 1 to 500");
        filter.limit = *limit;
    }
    const auto see = [&] { return gateway_.own(*request.actor); };
    const auto own = co_await on_control(see);
    if (own) filter.visible_channels = own->channels;
    if (own) filter.agency = request.actor->agency;
    const auto read = [&] { return reader_.calls(filter); };
    auto found = co_await on_disk(reads_, read);
    if (found && own)
        for (json::value& call : found->at("items").as_array()) show_known(call.as_object(), *own);
    co_return found ? json_response(*found) : problem(found.error());
}

Answer Routes::call(const Request& request) {
    const auto see = [&] { return gateway_.own(*request.actor); };
    const auto own = co_await on_control(see);
    const auto read = [&] {
        return reader_.call(request.path[3], own ? std::optional{own->channels} : std::nullopt);
    };
    auto found = co_await on_disk(reads_, read);
    if (!found) co_return problem(found.error());
    if (own) show_known(*found, *own);
    if (own)
        for (json::value& talkspurt : found->at("talkspurts").as_array()) {
            show_own(talkspurt.as_object(), *own);
            veil(talkspurt.as_object(), request.actor->agency, is_in(own->channels, talkspurt.at("channel")));
        }
    co_return json_response(*found);
}

Answer Routes::talkspurt(const Request& request) {
    const auto see = [&] { return gateway_.own(*request.actor); };
    const auto own = co_await on_control(see);
    const auto read = [&] { return reader_.talkspurt(request.path[3]); };
    auto found = co_await on_disk(reads_, read);
    if (!found) co_return problem(found.error());
    // Another agency's object that one may not see is not there.
    if (own && !show_own(*found, *own)) co_return problem(Status::not_found, "there is no such talkspurt");
    if (own) veil(*found, request.actor->agency, is_in(own->channels, found->at("channel")));
    co_return json_response(*found);
}

Answer Routes::explain(const Request& request) {
    Gateway::Question question{.from = parameter(request, "from").value_or(""),
                               .to = parameter(request, "to").value_or(""),
                               .role = parameter(request, "role"),
                               .talker = parameter(request, "talker"),
                               .kind = parameter(request, "kind"),
                               .suite = parameter(request, "suite"),
                               .at = wall_time(parameter(request, "at")),
                               .emergency = parameter(request, "emergency").value_or("false") == "true"};
    if (parameter(request, "at") && !question.at) co_return no_time("at");
    const auto ask = [&] { return gateway_.explain(question, *request.actor); };
    const auto answer = co_await on_control(ask);
    co_return answer ? json_response(*answer) : problem(answer.error());
}

Answer Routes::log_records(const Request& request) {
    if (!reads_log(*request.actor))
        co_return co_await denied(request, "auditors, supervisors and administrators read the log");
    for (const char* name : {"last", "after", "limit"})
        if (parameter(request, name) && !number(parameter(request, name)))
            co_return problem(Status::unprocessable_entity, std::string{name} + " is no number");
    const json::object what{{"kind", "log"}, {"id", "records"}};
    co_await note(entry_of(request, "audit.read", what));
    const auto see = [&] { return gateway_.own(*request.actor); };
    const auto own = co_await on_control(see);
    const auto is_own = [&](std::string_view channel) {
        return std::find(own->channels.begin(), own->channels.end(), channel) != own->channels.end();
    };
    const Mine mine = [&](const json::value& record) {
        return concerns(record.as_object(), *request.actor, is_own);
    };
    const auto read = [&]() -> core::Result<json::object> {
        if (const auto last = number(parameter(request, "last"))) {
            const std::size_t count = std::clamp<std::size_t>(*last, 1, kMostRecords);
            return own ? newest_records(count, mine) : reader_.last_records(count);
        }
        auto page = reader_.records(
            number(parameter(request, "after")),
            std::min<std::size_t>(number(parameter(request, "limit")).value_or(100), kMostRecords),
            parameter(request, "type").value_or(""));
        if (page && own) keep(page->at("items").as_array(), mine);
        return page;
    };
    auto found = co_await on_disk(reads_, read);
    if (found)
        for (json::value& record : found->at("items").as_array())
            veil(record.as_object(), request.actor->agency,
                 caused_by(record.as_object(), request.actor->agency));
    co_return found ? json_response(*found) : problem(found.error());
}

// The newest `count` records that are the asker's, oldest first. They are looked for among the newest 20,000,
// two days of a gateway on which nobody talks; who wants older ones goes through the log by `after`.
core::Result<json::object> Routes::newest_records(std::size_t count, const Mine& mine) {
    constexpr int kMostPages = 20;
    json::array found;  // newest first
    auto page = reader_.last_records(kMostRecords);
    json::value next = page ? page->at("next") : nullptr;
    for (int pages = 0; page && pages < kMostPages && !stopping_.stop_requested(); ++pages) {
        json::array& items = page->at("items").as_array();
        if (items.empty()) break;
        const std::uint64_t first = number(std::string{items.front().at("id").as_string()}).value_or(0);
        for (auto item = items.rbegin(); item != items.rend() && found.size() < count; ++item)
            if (mine(*item)) found.push_back(std::move(*item));
        if (first == 0 || found.size() == count) break;
        const std::uint64_t from = first - std::min<std::uint64_t>(first, kMostRecords);
        page = reader_.records(from == 0 ? std::nullopt : std::optional{from - 1}, first - from);
    }
    if (!page) return core::Unexpected{page.error()};
    std::reverse(found.begin(), found.end());
    return json::object{{"items", std::move(found)}, {"next", std::move(next)}};
}

Answer Routes::log_checkpoint(const Request&) {
    const auto read = [this] { return reader_.checkpoint(); };
    const auto note = co_await on_disk(reads_, read);
    if (!note) co_return problem(note.error());
    co_return Response{.type = "text/plain; charset=utf-8", .body = *note};
}

Answer Routes::log_verify(const Request& request) {
    if (!reads_log(*request.actor))
        co_return co_await denied(request, "auditors, supervisors and administrators verify the log");
    if (verifying_.exchange(true))
        co_return problem(Status::service_unavailable,
                          "a verification is running; ask again when it is done");
    const Turn turn{verifying_};
    const auto verify = [this] { return record::Verifier{data_dir_}.run(stopping_.get_token()); };
    const auto report = co_await on_disk(verifications_, verify);
    if (!report) co_return problem(report.error());
    record::Entry entry =
        entry_of(request, report->ok() ? "audit.verified" : "audit.failed", {{"kind", "log"}});
    entry.outcome = report->ok() ? record::Outcome::Ok : record::Outcome::Error;
    entry.detail = {{"records", report->records}, {"problems", report->problems.size()}};
    co_await note(std::move(entry));
    json::object body = record::to_json(*report);
    body["text"] = record::to_text(*report);
    co_return json_response(body);
}

asio::awaitable<void> Routes::note(record::Entry entry) {
    const auto put = [&] { return gateway_.note(std::move(entry)), true; };
    co_await on_control(put);
}

// Not permitted, and that he tried is on record.
Answer Routes::denied(const Request& request, const std::string& why) {
    std::string path;
    for (const std::string& segment : request.path) path += '/' + segment;
    record::Entry entry = entry_of(request, "auth.denied", {{"kind", "api"}, {"id", core::escape(path)}});
    entry.outcome = record::Outcome::Denied;
    entry.detail = {{"reason", why}};
    co_await note(std::move(entry));
    co_return problem(Status::forbidden, why);
}

Answer Routes::events(const Request&) {
    co_return problem(Status::upgrade_required, "the events come over a WebSocket");
}

Answer Routes::later(const Request&) {
    co_return problem(Status::not_implemented, "this is not in this version");
}

}  // namespace crosspatch::api
