// Lifecycle, reload, reports and streams of control.hpp; commands and views stand in files of their own.
#include "crosspatch/app/control.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

namespace crosspatch::app {
namespace {

using namespace std::chrono_literals;
constexpr auto kOldKeyOverlap = 30s;      // contract.md, Key files
constexpr auto kTooLongWithoutLog = 10s;  // contract.md, Record

}  // namespace

boost::json::object actor_json(const api::Actor& actor) {
    boost::json::object json{
        {"principal", actor.name}, {"role", actor.role}, {"auth", "unix"}, {"uid", actor.uid}};
    if (!actor.agency.empty()) json["agency"] = actor.agency;
    return json;
}

Control::Control(boost::asio::io_context& loop, Parts parts)
    : loop_{loop},
      log_{parts.log},
      record_{parts.record},
      worker_{parts.worker},
      exchange_{parts.exchange},
      reports_{parts.reports},
      reported_{loop, parts.reported.fd()},
      report_event_{parts.reported},
      second_{loop},
      book_{parts.journal.records()},
      chronicle_{estate_,
                 {.record = [this](record::Entry entry) { note(std::move(entry)); },
                  .event =
                      [this](const boost::json::object& event) {
                          for (const auto& [handle, listener] : listeners_) listener(event);
                      },
                  .log = parts.log}},
      started_{core::wall_now()} {
    chronicle_.set_explainer(
        [this](std::uint32_t endpoint, std::uint32_t channel) { return explain_refusal(endpoint, channel); });
    if (const auto& damage = parts.journal.damage(); damage.lost > 0)
        log_.warning("recovery",
                     "the file of SRTP packet numbers was damaged; streams without a record begin anew",
                     {{"slots", std::to_string(damage.lost)}});
    keeper_ = std::make_unique<Keeper>(std::move(parts.journal), [this](std::vector<Keeper::Answer> answers) {
        boost::asio::post(loop_, [this, answers = std::move(answers)] { on_kept(answers); });
    });
}

Control::~Control() { reported_.release(); }  // the descriptor is the EventFd's

core::Result<void> Control::start(std::shared_ptr<const Config> config) {
    wait_for_reports();
    wait_for_tick();
    for (const std::string& warning : config->warnings) log_.warning("config.warning", warning);
    return install(std::move(config));
}

void Control::stop() {
    if (std::exchange(stopping_, true)) return;
    ready_ = false;
    post([this](core::Time now) { exchange_.shut_down(now); });
}

void Control::post(media::Worker::Task task) {
    // The lane holds 4,096 tasks; a worker that does not empty it for seconds is stuck, and the watchdog ends us.
    if (!worker_.post(media::Worker::Lane::Control, std::move(task)))
        log_.error("worker.stuck",
                   "the media worker does not take commands; the watchdog will restart the daemon");
}

core::Result<void> Control::install(std::shared_ptr<const Config> config) {
    auto made = make_plan(std::move(config), estate_, book_, worker_.talk_path());
    if (!made) return core::Unexpected{made.error()};
    const std::shared_ptr<Plan> plan = std::move(*made);
    plan->change_gone = plan->change.gone;
    plan->change.token = next_token_++;
    installing_[plan->change.token] = plan;
    carry_out(plan);
    take_over(*plan);
    settle_streams(*plan);
    publish_directory();
    open_standing_bridges();
    return {};
}

// Everything that the worker does for a change, in one task: between two packets.
void Control::carry_out(std::shared_ptr<Plan> plan) {
    std::vector<int> closed;
    for (const std::uint32_t index : plan->change.gone)
        if (const Radio& radio = *estate_.radios.at(index); true) {
            if (radio.rtp) closed.push_back(radio.rtp.get());
            if (radio.rtcp) closed.push_back(radio.rtcp.get());
        }
    if (plan->shared_changed && estate_.shared_port) closed.push_back(estate_.shared_port.get());
    std::vector<media::Endpoint*> gone;
    for (const std::uint32_t index : plan->change.gone) gone.push_back(estate_.radios.at(index)->media.get());
    std::vector<std::pair<media::Endpoint*, std::shared_ptr<rtp::SrtpReceiver>>> rekeyed;
    for (const Plan::Rekey& rekey : plan->rekeyed)
        rekeyed.emplace_back(estate_.radios.at(rekey.index)->media.get(), rekey.receiver);
    std::vector<std::pair<media::Worker::Port, media::Endpoint*>> opened;
    for (const auto& radio : plan->added) {
        if (radio->rtp) opened.push_back({{radio->rtp.get(), radio->media.get(), false}, nullptr});
        if (radio->rtcp) opened.push_back({{radio->rtcp.get(), radio->media.get(), true}, nullptr});
        opened.push_back({{}, radio->media.get()});
    }
    if (plan->shared_port) opened.push_back({{plan->shared_port.get(), nullptr, false}, nullptr});

    post([this, plan, closed, gone, rekeyed, opened](core::Time now) {
        for (const int fd : closed) worker_.unwatch(fd);
        for (media::Endpoint* endpoint : gone) {
            worker_.demux().detach(*endpoint);
            worker_.reports().remove(*endpoint);
        }
        for (const auto& [from, to] : plan->continued) to->source.srtp().carry_over(from->source.srtp());
        for (const auto& [endpoint, receiver] : rekeyed) {
            receiver->carry_over(endpoint->source.srtp());
            std::swap(endpoint->source.srtp(), *receiver);
        }
        worker_.codecs().stock(std::move(plan->stock));
        plan->change.topology = exchange_.install(plan->change, now);
        for (const auto& [port, endpoint] : opened) {
            if (port.fd >= 0) worker_.watch(port);
            if (!endpoint) continue;
            worker_.reports().add(*endpoint, now);
            if (!endpoint->source.settings().own_port) worker_.demux().attach(*endpoint);
        }
    });
}

// Control's own side of the change: the new objects are in force, the old ones wait in the plan.
void Control::take_over(Plan& plan) {
    std::vector<std::unique_ptr<Radio>> retired;
    for (const std::uint32_t index : plan.removed) {
        retired.push_back(std::move(estate_.radios.at(index)));
        estate_.radios.erase(index);
    }
    for (auto& radio : plan.added) {
        auto& place = estate_.radios[radio->index];
        if (place) retired.push_back(std::move(place));
        place = std::move(radio);
    }
    plan.added = std::move(retired);
    if (plan.shared_changed) {
        std::swap(estate_.shared_port, plan.shared_port);
        estate_.shared_address = plan.shared_address;
    }
    for (const std::string& id : plan.bridges_removed) {
        if (bridge_states_[id].open) {
            record::Entry entry{
                .type = "bridge.closed", .object = {{"kind", "bridge"}, {"id", id}}, .urgent = true};
            entry.detail["by"] = "configuration";
            chronicle_.publish(std::move(entry));
        }
        bridge_states_.erase(id);
    }
    // A sender that waits for its reservation belongs to the radio as it was.
    std::erase_if(waiting_senders_, [&](const auto& waiting) {
        const auto is_it = [&](std::uint32_t index) { return index == waiting.second.index; };
        return std::any_of(plan.change_gone.begin(), plan.change_gone.end(), is_it) ||
               std::any_of(plan.rekeyed.begin(), plan.rekeyed.end(),
                           [&](const auto& rekey) { return is_it(rekey.index); });
    });
    estate_.config = plan.config;
}

// Streams that are new need their packet indices reserved on disk before they may send.
void Control::settle_streams(const Plan& plan) {
    bool overlap = false;
    for (const endpoint::Config& config : plan.config->endpoints) {
        const std::uint32_t index = *estate_.endpoints.find(config.settings.id);
        Radio& radio = *estate_.radios.at(index);
        overlap |= config.srtp.receive.size() > 1;
        std::vector<rtp::KeyFingerprint> receive;
        for (const rtp::MasterKey& key : config.srtp.receive) receive.push_back(key.fingerprint());
        const bool rekeyed = std::any_of(plan.rekeyed.begin(), plan.rekeyed.end(),
                                         [&](const auto& r) { return r.index == index; });
        if (!rekeyed) continue;
        const bool all_new =
            std::none_of(receive.begin(), receive.end(), [&](const rtp::KeyFingerprint& key) {
                return std::find(radio.receive_keys.begin(), radio.receive_keys.end(), key) !=
                       radio.receive_keys.end();
            });
        radio.receive_keys = receive;
        // A radio that was cut off for its keys is back with new ones.
        if (const auto* live = chronicle_.radio(index); live && live->revoked && all_new)
            post([this, index](core::Time now) {
                exchange_.set_standing(index, bridge::Exchange::Standing::Enabled, now);
            });
        if (config.srtp.send && radio.send_key != config.srtp.send->fingerprint())
            rekey_sender(config, radio);
    }
    if (overlap) drop_old_keys_at_ = core::monotonic_now() + kOldKeyOverlap;
    // Endpoints that were just built ask through their first report; ask for them now so that nothing waits for 5 s.
    post([this](core::Time now) { exchange_.tend_all(now); });
}

// The new send key goes into use when its reservation is on disk; until then the old one goes on.
void Control::rekey_sender(const endpoint::Config& config, const Radio& radio) {
    const auto before = radio.send_key ? book_.sent(*radio.send_key) : std::nullopt;
    auto sender = std::make_shared<rtp::SrtpSender>(
        make_sender(config.srtp, book_, before ? std::optional{before->ssrc} : std::nullopt,
                    before ? before->limits.rtp : 0));
    const auto wish = sender->next_wish();
    if (!wish) return;
    const rtp::IndexRecord record{.kind = rtp::IndexRecord::Kind::Send,
                                  .key = config.srtp.send->fingerprint(),
                                  .ssrc = wish->ssrc,
                                  .limits = wish->limits};
    waiting_senders_[record.key] = {radio.index, std::move(sender)};
    book_.note(record);
    keeper_->ask(record);
}

void Control::use_new_sender(const rtp::IndexRecord& kept) {
    const auto waiting = waiting_senders_.extract(kept.key);
    const auto radio = estate_.radios.find(waiting.mapped().index);
    if (radio == estate_.radios.end()) return;
    radio->second->send_key = kept.key;
    media::Endpoint* endpoint = radio->second->media.get();
    post([this, endpoint, sender = waiting.mapped().sender, ssrc = kept.ssrc,
          limits = kept.limits](core::Time now) {
        sender->set_reserved(ssrc, limits);
        std::swap(endpoint->sink.srtp(), *sender);
        endpoint->source.set_own_ssrc(endpoint->sink.ssrc());
        exchange_.rejoin(endpoint->index(), now);
    });
}

void Control::publish_directory() {
    auto directory = std::make_shared<Directory>();
    directory->config = estate_.config;
    for (const auto& [index, radio] : estate_.radios) directory->endpoints[radio->settings.id] = index;
    for (const bridge::Bridge& bridge : estate_.config->bridges)
        directory->bridges[bridge.id] = estate_.bridges.of(bridge.id);
    directory_.store(std::move(directory));
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
        case Kind::Installed: {
            const auto done = installing_.extract(report.token);
            if (!done) return;
            for (const std::uint32_t index : done.mapped()->removed)
                estate_.endpoints.release(estate_.endpoints.name(index));
            for (const std::string& id : done.mapped()->channels_removed) estate_.channels.release(id);
            for (const std::string& id : done.mapped()->bridges_removed) estate_.bridges.release(id);
            ready_ = !stopping_;
            return;
        }
        case Kind::SendLimit:
            return ask_to_keep(report, rtp::IndexRecord::Kind::Send);
        case Kind::ReceiveLimit:
            return ask_to_keep(report, rtp::IndexRecord::Kind::Receive);
        case Kind::ManySources:
            return record_alarm(
                "srtp.sources." + estate_.endpoints.name(report.endpoint), report.position >= 200,
                "the radio has used nearly as many SSRCs under one key as may be: rotate the key, "
                "from the 257th on it is not heard");
        default:
            return chronicle_.on(report);
    }
}

