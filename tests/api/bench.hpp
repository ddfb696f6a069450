#pragma once
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "crosspatch/api/gateway.hpp"
#include "crosspatch/api/server.hpp"
#include "crosspatch/core/log.hpp"
#include "tests/support/temp_directory.hpp"

// What the tests of the API share: a daemon that says what it is told to, and a client that sends any octets.
namespace crosspatch::api::tests {

using namespace std::chrono_literals;

inline Actor person(std::string agency, std::string role) {
    return {.uid = geteuid(), .name = "pat", .agency = std::move(agency), .role = std::move(role)};
}

// Stands in for app::Control. Set it up before the server starts, or by on_control().
class Daemon : public Gateway {
public:
    Daemon() : thread_{[this] { loop_.run(); }} {}
    ~Daemon() override {
        work_.reset();
        thread_.join();
    }

    void admit(std::optional<Actor> who) {
        const std::lock_guard lock{mutex_};
        actor_ = std::move(who);
    }
    template <typename Function>
    auto on_control(Function function) {
        std::packaged_task<decltype(function())()> task{std::move(function)};
        auto result = task.get_future();
        boost::asio::post(loop_, std::move(task));
        return result.get();
    }
    std::vector<record::Entry> noted() {
        return on_control([this] { return noted_; });
    }
    std::size_t listening() {
        return on_control([this] { return listeners_.size(); });
    }
    void drop_listeners() {
        on_control([this] { listeners_.clear(); });
    }
    void tell(const std::string& type) {
        on_control([&] {
            for (const auto& [handle, listener] : listeners_) listener.event({{"type", type}});
        });
    }
    void dismiss() {
        on_control([&] {
            for (const auto& [handle, listener] : listeners_) listener.end();
            listeners_.clear();
        });
    }

    std::optional<Actor> actor_of(std::uint32_t uid) const override {
        const std::lock_guard lock{mutex_};
        return actor_ && actor_->uid == uid ? actor_ : std::nullopt;
    }
    bool ready() const override { return true; }
    std::string metrics() override { return ""; }
    core::Result<void> cut(Cut, std::string_view, const Actor&, const std::string&) override {
        return verdict;
    }
    core::Result<void> set_label(std::string_view, const Label& label, const Actor&,
                                 const std::string&) override {
        labelled = label;
        return verdict;
    }
    bool kept() const override { return on_disk; }
    boost::asio::any_io_executor control() override { return loop_.get_executor(); }
    boost::json::object status(const Actor&) override {
        if (broken) throw std::runtime_error{"out of order"};
        return {{"id", "test-gw"}};
    }
    boost::json::array channels(const Actor&) override { return {}; }
    boost::json::array endpoints(const Actor&) override { return visible; }
    boost::json::array bridges(const Actor&) override { return visible; }
    boost::json::array floor(const Actor&) override { return {}; }
    std::optional<Own> own(const Actor&) override { return owned; }
    core::Result<boost::json::object> open_bridge(std::string_view, const Opening& opening,
                                                  const Actor&) override {
        opened = opening;
        return answer();
    }
    boost::json::array templates(const Actor&) override { return visible; }
    core::Result<boost::json::object> create_bridge(const Making& making, const Actor&) override {
        created = making;
        return answer();
    }
    core::Result<boost::json::object> remove_bridge(std::string_view, const Actor&,
                                                    const std::string&) override {
        return answer();
    }
    core::Result<boost::json::object> terms(std::string_view, const Actor&) override { return answer(); }
    core::Result<boost::json::object> jurisdiction(std::string_view, const Whom& about,
                                                   const Actor&) override {
        whom = about;
        return answer();
    }
    core::Result<boost::json::object> consent(std::string_view, const boost::json::object&,
                                              const Actor&) override {
        return answer();
    }
    core::Result<boost::json::object> enable_endpoint(std::string_view, const Actor&) override {
        return answer();
    }
    boost::json::array keys(const Actor&) override { return visible; }
    Done rotate_key(std::string, Actor, std::string) override { co_return answer(); }
    Done reload(Actor) override { co_return answer(); }
    core::Result<boost::json::object> explain(const Question&, const Actor&) override { return answer(); }
    void note(record::Entry entry) override { noted_.push_back(std::move(entry)); }
    std::uint64_t subscribe(Listener listener) override {
        listeners_[++handles_] = std::move(listener);
        return handles_;
    }
    void unsubscribe(std::uint64_t handle) override { listeners_.erase(handle); }

