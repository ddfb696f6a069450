// Lifecycle, reload and reports of control.hpp; workers, streams, commands and views stand in files of their own.
#include "crosspatch/app/control.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <stdexcept>
#include <utility>

#include "crosspatch/core/file.hpp"

namespace crosspatch::app {
namespace {

using namespace std::chrono_literals;
constexpr auto kOrdersLate = 5s;  // faults.md 9: a disk that hangs is an alarm
constexpr auto kClockBehind = 1min;
constexpr auto kLoopOver = 60s;
constexpr auto kTooLongWithoutLog = 10s;  // contract.md, Record

}  // namespace

Control::Control(boost::asio::io_context& loop, Parts parts)
    : loop_{loop},
      log_{parts.log},
      record_{parts.record},
      crew_{parts.crew},
      switchboard_{parts.switchboard},
      reports_{parts.reports},
      reported_{loop, parts.reported.fd()},
      report_event_{parts.reported},
      second_{loop},
      book_{parts.journal.records()},
      estate_{parts.crew.size()},
      chronicle_{estate_,
                 {.record = [this](record::Entry entry) { note(std::move(entry)); },
                  .event = [this](const boost::json::object& event) { tell(event); },
                  .log = parts.log}},
      done_(parts.crew.size()),
      started_{core::wall_now()},
      answered_{parts.crew.size()},
      busy_(parts.crew.size()) {
    first_start_ = parts.first_start;
    const core::WallTime newest = record_.newest_record_time().value_or(core::WallTime{});
    clock_ = HeldClock{newest, started_, core::monotonic_now()};
    if (newest > started_ + kClockBehind)
        record_alarm(
            "clock.behind", true,
            fmt::format("the log has a record of {}, and the clock said {} at the start: agreements and "
                        "consents go by the later one. Is the clock right?",
                        core::rfc3339(newest, 0), core::rfc3339(started_, 0)));
    read_orders(parts.files[static_cast<std::size_t>(Keeper::Document::Orders)]);
    read_consents(parts.files[static_cast<std::size_t>(Keeper::Document::Consents)]);
    chronicle_.set_explainer(
        [this](std::uint32_t endpoint, std::uint32_t channel) { return explain_refusal(endpoint, channel); });
    chronicle_.set_hidden([this]() -> const boost::json::object& { return hidden(); });
    if (const auto& damage = parts.journal.damage(); damage.lost > 0)
        log_.warning("recovery",
                     "the file of SRTP packet numbers was damaged; streams without a record begin anew",
                     {{"slots", std::to_string(damage.lost)}});
    keeper_ = std::make_unique<Keeper>(
        std::move(parts.journal), std::move(parts.files), [this](std::vector<Keeper::Answer> answers) {
            boost::asio::post(loop_, [this, answers = std::move(answers)] { on_kept(answers); });
        });
    keep_consents();  // a file that is gone later is known to have been there
}

Control::~Control() { reported_.release(); }  // the descriptor is the EventFd's

core::Result<void> Control::start(std::shared_ptr<const Config> config) {
    wait_for_reports();
    wait_for_tick();
    for (const std::string& warning : config->warnings) log_.warning("config.warning", warning);
    auto keys = load_kept_keys(config->gateway.data_dir, config->agencies, ever_kept(*config));
    if (!keys) return core::Unexpected{keys.error()};
    if (const auto installed = install_file(config, std::move(*keys)); !installed) return installed;
    // Not before: what a failed start knows of standing consents, the next one must not know better.
    if (consents_.withdraw_unknown(estate_.config->bridges, estate_.config->templates)) keep_consents();
    return {};
}

void Control::stop() {
    if (std::exchange(stopping_, true)) return;
    ready_ = false;
    post_all([](bridge::Exchange& exchange, core::Time now) { exchange.shut_down(now); });
}

void Control::read_orders(const std::filesystem::path& file) {
    constexpr std::size_t kLongest = 16 << 20;
    const auto octets = core::read_file(file, kLongest);
    if (!octets && octets.error().code == core::Error::Code::NotFound) return;
    // It may be good: a daemon that cannot read it does not start, rather than let a stolen radio in.
    if (!octets) throw std::runtime_error{octets.error().context};
    const std::string_view text{reinterpret_cast<const char*>(octets->data()), octets->size()};
    auto orders = Orders::parse(text, wall(), core::monotonic_now());
    if (orders) {
        orders_ = std::move(*orders);
        return;
    }
    const auto aside = put_aside(file);
    const std::string detail = fmt::format(
        "{} could not be read{}: {}. Radios that were disabled or revoked are on again, bridges "
        "that were "
        "opened by hand are closed: look through them, then cut and open what is to be so",
        file.string(), aside ? " and is now " + *aside : "", orders.error().context);
    record_alarm("orders.lost", true, detail);
}

// A damaged file goes out of the way before the next one would be written over it: its new name.
std::optional<std::string> Control::put_aside(const std::filesystem::path& file) {
    std::filesystem::path aside = file;
    aside += fmt::format(".unreadable-{}", core::wall_now().time_since_epoch().count());
    std::error_code failed;
    std::filesystem::rename(file, aside, failed);
    return failed ? std::nullopt : std::optional{aside.filename().string()};
}

core::Result<void> Control::install(std::shared_ptr<const Config> config, LoadedKeys keys) {
    names_changed_ = true;
    const media::CodecPool::Maker made_before = estate_.codecs;
    auto made = make_plan(std::move(config), estate_, book_, orders_, joined_bridges(), crew_);
    if (!made) {
        release_unused();
        return core::Unexpected{made.error()};
    }
    const std::shared_ptr<Plan> plan = std::move(*made);
    bridge::AgencyKeys agency_keys = public_keys(plan->config->agencies, keys.kept);
    plan->closing = to_close(*plan->config, agency_keys);
    if (!lend_at_rest(
            plan, [this, plan = plan.get()](core::Time now) { plan->carry_out(crew_, switchboard_, now); })) {
        estate_.codecs = made_before;
        return core::unexpected(core::Error::Code::Busy,
                                "the media workers do not take commands now; try again");
    }
    close_removed_bridges(*plan);
    plan->take_over(estate_);
    agency_keys_ = std::move(agency_keys);
    keys_ = std::move(keys);
    max_load_ = plan->config->gateway.media_max_load;
    settle_streams(*plan);
    key_users_.reset();
    hidden_.reset();
    settle_orders();
    publish_directory();
    apply_labels();
    record_keys();
    tell_lost_keys();
    settle_consents(core::monotonic_now());
    settle_bridges();
    return {};
}

// Open and armed bridges that may not be so by this configuration, by index; nothing is changed yet.
std::vector<std::uint32_t> Control::to_close(const Config& config, const bridge::AgencyKeys& keys) const {
    const core::Time now = core::monotonic_now();
    const std::string day = today();
    std::vector<std::uint32_t> closing;
    for (const bridge::Bridge& bridge : config.bridges) {
        const auto state = bridge_states_.find(bridge.id);
        if (state == bridge_states_.end() || (!state->second.open && !state->second.armed)) continue;
        const std::vector<std::string> missing = consents_.missing(bridge, keys, now);
        const bridge::LifecycleFacts facts{.command = orders_.bridge(bridge.id),
                                           .missing = missing,
                                           .today = day,
                                           .now = now,
                                           .emergency = state->second.emergency};
        const bool stays =
            state->second.open ? bridge::decide_open(bridge, facts).open() : bridge::is_armed(bridge, facts);
        if (!stays) closing.push_back(*estate_.bridges.find(bridge.id));
    }
    return closing;
}

void Control::close_removed_bridges(const Plan& plan) {
    for (const std::string& id : plan.bridges_removed) {
        if (bridge_states_[id].open) {
            record::Entry entry{
                .type = "bridge.closed", .object = {{"kind", "bridge"}, {"id", id}}, .urgent = true};
            entry.detail["by"] = "configuration";
            chronicle_.publish(std::move(entry));
        }
        bridge_states_.erase(id);
    }
    publish_open();
}

// Commands about what is no longer in the configuration are over.
void Control::settle_orders() {
    std::set<std::string> bridges;
    for (const bridge::Bridge& bridge : estate_.config->bridges) bridges.insert(bridge.id);
    const Orders before = orders_;
    orders_.keep_open_only(bridges);
    if (orders_ != before) keep_orders();
}

// Numbers whose names are gone, once the worker has let go of everything that had them.
void Control::release_unused() {
    if (!names_changed_ || !lent_.empty()) return;
    names_changed_ = false;
    std::set<std::string> endpoints;
    std::set<std::string> channels;
    std::set<std::string> bridges;
    if (estate_.config) {
        for (const endpoint::Config& endpoint : estate_.config->endpoints)
            endpoints.insert(endpoint.settings.id);
        for (const bridge::Channel& channel : estate_.config->channels) channels.insert(channel.id);
        for (const bridge::Bridge& bridge : estate_.config->bridges) bridges.insert(bridge.id);
    }
    std::erase_if(loops_,
                  [&](const auto& loop) { return !endpoints.contains(estate_.endpoints.name(loop.first)); });
    for (const std::string_view prefix : {kSourcesAlarm, kOverrunAlarm, kLoopAlarm})
        std::erase_if(alarms_, [&](const auto& alarm) {
            return alarm.first.starts_with(prefix) && !endpoints.contains(alarm.first.substr(prefix.size()));
        });
    for (const std::uint32_t endpoint : estate_.endpoints.keep_only(endpoints))
        chronicle_.forget_endpoint(endpoint);
    for (const std::uint32_t channel : estate_.channels.keep_only(channels))
        chronicle_.forget_channel(channel);
    estate_.bridges.keep_only(bridges);
}

void Control::publish_directory() {
    auto directory = std::make_shared<Directory>();
    directory->config = estate_.config;
    for (const auto& [index, radio] : estate_.radios) directory->endpoints[radio->settings.id] = index;
    for (const bridge::Bridge& bridge : estate_.config->bridges)
        directory->bridges[bridge.id] = estate_.bridges.of(bridge.id);
    for (const bridge::Channel& channel : estate_.config->channels)
        directory->channels[channel.id] = estate_.channels.of(channel.id);
    directory_.store(std::move(directory));
    dismiss_listeners();
}

void Control::wait_for_reports() {
    reported_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& failed) {
                             if (failed) return;
                             report_event_.drain();
                             drain_reports();
                             wait_for_reports();
                         });
}

