#include "crosspatch/api/server.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include "crosspatch/record/log.hpp"
#include "tests/api/bench.hpp"

namespace crosspatch::api::tests {
namespace {

namespace websocket = boost::beast::websocket;
using core::Error;

// Follows the events as crosspatchctl does.
class Follower {
public:
    explicit Follower(Desk& desk) : socket_{loop_} {
        desk.server();
        boost::beast::get_lowest_layer(socket_).connect({desk.path().string()});
        socket_.handshake("here", "/api/v1/events");
        while (desk.daemon.listening() == 0) std::this_thread::sleep_for(1ms);
    }
    // The type of the next event; empty when the stream has ended.
    std::string next() {
        boost::beast::flat_buffer buffer;
        boost::system::error_code failed;
        socket_.read(buffer, failed);
        if (failed) return "";
        const auto event = boost::json::parse(boost::beast::buffers_to_string(buffer.data()));
        return std::string{event.at("type").as_string()};
    }
    void say(const std::string& text) { socket_.write(boost::asio::buffer(text)); }
    auto end() const { return socket_.reason().code; }

private:
    boost::asio::io_context loop_;
    websocket::stream<boost::asio::local::stream_protocol::socket> socket_;
};

record::Entry entry(std::string type, boost::json::object object) {
    return {.type = std::move(type), .object = std::move(object)};
}

std::vector<std::string> types(const Answer& answer) {
    std::vector<std::string> found;
    const boost::json::value body = boost::json::parse(answer.body);
    for (const auto& item : body.at("items").as_array()) found.emplace_back(item.at("type").as_string());
    return found;
}

}  // namespace

// Form

TEST_CASE("a request of HTTP/1.1 has one Host; HTTP/1.0 knew none") {
    Desk desk;
    CHECK(desk.link().ask("GET /healthz HTTP/1.1\r\n\r\n").status == 400);
    CHECK(desk.link().ask("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status == 400);
    CHECK(desk.link().ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").status == 200);
    CHECK(desk.link().ask("GET /healthz HTTP/1.0\r\n\r\n").status == 200);
    CHECK(desk.link()
              .ask("GET /api/v1/events HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
              .status == 400);
}

TEST_CASE("a body in which a key stands twice is refused, however it is written and however deep it stands") {
    Desk desk;
    const auto open = [&](const std::string& body) {
        return desk.post("/api/v1/bridges/joint/open", body).status;
    };
    CHECK(open(R"({"reason":"a"})") == 200);
    CHECK(open(R"({"a":{"reason":"a"},"b":[{"reason":"b"},{"reason":"c"}]})") == 200);
    CHECK(open(R"({"reason":"a","reason":"b"})") == 400);
    CHECK(open(R"({"reason":"a","r\u0065ason":"b"})") == 400);
    CHECK(open(R"({"a":[{"x":{"y":1,"y":2}}]})") == 400);
    CHECK(open(R"(["reason"])") == 400);
    CHECK(open(R"({"reason":"\ud800"})") == 400);
    CHECK(open(R"({"reason":1e99999})") == 400);
    CHECK(open(std::string(70, '[') + std::string(70, ']')) == 400);
}

TEST_CASE("times that no clock of ours can show are refused") {
    Desk desk;
    for (const std::string time :
         {"9999-01-01T00:00:00Z", "2262-12-31T00:00:00Z", "1600-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
          "2026-11-22T24:00:00Z", "2026-11-22T16:00:00", "2026-11-22%2016:00:00Z", "2026-11-22T16:00:00.5",
          "%2B026-11-22T16:00:00Z", "yesterday", ""}) {
        CAPTURE(time);
        CHECK(desk.get("/api/v1/calls?since=" + time).status == 422);
        CHECK(desk.get("/api/v1/policy/explain?from=a&to=b&at=" + time).status == 422);
    }
    CHECK(desk.get("/api/v1/policy/explain?from=a&to=b&at=2026-11-22T16:00:00.123Z").status == 200);
    CHECK(desk.get("/api/v1/policy/explain?from=a&to=b&at=2261-12-31T23:59:59Z").status == 200);
}

TEST_CASE("a new connection has the time of a header to begin; between two requests it may be silent") {
    Desk desk{{.header = 300ms, .idle = 20s}};
    CHECK(desk.link().until_closed() < 5s);
    Link slow = desk.link();
    slow.send("GET /heal");
    CHECK(slow.until_closed() < 5s);
    Link patient = desk.link();
    CHECK(patient.ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").status == 200);
    std::this_thread::sleep_for(700ms);
    CHECK(patient.ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").status == 200);
    patient.send("GET /heal");  // and what has begun must end in time
    CHECK(patient.until_closed() < 5s);
}

// Who asks

TEST_CASE("who asks is looked up for each request, not once for a connection") {
    Desk desk;
    const std::string question = "GET /api/v1/status HTTP/1.1\r\nHost: a\r\n\r\n";
    Link link = desk.link();
    CHECK(link.ask(question).status == 200);
    desk.daemon.admit(std::nullopt);
    CHECK(link.ask(question).status == 401);
    desk.daemon.admit(person("northgate", "dispatcher"));
    CHECK(link.ask(question).status == 200);
}

TEST_CASE("the events say 401 to a stranger like every other path, and want a WebSocket of the others") {
    Desk desk;
    CHECK(desk.get("/api/v1/events").status == 426);
    CHECK(desk.post("/api/v1/events").status == 405);
    desk.daemon.admit(std::nullopt);
    CHECK(desk.get("/api/v1/events").status == 401);
}

TEST_CASE(
    "a channel's label is raised for a time or until it is lowered, and what is no label body is refused") {
    Desk desk;
    desk.daemon.admit(person("northgate", "dispatcher"));
    const std::string path = "/api/v1/channels/ng-ops/label";
    CHECK(desk.post(path, R"({"label": "RED", "lasts_ms": 1800000})").status == 200);
    REQUIRE(desk.daemon.labelled);
    CHECK(desk.daemon.labelled->label == "RED");
    CHECK(desk.daemon.labelled->lasts == std::chrono::minutes{30});
    CHECK(desk.post(path, R"({"label": "GREEN"})").status == 200);
    CHECK_FALSE(desk.daemon.labelled->lasts);
    desk.daemon.labelled.reset();
    for (const char* body : {"{}", R"({"label": 1})", R"({"label": "RED", "lasts_ms": "soon"})"})
        CHECK(desk.post(path, body).status == 422);
    CHECK_FALSE(desk.daemon.labelled);
}

TEST_CASE("what one may not see is not there for commands either, and that he tried is on record") {
    Desk desk;
    desk.daemon.admit(person("northgate", "dispatcher"));
    desk.daemon.verdict = core::unexpected(Error::Code::NotPermitted, "pat may not");
    const char* commands[] = {"bridges/joint/close", "endpoints/joint/disable", "endpoints/joint/revoke",
                              "endpoints/joint/enable"};
    for (const char* command : commands) {
        CAPTURE(command);
        CHECK(desk.post(std::string{"/api/v1/"} + command).status == 404);
    }
    CHECK(desk.daemon.noted().size() == 4);
    desk.daemon.visible = {{{"id", "joint"}}};
    for (const char* command : commands) {
        CAPTURE(command);
        CHECK(desk.post(std::string{"/api/v1/"} + command).status == 403);
    }
    const auto noted = desk.daemon.noted();
    REQUIRE(noted.size() == 8);
    for (const record::Entry& one : noted) {
        CHECK(one.type == "auth.denied");
        CHECK(one.outcome == record::Outcome::Denied);
        CHECK(one.actor.at("agency") == "northgate");
        CHECK(one.object.at("kind") == "api");
    }
}

TEST_CASE("what is hidden and what is not there get the same answer and the same record") {
    Desk desk;
    desk.daemon.admit(person("northgate", "dispatcher"));
    for (const char* command : {"bridges/joint/close", "bridges/joint/open", "endpoints/joint/enable"}) {
        CAPTURE(command);
        desk.daemon.verdict = core::unexpected(Error::Code::NotFound, "there is no 'joint'");
        const Answer absent = desk.post(std::string{"/api/v1/"} + command);
        const record::Entry first = desk.daemon.noted().back();
        if (command != std::string{"bridges/joint/open"})  // that one is hidden by who opens
            desk.daemon.verdict = core::unexpected(Error::Code::NotPermitted, "pat may not");
        const Answer hidden = desk.post(std::string{"/api/v1/"} + command);
        CHECK(absent.status == 404);
        CHECK(absent.body == hidden.body);
        CHECK(first.object == desk.daemon.noted().back().object);
        CHECK(first.detail == desk.daemon.noted().back().detail);
    }
    CHECK(desk.daemon.noted().size() == 6);
}

TEST_CASE("a reload that was denied is on record") {
    Desk desk;
    desk.daemon.verdict = core::unexpected(Error::Code::NotPermitted, "pat may not reload");
    CHECK(desk.post("/api/v1/reload").status == 403);
    REQUIRE(desk.daemon.noted().size() == 1);
    CHECK(desk.daemon.noted().front().object.at("id") == "/api/v1/reload");
    CHECK(desk.daemon.noted().front().detail.at("reason") == "pat may not reload");
}

// Events

TEST_CASE("who follows the events is kept through any silence, because he answers pings") {
    Desk desk{{.silence = 300ms}};
    Follower follower{desk};
    auto next = std::async(std::launch::async, [&] { return follower.next(); });
    CHECK(next.wait_for(1500ms) == std::future_status::timeout);
    desk.daemon.tell("floor.granted");
    CHECK(next.get() == "floor.granted");
}

TEST_CASE("the event stream of somebody who lost his right ends, and says so") {
    Desk desk;
    Follower follower{desk};
    desk.daemon.tell("floor.granted");
    desk.daemon.dismiss();
    CHECK(follower.next() == "floor.granted");
    CHECK(follower.next() == "");
    CHECK(follower.end() == websocket::close_code::policy_error);
}

TEST_CASE("who says something on the event stream is closed, and one who leaves is forgotten") {
    Desk desk;
    {
        Follower follower{desk};
        follower.say("subscribe");
        CHECK(follower.next() == "");
        CHECK(follower.end() == websocket::close_code::policy_error);
        Follower leaves{desk};
    }
    for (int i = 0; i < 1000 && desk.daemon.listening() > 0; ++i) std::this_thread::sleep_for(5ms);
    CHECK(desk.daemon.listening() == 0);
}

// The log

TEST_CASE("an agency's auditor reads the records that concern it, and nobody else's") {
    Desk desk;
    {
        record::Log log{{.data_dir = desk.directory.path(), .version = "test", .binary = {}, .reserve = 0}};
        for (int i = 0; i < 1200; ++i) {  // more than one page
            while (!log.append(entry("floor.granted", {{"channel", "pd-tac"}})))
                std::this_thread::sleep_for(1ms);
            if (i == 20) log.append(entry("endpoint.up", {{"channel", "ng-ops"}}));
        }
        log.append(entry("bridge.opened", {{"channels", {"pd-tac", "ng-ops"}}}));
        record::Entry own = entry("audit.read", {{"kind", "log"}});
        own.actor = {{"agency", "northgate"}};
        log.append(own);
    }
    using Types = std::vector<std::string>;
    CHECK(types(desk.get("/api/v1/log/records?last=1000")).size() == 1000);
    desk.daemon.admit(person("northgate", "auditor"));
    desk.daemon.owned = Gateway::Own{.channels = {"ng-ops"}, .known = {"ng-ops"}, .endpoints = {}};
    CHECK(types(desk.get("/api/v1/log/records?last=1000")) ==
          Types{"endpoint.up", "bridge.opened", "audit.read"});
    CHECK(types(desk.get("/api/v1/log/records?last=2")) == Types{"bridge.opened", "audit.read"});
    const Answer page = desk.get("/api/v1/log/records?limit=100");
    CHECK(types(page) == Types{"endpoint.up"});
    CHECK(boost::json::parse(page.body).at("next") == "99");
    CHECK(desk.get("/api/v1/log/records?last=x").status == 422);
    CHECK(desk.daemon.noted().back().actor.at("agency") == "northgate");
}

TEST_CASE("a question that fails is a 500, and the next one is answered") {
    Desk desk;
    desk.daemon.broken = true;
    const Answer failed = desk.get("/api/v1/status");
    CHECK(failed.status == 500);
    CHECK(failed.body.find("out of order") != std::string::npos);
    desk.daemon.on_control([&] { desk.daemon.broken = false; });
    CHECK(desk.get("/api/v1/status").status == 200);
}

TEST_CASE("a server that stops does not wait for a verification") {
    Desk desk;
    {
        record::Log log{{.data_dir = desk.directory.path(), .version = "test", .binary = {}, .reserve = 0}};
        for (int i = 0; i < 30'000; ++i)
            while (!log.append(entry("floor.granted", {{"channel", "pd-tac"}})))
                std::this_thread::sleep_for(1ms);
    }
    const auto began = std::chrono::steady_clock::now();
    Link link = desk.link();
    link.send("GET /api/v1/log/verification HTTP/1.1\r\nHost: here\r\n\r\n");
    std::this_thread::sleep_for(100ms);
    CHECK(desk.get("/api/v1/log/verification").status == 503);  // it runs
    desk.server().stop();
    CHECK(std::chrono::steady_clock::now() - began < 1s);
    CHECK_THROWS(link.receive());
}

}  // namespace crosspatch::api::tests