    core::Result<void> verdict;  // on every command
    std::optional<Label> labelled;
    std::optional<Opening> opened;
    std::optional<Making> created;
    Whom whom;
    boost::json::array visible;  // endpoints and bridges
    std::optional<Own> owned;
    bool broken{};
    std::atomic<bool> on_disk{true};

private:
    core::Result<boost::json::object> answer() const {
        if (!verdict) return core::Unexpected{verdict.error()};
        return boost::json::object{{"id", "done"}};
    }

    mutable std::mutex mutex_;
    std::optional<Actor> actor_{person("", "administrator")};
    std::vector<record::Entry> noted_;
    std::map<std::uint64_t, Listener> listeners_;
    std::uint64_t handles_{};
    boost::asio::io_context loop_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
    std::thread thread_;
};

struct Answer {
    int status{};
    std::string body;
};

// A connection that sends what it is given, right or wrong.
class Link {
public:
    explicit Link(const std::filesystem::path& socket) : fd_{::socket(AF_UNIX, SOCK_STREAM, 0)} {
        sockaddr_un to{.sun_family = AF_UNIX, .sun_path = {}};
        socket.string().copy(to.sun_path, sizeof to.sun_path - 1);
        const timeval patience{.tv_sec = 20, .tv_usec = 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
            throw std::runtime_error{"the server does not answer"};
    }
    ~Link() { close(fd_); }
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void send(const std::string& octets) { ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL); }
    // How long until the other side closes; what it sent before is left out.
    std::chrono::milliseconds until_closed() {
        const auto began = std::chrono::steady_clock::now();
        char octets[4096];
        while (recv(fd_, octets, sizeof octets, 0) > 0) {
        }
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                     began);
    }
    Answer receive() {
        std::string header;
        while (!header.ends_with("\r\n\r\n")) header += octet();
        Answer answer{.status = std::stoi(header.substr(9, 3)), .body = {}};
        const std::string name = "Content-Length: ";
        const auto at = header.find(name);
        const std::size_t size = at == std::string::npos ? 0 : std::stoul(header.substr(at + name.size()));
        while (answer.body.size() < size) answer.body += octet();
        return answer;
    }
    Answer ask(const std::string& octets) {
        send(octets);
        return receive();
    }

private:
    char octet() {
        char one = 0;
        if (recv(fd_, &one, 1, 0) != 1) throw std::runtime_error{"the connection was closed"};
        return one;
    }
    int fd_;
};

// A server with a daemon behind it.
class Desk {
public:
    explicit Desk(Server::Times times = {}) : times_{times} {}
    ~Desk() {
        if (!server_) return;
        server_->stop();
        daemon.drop_listeners();
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    Server& server() {
        if (!server_) {
            server_.emplace(daemon,
                            Server::Options{.socket = path(),
                                            .group = "",
                                            .listen = {},
                                            .data_dir = directory.path(),
                                            .times = times_},
                            log_);
            if (const auto started = server_->start(); !started)
                throw std::runtime_error{started.error().context};
        }
        return *server_;
    }
    std::filesystem::path path() const { return directory / "control.sock"; }
    Link link() { return server(), Link{path()}; }
    Answer get(const std::string& target) {
        return link().ask("GET " + target + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    }
    Answer post(const std::string& target, const std::string& body = "{}") {
        return link().ask("POST " + target + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n" +
                          "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                          "\r\n\r\n" + body);
    }

    crosspatch::tests::TempDirectory directory;
    Daemon daemon;

private:
    Server::Times times_;
    core::Log log_;
    std::optional<Server> server_;
};

}  // namespace crosspatch::api::tests