void Control::drain_reports() {
    while (const auto report = reports_.pop()) on_report(*report);
}

void Control::on_report(const bridge::Report& report) {
    using Kind = bridge::Report::Kind;
    switch (report.kind) {
        case Kind::Done:
            return take_back(report);
        case Kind::BridgeOpened:
            return report.emergency ? note_emergency(report) : chronicle_.on(report);
        case Kind::SendLimit:
            return ask_to_keep(report, rtp::IndexRecord::Kind::Send);
        case Kind::ReceiveLimit:
            return ask_to_keep(report, rtp::IndexRecord::Kind::Receive);
        case Kind::ManySources:
            return record_alarm(
                std::string{kSourcesAlarm} + estate_.endpoints.name(report.endpoint), report.position >= 200,
                "the radio has used nearly as many SSRCs under one key as may be: rotate the key, "
                "from the 257th on it is not heard");
        case Kind::Echo:
        case Kind::LoopSuspected:
            note_loop(report);
            return chronicle_.on(report);
        case Kind::Overrun:
        case Kind::OverrunEnded:
            record_alarm(std::string{kOverrunAlarm} + estate_.endpoints.name(report.endpoint),
                         report.kind == Kind::Overrun,
                         "the radio goes on sending after its floor was taken away; nobody hears it: is its "
                         "key stuck, or its squelch open?");
            return chronicle_.on(report);
        default:
            return chronicle_.on(report);
    }
}

