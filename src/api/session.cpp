#include "session.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>

#include "crosspatch/core/text.hpp"
#include "routes.hpp"

namespace crosspatch::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using namespace std::chrono_literals;
constexpr auto kIdle = 60s;
constexpr auto kHeaderTime = 10s;
constexpr std::size_t kMaxEvents = 1000;  // that a reader may fall behind

// Everything about a request's form that is refused before anybody looks at its meaning.
std::optional<Response> refuse_form(const http::request<http::string_body>& message, Request& request) {
    const std::string_view target{message.target().data(), message.target().size()};
    if (target.size() > 8192) return problem(Status::uri_too_long, "the path is longer than 8,192 octets");
    if (message.count(http::field::host) > 1)
        return problem(Status::bad_request, "more than one Host header");
    if (message.has_content_length() && message.chunked())
        return problem(Status::bad_request, "both Content-Length and Transfer-Encoding");
    if (message.find(http::field::content_encoding) != message.end())
        return problem(Status::unsupported_media_type, "bodies are taken as they are, not compressed");
    if (!parse_target(target, request))
        return problem(Status::bad_request, "the path is not one that this API has");
    if (message.body().empty()) return std::nullopt;
    const auto type = message[http::field::content_type];
    if (!type.starts_with("application/json"))
        return problem(Status::bad_request, "the body must be application/json");
    boost::system::error_code failed;
    boost::json::parse_options options;
    options.max_depth = 64;
    const boost::json::value body = boost::json::parse(message.body(), failed, {}, options);
    if (failed || !body.is_object()) return problem(Status::bad_request, "the body is not a JSON object");
    request.body = body.as_object();
    return std::nullopt;
}

http::response<http::string_body> to_message(Response response, unsigned version, bool keep_alive) {
    http::response<http::string_body> message{response.status, version};
    message.set(http::field::server, "crosspatch");
    message.set(http::field::content_type, response.type);
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    if (!response.allow.empty()) message.set(http::field::allow, response.allow);
    message.body() = std::move(response.body);
    message.keep_alive(keep_alive);
    message.prepare_payload();
    return message;
}

// Events cross from control to this connection through a bounded channel; who reads too slowly is closed.
using EventChannel =
    asio::experimental::channel<void(boost::system::error_code, std::shared_ptr<const std::string>)>;

class Subscription {
public:
    Subscription(Gateway& gateway, asio::any_io_executor here)
        : gateway_{gateway}, channel_{std::make_shared<EventChannel>(here, kMaxEvents)} {
        asio::post(gateway_.control(), [&to = gateway_, channel = channel_, here, handle = handle_] {
            *handle = to.subscribe([channel, here](const boost::json::object& event) {
                auto text = std::make_shared<const std::string>(boost::json::serialize(event));
                asio::post(here, [channel, text] {
                    if (!channel->try_send(boost::system::error_code{}, text)) channel->close();
                });
            });
        });
    }
    ~Subscription() {
        channel_->close();
        asio::post(gateway_.control(),
                   [&gateway = gateway_, handle = handle_] { gateway.unsubscribe(*handle); });
    }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    EventChannel& channel() { return *channel_; }

private:
    Gateway& gateway_;
    std::shared_ptr<EventChannel> channel_;
    std::shared_ptr<std::uint64_t> handle_{std::make_shared<std::uint64_t>(0)};  // control's
};

template <typename Stream>
asio::awaitable<void> send_events(Stream stream, http::request<http::string_body> upgrade, Gateway& gateway) {
    websocket::stream<Stream> socket{std::move(stream)};
    socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    socket.read_message_max(1024);
    boost::system::error_code failed;
    co_await socket.async_accept(upgrade, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    const auto here = co_await asio::this_coro::executor;
    Subscription events{gateway, here};
    while (!failed) {
        const auto event =
            co_await events.channel().async_receive(asio::redirect_error(asio::use_awaitable, failed));
        if (failed) break;
        socket.text(true);
        co_await socket.async_write(asio::buffer(*event), asio::redirect_error(asio::use_awaitable, failed));
    }
    if (events.channel().is_open()) co_return;
    co_await socket.async_close({websocket::close_code::try_again_later, "too slow: events were left out"},
                                asio::redirect_error(asio::use_awaitable, failed));
}

bool wants_events(const http::request<http::string_body>& message, const std::optional<Actor>& actor) {
    return actor && websocket::is_upgrade(message) && message.target() == "/api/v1/events";
}

template <typename Stream>
asio::awaitable<void> serve_stream(Stream stream, Routes& routes, Gateway& gateway,
                                   std::optional<Actor> actor, std::string peer, Slot) {
    beast::flat_buffer buffer{kMaxHeader + kMaxBody};
    boost::system::error_code failed;
    for (bool alive = true; alive && !failed;) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(kMaxHeader);
        parser.body_limit(kMaxBody);
        stream.expires_after(buffer.size() > 0 ? kHeaderTime : kIdle);
        co_await http::async_read_header(stream, buffer, parser,
                                         asio::redirect_error(asio::use_awaitable, failed));
        if (!failed) {
            stream.expires_after(kHeaderTime);
            co_await http::async_read(stream, buffer, parser,
                                      asio::redirect_error(asio::use_awaitable, failed));
        }
        Response response;
        Request request{.actor = actor, .peer = peer};
        if (failed == http::error::body_limit) {
            response = problem(Status::payload_too_large, "a body has at most 1 MiB");
        } else if (failed == http::error::header_limit) {
            response = problem(Status::request_header_fields_too_large, "the header has at most 16 KiB");
        } else if (failed &&
                   failed.category() == http::make_error_code(http::error::end_of_stream).category() &&
                   failed != http::error::end_of_stream && failed != http::error::partial_message) {
            response = problem(Status::bad_request, "this is not HTTP/1.1 as RFC 9112 has it");
        } else if (failed) {
            break;
        } else if (wants_events(parser.get(), actor)) {
            stream.expires_never();
            co_return co_await send_events(std::move(stream), parser.release(), gateway);
        } else {
            request.method = parser.get().method();
            auto refused = refuse_form(parser.get(), request);
            if (refused)
                response = std::move(*refused);
            else
                response = co_await routes.answer(request);
        }
        alive = !failed && parser.get().keep_alive();
        auto message = to_message(std::move(response), parser.get().version() == 10 ? 10 : 11, alive);
        if (request.method == http::verb::head) message.body().clear();
        failed = {};
        stream.expires_after(kHeaderTime);
        co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, failed));
    }
}

}  // namespace

asio::awaitable<void> serve(asio::local::stream_protocol::socket socket, Routes& routes, Gateway& gateway,
                            std::optional<Actor> actor, std::string peer, Slot slot) {
    using Stream = beast::basic_stream<asio::local::stream_protocol, asio::any_io_executor>;
    return serve_stream(Stream{std::move(socket)}, routes, gateway, std::move(actor), std::move(peer),
                        std::move(slot));
}

asio::awaitable<void> serve(asio::ip::tcp::socket socket, Routes& routes, Gateway& gateway, std::string peer,
                            Slot slot) {
    using Stream = beast::basic_stream<asio::ip::tcp, asio::any_io_executor>;
    return serve_stream(Stream{std::move(socket)}, routes, gateway, std::nullopt, std::move(peer),
                        std::move(slot));
}

}  // namespace crosspatch::api
