#pragma once
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "crosspatch/record/reader.hpp"
#include "message.hpp"

namespace crosspatch::api {

// From method and path to an answer: one table, deny by default.
//
// Errors   an unknown path is 404, a known one with another method 405, what a later version brings 501.
// Thread   the API's; what only control may look at is asked there, what waits for the disk runs on a pool.
class Routes {
public:
    Routes(Gateway& gateway, std::filesystem::path data_dir);
    ~Routes();

    // Ends what still runs on the pools, and waits for it; their results go to a loop that must still be
    // there.
    void finish();
    // `request` outlives the answer.
    Answer answer(const Request& request);

private:
    using Handler = Answer (Routes::*)(const Request&);
    struct Route {
        boost::beast::http::verb method;
        std::vector<std::string_view> path;  // `*` stands for one segment
        bool open;                           // needs no identity
        Handler handler;
    };
    using Mine = std::function<bool(const boost::json::value& record)>;
    static const std::vector<Route>& table();
    static bool matches(const Route& route, const Request& request);

    Answer healthz(const Request& request);
    Answer readyz(const Request& request);
    Answer metrics(const Request& request);
    Answer status(const Request& request);
    Answer channels(const Request& request);
    Answer endpoints(const Request& request);
    Answer bridges(const Request& request);
    Answer floor(const Request& request);
    Answer open_bridge(const Request& request);
    Answer templates(const Request& request);
    Answer create_bridge(const Request& request);
    Answer remove_bridge(const Request& request);
    Answer close_bridge(const Request& request);
    Answer terms(const Request& request);
    Answer jurisdiction(const Request& request);
    Answer consent(const Request& request);
    Answer revoke_consent(const Request& request);
    Answer disable_endpoint(const Request& request);
    Answer revoke_endpoint(const Request& request);
    Answer label_channel(const Request& request);
    Answer enable_endpoint(const Request& request);
    Answer reload(const Request& request);
    Answer keys(const Request& request);
    Answer rotate_key(const Request& request);
    Answer calls(const Request& request);
    Answer call(const Request& request);
    Answer talkspurt(const Request& request);
    Answer explain(const Request& request);
    Answer log_records(const Request& request);
    Answer log_checkpoint(const Request& request);
    Answer log_verify(const Request& request);
    Answer events(const Request& request);
    Answer later(const Request& request);

    using List = boost::json::array (Gateway::*)(const Actor&);
    Answer list(const Request& request, List read);
    Answer cut(Cut what, const Request& request);
    boost::asio::awaitable<bool> wait_until_kept();
    Answer refused(const Request& request, List read, core::Error why);
    boost::asio::awaitable<std::optional<boost::json::value>> find(const Request& request, List read);
    core::Result<boost::json::object> newest_records(std::size_t count, const Mine& mine);
    boost::asio::awaitable<void> note(record::Entry entry);
    Answer denied(const Request& request, const std::string& why);

    template <typename Function>
    auto on_control(Function function) -> boost::asio::awaitable<decltype(function())>;
    template <typename Function>
    auto on_disk(boost::asio::thread_pool& pool, Function function)
        -> boost::asio::awaitable<decltype(function())>;

    Gateway& gateway_;
    std::filesystem::path data_dir_;
    record::Reader reader_;  // used on reads_ only
    boost::asio::thread_pool reads_{1};
    boost::asio::thread_pool verifications_{1};
    std::atomic<bool> verifying_{false};
    std::stop_source stopping_;
};

template <typename Function>
auto Routes::on_control(Function function) -> boost::asio::awaitable<decltype(function())> {
    using Value = decltype(function());
    // What crosses executors must be default-constructible, which not every Value is.
    auto task = [](Function run) -> boost::asio::awaitable<std::optional<Value>> { co_return run(); };
    auto value = co_await boost::asio::co_spawn(gateway_.control(), task(std::move(function)),
                                                boost::asio::use_awaitable);
    co_return std::move(*value);
}

template <typename Function>
auto Routes::on_disk(boost::asio::thread_pool& pool, Function function)
    -> boost::asio::awaitable<decltype(function())> {
    using Value = decltype(function());
    // What crosses executors must be default-constructible, which not every Value is.
    auto task = [](Function run) -> boost::asio::awaitable<std::optional<Value>> { co_return run(); };
    auto value = co_await boost::asio::co_spawn(pool.get_executor(), task(std::move(function)),
                                                boost::asio::use_awaitable);
    co_return std::move(*value);
}

}  // namespace crosspatch::api