// On until it is not shut off any more and a minute has passed without another one.
void Control::note_loop(const bridge::Report& report) {
    const std::string& id = estate_.endpoints.name(report.endpoint);
    core::Time& until = loops_[report.endpoint];
    until = std::max(until, report.at + report.left + kLoopOver);
    const bool echo = report.kind == bridge::Report::Kind::Echo;
    // Whose it was stands on record: not everybody who sees this may know it.
    const std::string what =
        echo ? fmt::format("what comes from '{}' was carried before, {} ms ago", id, report.lag.count())
             : fmt::format("our own packets come back from '{}'", id);
    record_alarm(
        std::string{kLoopAlarm} + id, true,
        what +
            ": sound goes round through something outside. Look for a second way between the systems, and "
            "give the endpoints that lead there the same `path`; `endpoint enable` lets it talk again at "
            "once");
}

void Control::end_loop_alarms(core::Time now) {
    std::erase_if(loops_, [&](const auto& loop) {
        if (now < loop.second) return false;
        record_alarm(std::string{kLoopAlarm} + estate_.endpoints.name(loop.first), false, "");
        return true;
    });
}

void Control::wait_for_tick() {
    second_.expires_after(500ms);
    second_.async_wait([this](const boost::system::error_code& cancelled) {
        if (cancelled) return;
        on_second();
        wait_for_tick();
    });
}

