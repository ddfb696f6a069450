#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "crosspatch/api/server.hpp"
#include "crosspatch/app/config.hpp"
#include "crosspatch/app/control.hpp"
#include "crosspatch/app/tap_reader.hpp"

namespace crosspatch::app {

// The daemon: every object, by value, in build order; whatever is built later may use what stands above it.
//
// Errors   the constructor throws std::runtime_error with what cannot start and what would help.
// Thread   run() is the control thread; it starts the others and ends them.
class App {
public:
    explicit App(std::shared_ptr<const Config> config);
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    // Until SIGTERM or SIGINT. The exit code.
    int run();

private:
    void wait_for_signal();
    void begin_to_stop();
    std::string make_realtime();

    std::shared_ptr<const Config> config_;
    core::Log log_;
    bool first_start_;
    record::Log record_;
    core::MpscQueue<bridge::Report> reports_;
    core::EventFd reported_;
    media::Crew crew_;
    std::vector<std::unique_ptr<bridge::Exchange>> exchanges_;  // one for each worker
    bridge::Switchboard switchboard_;
    std::unique_ptr<TapReader> taps_;  // while the workers run
    boost::asio::io_context loop_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer stop_timer_;
    Control control_;
    api::Server api_;
};

}  // namespace crosspatch::app