void Control::ask_to_keep(const bridge::Report& report, rtp::IndexRecord::Kind kind) {
    const auto found = estate_.radios.find(report.endpoint);
    if (found == estate_.radios.end()) return;
    const Radio& radio = *found->second;
    rtp::IndexRecord record{
        .kind = kind, .ssrc = report.ssrc, .limits = report.limits, .address = report.address};
    if (kind == rtp::IndexRecord::Kind::Send) {
        if (!radio.send_key) return;
        record.key = *radio.send_key;
    } else {
        if (radio.receive_keys.empty()) return;
        record.key = radio.receive_keys.front();
    }
    book_.note(record);
    keeper_->ask(record);
}

void Control::on_kept(const std::vector<Keeper::Answer>& answers) {
    for (const auto& [kept, durable] : answers) {
        if (durable && kept.kind == rtp::IndexRecord::Kind::Send && waiting_senders_.contains(kept.key)) {
            use_new_sender(kept);
            continue;
        }
        for (const auto& [index, radio] : estate_.radios) {
            media::Endpoint* endpoint = radio->media.get();
            const auto ssrc = kept.ssrc;
            const auto limits = kept.limits;
            if (kept.kind == rtp::IndexRecord::Kind::Send && radio->send_key == kept.key) {
                if (!durable)
                    start_unrecorded(index);
                else
                    post([endpoint, ssrc, limits](core::Time) {
                        endpoint->sink.srtp().set_reserved(ssrc, limits);
                    });
            } else if (durable && kept.kind == rtp::IndexRecord::Kind::Receive &&
                       !radio->receive_keys.empty() && radio->receive_keys.front() == kept.key) {
                post([endpoint, ssrc, limits](core::Time) { endpoint->source.srtp().confirm(ssrc, limits); });
            }
        }
    }
    record_alarm("srtp.unrecorded", keeper_->failing(),
                 "SRTP packet numbers cannot be written to disk: is the disk full or failing? Audio goes on "
                 "under fresh SSRCs");
}

