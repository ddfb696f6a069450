#include "crosspatch/app/app.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <stdexcept>

#include "crosspatch/core/file.hpp"
#include "src/app/memory.hpp"

namespace crosspatch::app {
namespace {

using namespace std::chrono_literals;
constexpr auto kLastReports =
    200ms;  // for the worker to end its talkspurts and control to put them on record
constexpr std::size_t kMostRetired =
    16'384;  // records of keys that have left the configuration: 2 MiB of file

record::LogOptions log_options(const Config& config, core::Log& log) {
    if (const auto made = core::make_private_directory(config.gateway.data_dir); !made)
        throw std::runtime_error{made.error().context};
    return {.data_dir = config.gateway.data_dir,
            .version = CROSSPATCH_VERSION,
            .call_gap = config.gateway.call_gap,
            .journal = &log};
}

rtp::IndexJournal open_journal(const Config& config) {
    auto journal = rtp::IndexJournal::open(config.gateway.data_dir / "srtp.index");
    if (!journal) throw std::runtime_error{journal.error().context};
    std::vector<rtp::KeyFingerprint> in_use;
    for (const endpoint::Config& endpoint : config.endpoints)
        for (const rtp::KeyFingerprint& key : endpoint.fingerprints()) in_use.push_back(key);
    journal->retire(in_use, kMostRetired);
    return std::move(*journal);
}

std::vector<std::unique_ptr<bridge::Exchange>> make_exchanges(const media::Crew& crew,
                                                              core::MpscQueue<bridge::Report>& reports,
                                                              const core::EventFd& reported) {
    std::vector<std::unique_ptr<bridge::Exchange>> exchanges;
    const auto count = static_cast<std::uint8_t>(crew.size());
    for (std::uint8_t number = 0; number < count; ++number)
        exchanges.push_back(std::make_unique<bridge::Exchange>(crew.worker(number).talk_path(), reports,
                                                               reported, bridge::Seat{number, count}));
    return exchanges;
}

template <typename T>
std::vector<T*> pointers(const std::vector<std::unique_ptr<bridge::Exchange>>& exchanges) {
    std::vector<T*> all;
    for (const auto& exchange : exchanges) all.push_back(exchange.get());
    return all;
}

}  // namespace

App::App(std::shared_ptr<const Config> config)
    : config_{std::move(config)},
      first_start_{!std::filesystem::exists(config_->gateway.data_dir / "keys" / "log.key")},
      record_{log_options(*config_, log_)},
      reports_{8192},
      crew_{{.workers = config_->gateway.media_workers,
             .busy_poll = config_->gateway.media_busy_poll,
             .cpus = config_->gateway.media_cpus}},
      exchanges_{make_exchanges(crew_, reports_, reported_)},
      switchboard_{pointers<bridge::Exchange>(exchanges_)},
      signals_{loop_, SIGTERM, SIGINT, SIGHUP},
      stop_timer_{loop_},
      control_{loop_,
               {log_,
                record_,
                crew_,
                switchboard_,
                reports_,
                reported_,
                open_journal(*config_),
                {config_->gateway.data_dir / "orders.json", config_->gateway.data_dir / "consents.json"},
                first_start_}},
      api_{control_,
           {config_->gateway.control_socket, config_->gateway.control_group, config_->gateway.api_listen,
            config_->gateway.data_dir},
           log_} {
    crew_.start(pointers<media::Gate>(exchanges_));
    taps_ = std::make_unique<TapReader>(crew_, switchboard_.exchanges());
}

App::~App() {
    taps_.reset();
    crew_.stop();
}

// Real-time scheduling is a permission that many machines do not give: say so once and go on.
std::string App::make_realtime() {
    if (!crew_.pin())
        log_.warning("worker.not_pinned",
                     "the system refused to keep audio on the CPUs of gateway.media.cpus");
    const bool fifo = crew_.make_realtime();
    const bool locked = lock_memory();
    if (fifo && locked) return config_->gateway.media_busy_poll ? "busy_poll" : "fifo";
    log_.warning("worker.degraded",
                 "no real-time scheduling for audio: give the service LimitRTPRIO=20 and LimitMEMLOCK=512M; "
                 "audio may stutter under load",
                 {{"fifo", fifo ? "yes" : "no"}, {"memory_locked", locked ? "yes" : "no"}});
    return "degraded";
}

int App::run() {
    control_.on_tick([this](bool worker_alive) {
        if (worker_alive && control_.ready()) sd_notify(0, "WATCHDOG=1");
    });
    if (const auto started = control_.start(config_); !started)
        throw std::runtime_error{started.error().context};
    if (const auto served = api_.start(); !served) throw std::runtime_error{served.error().context};
    give_back_start_up();
    control_.set_rt(make_realtime());
    wait_for_signal();
    log_.info("software.started", "ready",
              {{"version", CROSSPATCH_VERSION},
               {"config", config_->file.string()},
               {"channels", std::to_string(config_->channels.size())},
               {"endpoints", std::to_string(config_->endpoints.size())},
               {"control", config_->gateway.control_socket.string()},
               {"api", api_.tcp_address() ? api_.tcp_address().to_string() : "off"}});
    sd_notify(0, fmt::format("READY=1\nSTATUS={} channels, {} endpoints", config_->channels.size(),
                             config_->endpoints.size())
                     .c_str());
    loop_.run();
    api_.stop();
    control_.finish_reading();
    // Questions of the API that wait here hold on to its loop: let them end while it is there.
    loop_.restart();
    loop_.poll();
    control_.drop_listeners();
    taps_.reset();
    crew_.stop();
    return 0;
}

void App::wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& failed, int signal) {
        if (failed) return;
        if (signal != SIGHUP) return begin_to_stop();
        sd_notify(0, "RELOADING=1");
        control_.reload_by_signal([] { sd_notify(0, "READY=1"); });
        wait_for_signal();
    });
}

void App::begin_to_stop() {
    sd_notify(0, "STOPPING=1");
    log_.info("software.stopping", "ending all talkspurts");
    control_.stop();
    stop_timer_.expires_after(kLastReports);
    stop_timer_.async_wait([this](const boost::system::error_code&) { loop_.stop(); });
}

}  // namespace crosspatch::app
