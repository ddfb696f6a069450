#include "client.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/url.hpp>
#include <stdexcept>

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Local = asio::local::stream_protocol;
using Tcp = asio::ip::tcp;

constexpr std::size_t kMaxReply = 64 << 20;

Reply to_reply(const http::response<http::string_body>& message) {
    return {message.result_int(), std::string{message[http::field::content_type]}, message.body()};
}

template <typename Socket>
Reply ask(Socket& socket, const http::request<http::string_body>& request) {
    http::write(socket, request);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxReply);
    http::read(socket, buffer, parser);
    return to_reply(parser.get());
}

Tcp::socket connect_tcp(asio::io_context& loop, const std::string& url) {
    const boost::urls::url_view parsed = boost::urls::parse_uri(url).value();
    const std::string port = parsed.has_port() ? std::string{parsed.port()} : "80";
    Tcp::socket socket{loop};
    asio::connect(socket, Tcp::resolver{loop}.resolve(parsed.host_address(), port));
    return socket;
}

Local::socket connect_local(asio::io_context& loop, const std::string& path) {
    Local::socket socket{loop};
    socket.connect(Local::endpoint{path});
    return socket;
}

template <typename Socket>
Reply read_events(Socket socket, const std::string& target, const std::string& authorization,
                  const std::function<void(const std::string&)>& event) {
    websocket::stream<Socket> stream{std::move(socket)};
    stream.set_option(websocket::stream_base::decorator{[&](websocket::request_type& request) {
        if (!authorization.empty()) request.set(http::field::authorization, authorization);
    }});
    boost::system::error_code failed;
    websocket::response_type answer;
    stream.handshake(answer, "crosspatch", target, failed);
    if (failed == websocket::error::upgrade_declined) return to_reply(answer);
    while (!failed) {
        beast::flat_buffer buffer;
        stream.read(buffer, failed);  // answers pings too
        if (failed) break;
        try {
            event(beast::buffers_to_string(buffer.data()));
        } catch (const boost::system::system_error&) {
            throw std::runtime_error{
                "the daemon tells an event that cannot be read; are the versions the same?"};
        }
    }
    const std::string reason{stream.reason().reason.data(), stream.reason().reason.size()};
    if (failed == websocket::error::closed && stream.reason().code == websocket::close_code::policy_error)
        throw NotPermitted{reason};
    throw Unreachable{reason.empty() ? failed.message() : reason};
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
    if (!token_.empty()) request.set(http::field::authorization, "Bearer " + token_);
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
        if (error.code() == http::error::body_limit)
            throw std::runtime_error{"the answer has more than 64 MiB; ask for less"};
        throw Unreachable{error.code().message()};
    }
}

Reply Client::follow(const std::string& target, const std::function<void(const std::string&)>& event) const {
    const std::string authorization = token_.empty() ? "" : "Bearer " + token_;
    try {
        asio::io_context loop;
        if (where_.starts_with("http://"))
            return read_events(connect_tcp(loop, where_), target, authorization, event);
        return read_events(connect_local(loop, where_), target, authorization, event);
    } catch (const boost::system::system_error& error) {
        throw Unreachable{error.code().message()};
    }
}

std::string check_url(const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    const auto is_good = [&] {
        const std::string port{parsed->has_port() ? std::string{parsed->port()} : "80"};
        return parsed->scheme() == "http" && !parsed->encoded_host().empty() && !parsed->has_userinfo() &&
               (parsed->encoded_path().empty() || parsed->encoded_path() == "/") && !parsed->has_query() &&
               !parsed->has_fragment() && !port.empty() && port.size() <= 5 && std::stoul(port) > 0 &&
               std::stoul(port) <= 65535;
    };
    if (parsed && is_good()) return {};
    return "'" + core::escape(url) + "' is no address of the API; write it as http://127.0.0.1:8470";
}

bool is_loopback(const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed) return false;
    const std::string host = parsed->host_address();
    boost::system::error_code failed;
    const auto address = asio::ip::make_address(host, failed);
    return host == "localhost" || (!failed && address.is_loopback());
}

core::Result<std::string> read_token(const std::string& path) {
    constexpr std::size_t kMaxToken = 4096;
    const auto file = core::open_regular_file(path);
    if (!file) return core::Unexpected{file.error()};
    struct stat about {};
    if (fstat(file->get(), &about) != 0 || (about.st_mode & 077U) != 0)
        return core::unexpected(core::Error::Code::NotPermitted,
                                path + ": others may read this token; chmod 600 it");
    const auto octets = core::read_open_file(file->get(), path, kMaxToken);
    if (!octets) return core::Unexpected{octets.error()};
    std::string token{reinterpret_cast<const char*>(octets->data()), octets->size()};
    if (token.ends_with('\n')) token.pop_back();
    // RFC 6750 section 2.1; anything else would end the header that it goes into.
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"-._~+/="}.find(c) != std::string_view::npos;
    };
    if (token.empty() || !std::all_of(token.begin(), token.end(), is_allowed))
        return core::unexpected(core::Error::Code::Invalid, path + ": one line with a token is wanted");
    return token;
}

std::string encode(const std::string& text) {
    return boost::urls::encode(text, boost::urls::unreserved_chars);
}

}  // namespace crosspatch::ctl