// srtp.md section 11: what no disk can record goes on under a fresh random SSRC, which nobody used before.
void Control::start_unrecorded(std::uint32_t index) {
    media::Endpoint* endpoint = estate_.radios.at(index)->media.get();
    const std::uint32_t ssrc = randombytes_random() | 1U;
    const std::uint64_t start = randombytes_uniform(0x8000);
    post([this, endpoint, ssrc, start](core::Time now) {
        rtp::SrtpSender& sender = endpoint->sink.srtp();
        const rtp::IndexLimits reserved = sender.reserved();
        if (reserved == rtp::SrtpSender::unrecorded() || sender.next().rtp + 500 < reserved.rtp)
            return;  // not yet
        if (!sender.begin(ssrc, {start, 0})) return;
        sender.set_reserved(ssrc, rtp::SrtpSender::unrecorded());
        endpoint->source.set_own_ssrc(ssrc);
        exchange_.rejoin(endpoint->index(), now);
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
    // The watchdog is fed only while the worker answers within one period.
    const bool alive = worker_answered_->exchange(false);
    post([answered = worker_answered_](core::Time) { answered->store(true); });
    if (tick_) tick_(alive);
    chronicle_.tick(now);
    close_expired(now);
    refresh_figures();
    if (drop_old_keys_at_ && now >= *drop_old_keys_at_) {
        drop_old_keys_at_.reset();
        std::vector<media::Endpoint*> all;
        for (const auto& [index, radio] : estate_.radios) all.push_back(radio->media.get());
        post([all](core::Time) {
            for (media::Endpoint* endpoint : all) endpoint->source.srtp().drop_old_key();
        });
    }
    const bool refuse = estate_.config &&
                        estate_.config->gateway.record.on_failure == record::OnFailure::Refuse &&
                        !record_.health().durable;
    if (refuse != std::exchange(refusing_, refuse))
        post([this, refuse](core::Time) { exchange_.refuse_floors(refuse); });
}

bool Control::log_failing_too_long() const {
    const record::Health health = record_.health();
    return health.failing_since && core::monotonic_now() > *health.failing_since + kTooLongWithoutLog;
}

void Control::note(record::Entry entry) {
    if (!record_.append(std::move(entry))) return;  // counted there; an audit.gap record follows
}

void Control::reload_by_signal() {
    core::Result<boost::json::object> done = core::unexpected(core::Error::Code::Internal, "");
    try {
        done = apply_file("SIGHUP", {{"principal", "root"}, {"auth", "signal"}});
    } catch (const std::exception& error) {
        done = core::unexpected(core::Error::Code::Internal, error.what());
    }
    if (!done)
        log_.error("config.refused", "the configuration in force stays",
                   {{"problems", done.error().context}});
}

core::Result<boost::json::object> Control::apply_file(const std::string& by,
                                                      const boost::json::object& actor) {
    const std::string before = estate_.config->digest;
    record::Entry entry{.actor = actor,
                        .object = {{"kind", "configuration"}, {"id", estate_.config->file.string()}}};
    entry.detail = {{"before", before}, {"by", by}};
    entry.urgent = true;
    const auto refuse = [&](std::string problems, std::size_t count) -> core::Result<boost::json::object> {
        entry.type = "config.refused";
        entry.outcome = record::Outcome::Denied;
        entry.detail["problems"] = count;
        entry.detail["first"] = problems.substr(0, std::min<std::size_t>(problems.find('\n'), 500));
        chronicle_.publish(std::move(entry));
        return core::unexpected(core::Error::Code::Invalid, std::move(problems));
    };
    auto loaded = load_config(estate_.config->file);
    if (!loaded) return refuse(fmt::format("{}", fmt::join(loaded.error(), "\n")), loaded.error().size());
    const GatewayConfig& now = estate_.config->gateway;
    const GatewayConfig& next = (*loaded)->gateway;
    if (next.id != now.id || next.data_dir != now.data_dir || next.control_socket != now.control_socket ||
        next.api_listen != now.api_listen)
        return refuse(fmt::format("{}: gateway.id, data_dir, control and api change only with a restart",
                                  estate_.config->file.string()),
                      1);
    std::shared_ptr<const Config> config = std::move(*loaded);
    if (const auto installed = install(config); !installed) return refuse(installed.error().context, 1);
    for (const std::string& warning : config->warnings) log_.warning("config.warning", warning);
    entry.type = "config.reloaded";
    entry.detail["after"] = config->digest;
    log_.info("config.reloaded", "the new configuration is in force",
              {{"sha256", config->digest}, {"by", by}});
    chronicle_.publish(std::move(entry));
    return boost::json::object{{"id", config->digest}, {"changed", config->digest != before}};
}

}  // namespace crosspatch::app
