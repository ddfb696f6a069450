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
                auto receiver = std::make_shared<rtp::SrtpReceiver>(make_receiver(config.srtp, book_));
                plan_->rekeyed.push_back({index, std::move(receiver)});
            }
            return {};
        }
        const int shared = plan_->shared_changed ? plan_->shared_port.get() : estate_.shared_port.get();
        auto radio = build_radio(config, index, book_, shared, plan_->config->gateway.id, before);
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
        plan_->channels_removed = gone(estate_.config->channels, plan_->config->channels);
        plan_->bridges_removed = gone(estate_.config->bridges, plan_->config->bridges);
        for (const std::string& id : plan_->channels_removed)
            plan_->change.channels_removed.push_back(estate_.channels.of(id));
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

void Indices::release(const std::string& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    free_.push_back(found->second);
    by_id_.erase(found);
}

core::Result<std::unique_ptr<Plan>> make_plan(std::shared_ptr<const Config> config, Estate& estate,
                                              const StreamBook& book, media::TalkPath path) {
    return Planner{std::move(config), estate, book, path}.make();
}

}  // namespace crosspatch::app
