#include "session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <utility>

#include "crosspatch/api/gateway.hpp"
#include "json_body.hpp"
#include "routes.hpp"

namespace crosspatch::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
constexpr std::size_t kMaxEvents = 1000;  // that a reader may fall behind

// Everything about a request's form that is refused before anybody looks at its meaning.
std::optional<Response> refuse_form(const http::request<http::string_body>& message, Request& request) {
    const std::string_view target{message.target().data(), message.target().size()};
    if (target.size() > 8192) return problem(Status::uri_too_long, "the path is longer than 8,192 octets");
    const std::size_t hosts = message.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && message.version() == 11))  // RFC 9112 section 3.2
        return problem(Status::bad_request, "one Host header is wanted");
    if (message.has_content_length() && message.chunked())
        return problem(Status::bad_request, "both Content-Length and Transfer-Encoding");
    if (message.find(http::field::content_encoding) != message.end())
        return problem(Status::unsupported_media_type, "bodies are taken as they are, not compressed");
    if (!parse_target(target, request))
        return problem(Status::bad_request, "the path is not one that this API has");
    // What a stranger may ask for takes no body.
    if (message.body().empty() || !request.actor) return std::nullopt;
    const auto type = message[http::field::content_type];
    if (!type.starts_with("application/json"))
        return problem(Status::bad_request, "the body must be application/json");
    auto body = read_body(message.body());
    if (!body) return problem(Status::bad_request, body.error().context);
    request.body = std::move(*body);
    return std::nullopt;
}

http::response<http::string_body> to_message(Response response, unsigned version, bool keep_alive) {
    http::response<http::string_body> message{response.status, version};
    message.set(http::field::server, "crosspatch");
    message.set(http::field::content_type, response.type);
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    if (!response.allow.empty()) message.set(http::field::allow, response.allow);
    if (response.status == Status::upgrade_required) message.set(http::field::upgrade, "websocket");
    message.body() = std::move(response.body);
    message.keep_alive(keep_alive);
    message.prepare_payload();
    return message;
}

// Events on their way from control to one who follows them: bounded, and who reads too slowly is closed.
// Thread   the API's.
class Feed {
public:
    explicit Feed(const asio::any_io_executor& here) : channel_{here, kMaxEvents} {}

    void put(std::shared_ptr<const std::string> event) {
        if (!channel_.try_send(boost::system::error_code{}, std::move(event)))
            end({websocket::close_code::try_again_later, "too slow: events were left out"});
    }
    // No more comes; what waits is left out.
    void end(const websocket::close_reason& why) {
        if (!channel_.is_open()) return;
        why_ = why;
        channel_.close();
    }
    auto next(boost::system::error_code& failed) {
        return channel_.async_receive(asio::redirect_error(asio::use_awaitable, failed));
    }
    // What to say when next() has failed.
    const websocket::close_reason& why() const { return why_; }

private:
    asio::experimental::channel<void(boost::system::error_code, std::shared_ptr<const std::string>)> channel_;
    websocket::close_reason why_;
};

class Subscription {
public:
    Subscription(Gateway& gateway, std::uint32_t uid, const asio::any_io_executor& here)
        : gateway_{gateway}, feed_{std::make_shared<Feed>(here)} {
        Gateway::Listener listener{.uid = uid};
        listener.event = [feed = feed_, here](const boost::json::object& event) {
            auto text = std::make_shared<const std::string>(boost::json::serialize(event));
            asio::post(here, [feed, text = std::move(text)]() mutable { feed->put(std::move(text)); });
        };
        listener.end = [feed = feed_, here] {
            asio::post(here, [feed] {
                feed->end({websocket::close_code::policy_error, "you may not follow the events any more"});
            });
        };
        asio::post(gateway_.control(),
                   [&to = gateway_, listener = std::move(listener), handle = handle_]() mutable {
                       *handle = to.subscribe(std::move(listener));
                   });
    }
    ~Subscription() {
        feed_->end({});
        asio::post(gateway_.control(),
                   [&gateway = gateway_, handle = handle_] { gateway.unsubscribe(*handle); });
    }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    const std::shared_ptr<Feed>& feed() const { return feed_; }

private:
    Gateway& gateway_;
    std::shared_ptr<Feed> feed_;
    std::shared_ptr<std::uint64_t> handle_{std::make_shared<std::uint64_t>(0)};  // control's
};

// Reading is what answers pings, takes their answers and hears a goodbye. Nobody has anything else to say.
template <typename Stream>
asio::awaitable<void> hear(std::shared_ptr<websocket::stream<Stream>> socket, std::shared_ptr<Feed> feed) {
    beast::flat_buffer buffer;
    boost::system::error_code failed;
    co_await socket->async_read(buffer, asio::redirect_error(asio::use_awaitable, failed));
    feed->end(failed ? websocket::close_reason{}
                     : websocket::close_reason{websocket::close_code::policy_error,
                                               "events are only read here; nothing is taken"});
}