void Control::on_second() {
    const core::Time now = core::monotonic_now();
    // The watchdog is fed only while every worker answers within one period.
    const bool alive = answered_.exchange(0) >= crew_.size();
    measure_load(now);
    if (tick_) tick_(alive);
    chronicle_.tick(now);
    if (const auto next = consents_.next_end(); next && now >= *next) settle_consents(now);
    remind(now);
    settle_bridges();
    for (const rtp::IndexRecord& record : std::exchange(unkept_, {})) keeper_->ask(record);
    record_alarm("orders.unwritten", keeper_->waiting(now) > kOrdersLate,
                 "commands (bridges opened, radios cut off) and consents are not written to data_dir and "
                 "would be forgotten by a "
                 "restart: is the disk full, failing or hanging?");
    drop_old_keys(now);
    end_loop_alarms(now);
    if (estate_.config) end_labels(now);
    drop_unused_bridge();
    const bool refuse = estate_.config &&
                        estate_.config->gateway.record.on_failure == record::OnFailure::Refuse &&
                        !record_.health().durable;
    if (refuse != std::exchange(refusing_, refuse))
        post_all([refuse](bridge::Exchange& exchange, core::Time at) { exchange.refuse_floors(refuse, at); });
}

bool Control::log_failing_too_long() const {
    const record::Health health = record_.health();
    return health.failing_since && core::monotonic_now() > *health.failing_since + kTooLongWithoutLog;
}

void Control::note(record::Entry entry) {
    if (!record_.append(std::move(entry))) return;  // counted there; an audit.gap record follows
}

void Control::reload_by_signal(std::function<void()> done) {
    if (loading_) {  // what is being read may be the file as it was before
        reload_again_ = true;
        return done();
    }
    const auto run = [](Control& control) -> boost::asio::awaitable<void> {
        const boost::json::object actor{{"principal", "root"}, {"auth", "signal"}};
        const auto applied = co_await control.apply_file("SIGHUP", actor);
        if (!*applied)
            control.log_.error("config.refused", "the configuration in force stays",
                               {{"problems", applied->error().context}});
    };
    boost::asio::co_spawn(
        loop_, run(*this), [this, done = std::move(done)](const std::exception_ptr& failed) {
            if (failed)
                log_.error("config.refused", "reading the configuration failed; the one in force stays");
            done();
        });
}

