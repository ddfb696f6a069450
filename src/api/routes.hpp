#pragma once
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <memory>
#include <span>
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

    // Waits for what still runs on the pools; their results go to a loop that must still be there.
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
    Answer close_bridge(const Request& request);
    Answer disable_endpoint(const Request& request);
    Answer revoke_endpoint(const Request& request);
    Answer enable_endpoint(const Request& request);
    Answer reload(const Request& request);
    Answer calls(const Request& request);
    Answer call(const Request& request);
    Answer talkspurt(const Request& request);
    Answer explain(const Request& request);
    Answer log_records(const Request& request);
    Answer log_checkpoint(const Request& request);
    Answer log_verify(const Request& request);
    Answer later(const Request& request);

    Answer list(const Request& request, boost::json::array (Gateway::*read)(const Actor&));
    Answer cut(Cut what, const Request& request);
    Answer note_read(const Request& request, std::string what);
    Answer note_denied(const Request& request, std::string detail);

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
};

}  // namespace crosspatch::api
