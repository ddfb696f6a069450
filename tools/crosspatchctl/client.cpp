#include "client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/url.hpp>
#include <stdexcept>

namespace crosspatch::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using Tcp = asio::ip::tcp;

constexpr std::size_t kMaxReply = 64 << 20;

template <typename Socket>
Reply ask(Socket& socket, const http::request<http::string_body>& request) {
    http::write(socket, request);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxReply);
    http::read(socket, buffer, parser);
    const auto& message = parser.get();
    return {message.result_int(), std::string{message[http::field::content_type]}, message.body()};
}

Tcp::socket connect_tcp(asio::io_context& loop, const std::string& url) {
    const boost::urls::url_view parsed = boost::urls::parse_uri(url).value();
    const std::string port = parsed.has_port() ? std::string{parsed.port()} : "80";
    Tcp::socket socket{loop};
    asio::connect(socket, Tcp::resolver{loop}.resolve(std::string{parsed.host()}, port));
    return socket;
}

Local::socket connect_local(asio::io_context& loop, const std::string& path) {
    Local::socket socket{loop};
    socket.connect(Local::endpoint{path});
    return socket;
}

template <typename Socket>
void read_events(Socket socket, const std::string& target,
                 const std::function<bool(const std::string&)>& event) {
    beast::websocket::stream<Socket> stream{std::move(socket)};
    stream.handshake("crosspatch", target);
    for (;;) {
        beast::flat_buffer buffer;
        stream.read(buffer);
        if (!event(beast::buffers_to_string(buffer.data()))) return;
    }
}

}  // namespace

boost::json::value Reply::json() const {
    boost::system::error_code failed;
    boost::json::value value = boost::json::parse(body, failed);
    if (failed) throw std::runtime_error{"the daemon's answer is not JSON; are the versions the same?"};
    return value;
}

Reply Client::send(const std::string& method, const std::string& target,
                   const boost::json::object& body) const {
    http::request<http::string_body> request{http::string_to_verb(method), target, 11};
    request.set(http::field::host, "crosspatch");
    if (!body.empty()) {
        request.set(http::field::content_type, "application/json");
        request.body() = boost::json::serialize(body);
    }
    request.prepare_payload();
    request.keep_alive(false);
    try {
        asio::io_context loop;
        if (where_.starts_with("http://")) {
            Tcp::socket socket = connect_tcp(loop, where_);
            return ask(socket, request);
        }
        Local::socket socket = connect_local(loop, where_);
        return ask(socket, request);
    } catch (const boost::system::system_error& error) {
        throw Unreachable{error.code().message()};
    }
}

void Client::follow(const std::string& target, const std::function<bool(const std::string&)>& event) const {
    try {
        asio::io_context loop;
        if (where_.starts_with("http://"))
            read_events(connect_tcp(loop, where_), target, event);
        else
            read_events(connect_local(loop, where_), target, event);
    } catch (const boost::system::system_error& error) {
        throw Unreachable{error.code().message()};
    }
}

std::string encode(const std::string& text) {
    return boost::urls::encode(text, boost::urls::unreserved_chars);
}

}  // namespace crosspatch::ctl