// Reads the file on a thread of its own; control, the watchdog and every cut go on meanwhile.
api::Gateway::Done Control::apply_file(std::string by, boost::json::object actor) {
    if (log_failing_too_long())
        co_return core::unexpected(
            core::Error::Code::Unavailable,
            "the log cannot be written, so nothing is changed; see `crosspatchctl status`");
    if (std::exchange(loading_, true))
        co_return core::unexpected(core::Error::Code::Busy,
                                   "the configuration is being read already; try again");
    const std::filesystem::path file = estate_.config->file;
    struct Read {
        Loaded config;
        core::Result<LoadedKeys> keys;
    };
    const auto load = [](std::filesystem::path path, std::filesystem::path data_dir,
                         std::set<std::string> kept) -> boost::asio::awaitable<std::optional<Read>> {
        Read read{load_config(path), LoadedKeys{}};
        if (read.config) read.keys = load_kept_keys(data_dir, (*read.config)->agencies, kept);
        co_return std::move(read);
    };
    record::Entry entry{.actor = std::move(actor),
                        .object = {{"kind", "configuration"}, {"id", file.string()}}};
    entry.detail = {{"before", estate_.config->digest}, {"by", by}};
    entry.urgent = true;
    core::Result<boost::json::object> done = core::unexpected(core::Error::Code::Internal, "");
    try {
        const std::filesystem::path data_dir = estate_.config->gateway.data_dir;
        auto read = co_await boost::asio::co_spawn(loader_, load(file, data_dir, consents_.ever_kept()),
                                                   boost::asio::use_awaitable);
        if (stopping_) {
            done = core::unexpected(core::Error::Code::Unavailable, "the daemon is stopping");
        } else if (read->config && read->keys) {
            done = apply(std::move(*read->config), std::move(*read->keys), entry);
        } else {
            if (!read->config) entry.detail["problems"] = read->config.error().size();
            done = core::unexpected(core::Error::Code::Invalid,
                                    read->config ? read->keys.error().context
                                                 : fmt::format("{}", fmt::join(read->config.error(), "\n")));
        }
    } catch (const std::exception& error) {
        done = core::unexpected(core::Error::Code::Internal, error.what());
    }
    finish_loading();
    if (!done) {
        const std::string& problems = done.error().context;
        entry.type = "config.refused";
        entry.outcome = record::Outcome::Denied;
        entry.detail["first"] = problems.substr(0, std::min<std::size_t>(problems.find('\n'), 500));
        chronicle_.publish(std::move(entry));
    }
    co_return done;
}

void Control::finish_loading() {
    loading_ = false;
    if (std::exchange(reload_again_, false)) boost::asio::post(loop_, [this] { reload_by_signal([] {}); });
}

core::Result<boost::json::object> Control::apply(std::shared_ptr<const Config> config, LoadedKeys keys,
                                                 record::Entry& entry) {
    const GatewayConfig& now = estate_.config->gateway;
    const GatewayConfig& next = config->gateway;
    if (next.id != now.id || next.data_dir != now.data_dir || next.control_socket != now.control_socket ||
        next.api_listen != now.api_listen ||
        (next.media_workers != now.media_workers && !(next.media_auto && now.media_auto)) ||
        next.media_cpus != now.media_cpus || next.media_busy_poll != now.media_busy_poll)
        return core::unexpected(
            core::Error::Code::Invalid,
            fmt::format(
                "{}: gateway.id, data_dir, control, api and the workers, cpus and busy_poll of media change "
                "only with a restart",
                config->file.string()));
    const bool changed = config->digest != estate_.config->digest;
    if (const auto installed = install_file(config, std::move(keys)); !installed)
        return core::unexpected(installed.error().code == core::Error::Code::Busy
                                    ? core::Error::Code::Busy
                                    : core::Error::Code::Invalid,
                                installed.error().context);
    reloaded_ = true;
    for (const std::string& warning : config->warnings) log_.warning("config.warning", warning);
    log_.info("config.reloaded", "the new configuration is in force", {{"sha256", config->digest}});
    entry.type = "config.reloaded";
    entry.detail["after"] = config->digest;
    chronicle_.publish(std::move(entry));
    return boost::json::object{{"id", config->digest}, {"changed", changed}};
}

}  // namespace crosspatch::app
