#include "crosspatch/app/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "crosspatch/media/socket.hpp"

namespace crosspatch::app {
namespace {

// The same radio on the same port with other keys: its talkspurts go on.
bool only_keys_changed(const Radio& radio, const endpoint::Config& config) {
    return radio.settings == config.settings && config.srtp.suite != rtp::Suite::None;
}

bool same_keys(const Radio& radio, const endpoint::Config& config) {
    std::vector<rtp::KeyFingerprint> receive;
    for (const rtp::MasterKey& key : config.srtp.receive) receive.push_back(key.fingerprint());
    const auto send = config.srtp.send ? std::optional{config.srtp.send->fingerprint()} : std::nullopt;
    return radio.receive_keys == receive && radio.send_key == send;
}

class Planner {
public:
    Planner(std::shared_ptr<const Config> config, Estate& estate, const StreamBook& book,
            media::TalkPath path)
        : estate_{estate}, book_{book}, path_{path}, plan_{std::make_unique<Plan>()} {
        plan_->config = std::move(config);
    }

    core::Result<std::unique_ptr<Plan>> make() {
        if (const auto opened = open_shared_port(); !opened) return core::Unexpected{opened.error()};
        for (const endpoint::Config& config : plan_->config->endpoints)
            if (const auto planned = plan_endpoint(config); !planned)
                return core::Unexpected{planned.error()};
        plan_removals();
        plan_->change.topology = make_topology(plan_->config, estate_, radios_);
        plan_talkspurts();
        plan_->stock = estate_.codecs.make(codec_needs(*plan_->change.topology));
        plan_->replaced = plan_->change.gone;
        plan_ports();
        return std::move(plan_);
    }

private:
    core::Result<void> open_shared_port() {
        const core::Address& wanted = plan_->config->gateway.media_listen;
        plan_->shared_changed = !estate_.config || wanted != estate_.config->gateway.media_listen;
        if (!plan_->shared_changed || !wanted) return {};
        auto opened = media::open_udp(wanted);
        if (!opened) return core::Unexpected{opened.error()};
        plan_->shared_port = std::move(*opened);
        plan_->shared_address = media::local_address(plan_->shared_port.get());
        return {};
    }

    core::Result<void> plan_endpoint(const endpoint::Config& config) {
        const std::uint32_t index = estate_.endpoints.of(config.settings.id);
        const auto found = estate_.radios.find(index);
        const Radio* before = found == estate_.radios.end() ? nullptr : found->second.get();
        const bool shared_port_moved = plan_->shared_changed && !config.settings.listen;
        if (before && before->settings == config.settings && !shared_port_moved) {
            radios_[index] = before;
            if (!same_keys(*before, config) && only_keys_changed(*before, config)) {
                auto receiver = std::make_unique<rtp::SrtpReceiver>(make_receiver(config.srtp, book_));
                plan_->rekeyed.push_back({index, before->media.get(), std::move(receiver)});
            }
            return {};
        }
        const int shared = plan_->shared_changed ? plan_->shared_port.get() : estate_.shared_port.get();
        auto radio =
            build_radio(config, index, book_, shared, plan_->config->gateway.id, before, estate_.radios);
        if (!radio) return core::Unexpected{radio.error()};
        radios_[index] = radio->get();
        if (before) {
            plan_->change.gone.push_back(index);
            if (same_keys(*before, config))
                plan_->continued.emplace_back(before->media.get(), (*radio)->media.get());
        }
        plan_->added.push_back(std::move(*radio));
        return {};
    }

    void plan_removals() {
        for (const auto& [index, radio] : estate_.radios)
            if (!radios_.contains(index)) {
                plan_->removed.push_back(index);
                plan_->change.gone.push_back(index);
            }
        if (!estate_.config) return;
        const auto gone = [](const auto& before, const auto& now) {
            std::set<std::string> kept;
            for (const auto& item : now) kept.insert(item.id);
            std::vector<std::string> ids;
            for (const auto& item : before)
                if (!kept.contains(item.id)) ids.push_back(item.id);
            return ids;
        };
        for (const std::string& id : gone(estate_.config->channels, plan_->config->channels))
            plan_->change.channels_removed.push_back(estate_.channels.of(id));
        plan_->bridges_removed = gone(estate_.config->bridges, plan_->config->bridges);
        for (const std::string& id : plan_->bridges_removed)
            plan_->change.bridges_removed.push_back(estate_.bridges.of(id));
    }

    void plan_talkspurts() {
        const auto& channels = plan_->change.topology->channels;
        std::set<std::uint32_t> present;
        if (estate_.config)
            for (const bridge::Channel& channel : estate_.config->channels)
                present.insert(estate_.channels.of(channel.id));
        plan_->change.talkspurts.resize(channels.size());
        for (const bridge::Channel& channel : plan_->config->channels) {
            const std::uint32_t index = estate_.channels.of(channel.id);
            if (present.contains(index)) continue;
            auto talkspurt = std::make_unique<media::Talkspurt>(path_);
            talkspurt->reserve(channels[index].reach);
            plan_->change.talkspurts[index] = std::move(talkspurt);
        }
    }