template <typename Stream>
asio::awaitable<void> send_events(Stream stream, http::request<http::string_body> upgrade,
                                  const Connection& connection) {
    auto socket = std::make_shared<websocket::stream<Stream>>(std::move(stream));
    socket->set_option(websocket::stream_base::timeout{.handshake_timeout = connection.times.header,
                                                       .idle_timeout = connection.times.silence,
                                                       .keep_alive_pings = true});
    socket->read_message_max(1024);
    boost::system::error_code failed;
    co_await socket->async_accept(upgrade, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    const auto here = co_await asio::this_coro::executor;
    const Subscription subscription{connection.gateway, *connection.uid, here};
    const std::shared_ptr<Feed> feed = subscription.feed();
    asio::co_spawn(here, hear(socket, feed), asio::detached);
    while (!failed) {
        const auto event = co_await feed->next(failed);
        if (failed) break;
        socket->text(true);
        co_await socket->async_write(asio::buffer(*event), asio::redirect_error(asio::use_awaitable, failed));
    }
    if (socket->is_open() && feed->why().code != websocket::close_code::none)
        co_await socket->async_close(feed->why(), asio::redirect_error(asio::use_awaitable, failed));
    beast::get_lowest_layer(*socket).close();  // hear() ends with it
}

bool wants_events(const http::request<http::string_body>& message, const Request& request) {
    return request.actor && websocket::is_upgrade(message) &&
           request.path == std::vector<std::string>{"api", "v1", "events"};
}

// Waits for the next request's first octets; how long depends on whether there was one before.
template <typename Stream>
asio::awaitable<void> wait_for_request(Stream& stream, beast::flat_buffer& buffer,
                                       std::chrono::milliseconds patience,
                                       boost::system::error_code& failed) {
    if (buffer.size() > 0) co_return;
    stream.expires_after(patience);
    buffer.commit(co_await stream.async_read_some(buffer.prepare(kMaxHeader),
                                                  asio::redirect_error(asio::use_awaitable, failed)));
}

template <typename Stream>
asio::awaitable<void> serve_stream(Stream stream, Connection connection) {
    const Server::Times& times = connection.times;
    beast::flat_buffer buffer{kMaxHeader + kMaxBody};
    boost::system::error_code failed;
    bool first = true;
    for (bool alive = true; alive && !failed;) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(kMaxHeader);
        parser.body_limit(kMaxBody);
        // Whoever connects has something to ask; only between two requests there may be silence.
        co_await wait_for_request(stream, buffer, std::exchange(first, false) ? times.header : times.idle,
                                  failed);
        if (failed) break;
        stream.expires_after(times.header);
        co_await http::async_read_header(stream, buffer, parser,
                                         asio::redirect_error(asio::use_awaitable, failed));
        if (!failed) {
            stream.expires_after(times.header);
            co_await http::async_read(stream, buffer, parser,
                                      asio::redirect_error(asio::use_awaitable, failed));
        }
        Response response;
        // Asked each time: a reload may have taken his rights since the last request.
        Request request{.actor = connection.uid ? connection.gateway.actor_of(*connection.uid) : std::nullopt,
                        .peer = connection.peer};
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
        } else {
            request.method = parser.get().method();
            auto refused = refuse_form(parser.get(), request);
            if (!refused && wants_events(parser.get(), request)) {
                stream.expires_never();
                co_return co_await send_events(std::move(stream), parser.release(), connection);
            }
            if (refused)
                response = std::move(*refused);
            else
                response = co_await connection.routes.answer(request);
        }
        alive = !failed && parser.get().keep_alive();
        auto message = to_message(std::move(response), parser.get().version() == 10 ? 10 : 11, alive);
        if (request.method == http::verb::head) message.body().clear();
        failed = {};
        stream.expires_after(times.header);
        co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, failed));
    }
}

}  // namespace

asio::awaitable<void> serve(asio::local::stream_protocol::socket socket, Connection connection) {
    using Stream = beast::basic_stream<asio::local::stream_protocol, asio::any_io_executor>;
    return serve_stream(Stream{std::move(socket)}, std::move(connection));
}

asio::awaitable<void> serve(asio::ip::tcp::socket socket, Connection connection) {
    using Stream = beast::basic_stream<asio::ip::tcp, asio::any_io_executor>;
    return serve_stream(Stream{std::move(socket)}, std::move(connection));
}

}  // namespace crosspatch::api