    void plan_ports() {
        for (const std::uint32_t index : plan_->replaced) {
            const Radio& radio = *estate_.radios.at(index);
            if (radio.rtp) plan_->unwatched.push_back(radio.rtp.get());
            if (radio.rtcp) plan_->unwatched.push_back(radio.rtcp.get());
            plan_->detached.push_back(radio.media.get());
        }
        if (plan_->shared_changed && estate_.shared_port)
            plan_->unwatched.push_back(estate_.shared_port.get());
        for (const auto& radio : plan_->added) {
            if (radio->rtp) plan_->watched.push_back({radio->rtp.get(), radio->media.get(), false});
            if (radio->rtcp) plan_->watched.push_back({radio->rtcp.get(), radio->media.get(), true});
            plan_->attached.push_back(radio->media.get());
        }
        if (plan_->shared_port) plan_->watched.push_back({plan_->shared_port.get(), nullptr, false});
    }

    Estate& estate_;
    const StreamBook& book_;
    media::TalkPath path_;
    std::unique_ptr<Plan> plan_;
    std::map<std::uint32_t, const Radio*> radios_;  // of the new configuration
};

}  // namespace

std::uint32_t Indices::of(const std::string& id) {
    if (const auto found = by_id_.find(id); found != by_id_.end()) return found->second;
    std::uint32_t index = static_cast<std::uint32_t>(names_.size());
    if (free_.empty()) {
        names_.push_back(id);
    } else {
        index = free_.back();
        free_.pop_back();
        names_[index] = id;
    }
    return by_id_[id] = index;
}

std::optional<std::uint32_t> Indices::find(const std::string& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? std::nullopt : std::optional{found->second};
}

const std::string& Indices::name(std::uint32_t index) const {
    static const std::string kNone;
    return index < names_.size() ? names_[index] : kNone;
}

std::vector<std::uint32_t> Indices::keep_only(const std::set<std::string>& ids) {
    std::vector<std::uint32_t> freed;
    std::erase_if(by_id_, [&](const auto& entry) {
        if (ids.contains(entry.first)) return false;
        freed.push_back(entry.second);
        return true;
    });
    free_.insert(free_.end(), freed.begin(), freed.end());
    return freed;
}

bool Plan::rekeys(std::uint32_t endpoint) const {
    return std::any_of(rekeyed.begin(), rekeyed.end(),
                       [&](const Rekey& one) { return one.index == endpoint; });
}

bool Plan::replaces(std::uint32_t endpoint) const {
    return std::find(replaced.begin(), replaced.end(), endpoint) != replaced.end();
}

void Plan::carry_out(media::Worker& worker, bridge::Exchange& exchange, core::Time now) {
    for (const int port : unwatched) worker.unwatch(port);
    for (media::Endpoint* endpoint : detached) {
        worker.demux().detach(*endpoint);
        worker.reports().remove(*endpoint);
    }
    for (const auto& [from, to] : continued) to->source.srtp().carry_over(from->source.srtp());
    for (const Rekey& rekey : rekeyed) {
        rekey.receiver->carry_over(rekey.endpoint->source.srtp());
        std::swap(rekey.endpoint->source.srtp(), *rekey.receiver);
    }
    worker.codecs().stock(std::move(stock));
    change.topology = exchange.install(change, now);
    for (const auto& [endpoint, standing] : standings) exchange.set_standing(endpoint, standing, now);
    for (const media::Worker::Port& port : watched) worker.watch(port);
    for (media::Endpoint* endpoint : attached) {
        worker.reports().add(*endpoint, now);
        if (!endpoint->source.settings().own_port) worker.demux().attach(*endpoint);
    }
}

void Plan::take_over(Estate& estate) {
    std::vector<std::unique_ptr<Radio>> retired;
    for (const std::uint32_t index : removed) {
        retired.push_back(std::move(estate.radios.at(index)));
        estate.radios.erase(index);
    }
    for (auto& radio : added) {
        auto& place = estate.radios[radio->index];
        if (place) retired.push_back(std::move(place));
        place = std::move(radio);
    }
    added = std::move(retired);
    if (shared_changed) {
        std::swap(estate.shared_port, shared_port);
        estate.shared_address = shared_address;
    }
    estate.config = config;
}

core::Result<std::unique_ptr<Plan>> make_plan(std::shared_ptr<const Config> config, Estate& estate,
                                              const StreamBook& book, media::TalkPath path) {
    return Planner{std::move(config), estate, book, path}.make();
}

}  // namespace crosspatch::app
