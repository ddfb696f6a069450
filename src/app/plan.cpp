#include "crosspatch/app/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "crosspatch/media/socket.hpp"

namespace crosspatch::app {
namespace {

using Standing = bridge::Exchange::Standing;
constexpr std::chrono::seconds kOldKeyOverlap{30};  // contract.md, Key files

std::vector<rtp::KeyFingerprint> receive_keys(const endpoint::Config& config) {
    std::vector<rtp::KeyFingerprint> keys;
    for (const rtp::MasterKey& key : config.srtp->receive) keys.push_back(key.fingerprint());
    return keys;
}

bool same_keys(const Radio& radio, const endpoint::Config& config) {
    const auto send = config.srtp->send ? std::optional{config.srtp->send->fingerprint()} : std::nullopt;
    return radio.receive_keys == receive_keys(config) && radio.send_key == send;
}

// How long the second of two receive keys is good for: counted from when it became the second, not from later changes.
std::optional<core::Time> old_key_until(const Radio* before, const endpoint::Config& config) {
    if (config.srtp->receive.size() < 2) return std::nullopt;
    if (before && before->receive_keys == receive_keys(config)) return before->old_key_until;
    return core::monotonic_now() + kOldKeyOverlap;
}

std::vector<media::CodecPool::Needs> needs_by_worker(const CodecNeeds& needs, const Placement& placement) {
    std::vector<media::CodecPool::Needs> by_worker(placement.workers(), needs.spare);
    for (std::uint32_t channel = 0; channel < needs.channels.size(); ++channel)
        if (const std::uint8_t worker = placement.worker(channel); worker != Placement::kNone)
            by_worker[worker].add(needs.channels[channel]);
    return by_worker;
}

class Planner {
public:
    Planner(std::shared_ptr<const Config> config, Estate& estate, const StreamBook& book,
            const Orders& orders, const std::vector<bool>& open, const media::Crew& crew)
        : estate_{estate},
          book_{book},
          orders_{orders},
          open_{open},
          crew_{crew},
          plan_{std::make_unique<Plan>(estate.placement)} {
        plan_->config = std::move(config);
        if (!estate_.config) return;
        for (const endpoint::Config& endpoint : estate_.config->endpoints)
            former_[endpoint.settings.id] = &endpoint;
    }

    core::Result<std::unique_ptr<Plan>> make() {
        if (const auto opened = open_shared_port(); !opened) return core::Unexpected{opened.error()};
        find_leaving();
        for (const endpoint::Config& config : plan_->config->endpoints) {
            if (const auto planned = plan_endpoint(config); !planned)
                return core::Unexpected{planned.error()};
            plan_standing(config);
        }
        plan_removals();
        plan_->change.topology = make_topology(plan_->config, estate_, radios_);
        plan_->topology = plan_->change.topology.get();
        plan_places();
        plan_talkspurts();
        plan_codecs();
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

    const Radio* before(const endpoint::Config& config) const {
        const auto index = estate_.endpoints.find(config.settings.id);
        const auto found = index ? estate_.radios.find(*index) : estate_.radios.end();
        return found == estate_.radios.end() ? nullptr : found->second.get();
    }

    // Nothing of it changes but perhaps its keys: its talkspurts go on. Not so where it was revoked and comes back with
    // new ones: nothing may be sent to it under the old.
    bool stays(const Radio& radio, const endpoint::Config& config) const {
        const bool shared_port_moved = plan_->shared_changed && !config.settings.listen;
        if (radio.settings != config.settings || shared_port_moved) return false;
        return same_keys(radio, config) ||
               orders_.standing(*former_.at(config.settings.id)) != Standing::Revoked;
    }

    // Their ports may be taken over.
    void find_leaving() {
        std::set<const Radio*> staying;
        for (const endpoint::Config& config : plan_->config->endpoints)
            if (const Radio* radio = before(config); radio && stays(*radio, config)) staying.insert(radio);
        for (const auto& [index, radio] : estate_.radios)
            if (!staying.contains(radio.get())) leaving_.push_back(radio.get());
    }

    core::Result<void> plan_endpoint(const endpoint::Config& config) {
        const Radio* before = this->before(config);
        const std::uint32_t index = estate_.endpoints.of(config.settings.id);
        const auto old_key = old_key_until(before, config);
        const auto drop_old_key = [&](rtp::SrtpReceiver& receiver) {
            if (config.srtp->receive.size() > 1 && !old_key) receiver.drop_old_key();
        };
        if (before && stays(*before, config)) {
            radios_[index] = before;
            if (same_keys(*before, config)) return {};
            auto receiver = std::make_unique<rtp::SrtpReceiver>(
                make_receiver(*config.srtp, book_, expected_of(config.settings)));
            drop_old_key(*receiver);
            plan_->rekeyed.push_back(
                {index, before->media.get(), std::move(receiver), old_key, before->floor_messages});
            return {};
        }
        const int shared = plan_->shared_changed ? plan_->shared_port.get() : estate_.shared_port.get();
        auto made = build_radio(config, index, book_, shared, plan_->config->gateway.id, before, leaving_);
        if (!made) return core::Unexpected{made.error()};
        Radio& radio = **made;
        radio.old_key_until = old_key;
        radio.tones =
            estate_.tones.tones(config.settings.format, config.settings.ptime, config.settings.tones);
        drop_old_key(radio.media->source.srtp());
        radios_[index] = &radio;
        if (before) {
            plan_->change.gone.push_back(index);
            // What it has heard counts under new keys too (the roll-over counter goes on), but for a stolen radio's.
            if (orders_.standing(*former_.at(config.settings.id)) != Standing::Revoked)
                plan_->continued.emplace_back(before->media.get(), radio.media.get());
        }
        plan_->added.push_back(std::move(*made));
        return {};
    }

    // Only what this change changes: a cut that is on its way must not be undone.
    void plan_standing(const endpoint::Config& config) {
        const auto former = former_.find(config.settings.id);
        const Standing standing = orders_.standing(config);
        if (former != former_.end() && orders_.standing(*former->second) == standing) return;
        plan_->standings.push_back({*estate_.endpoints.find(config.settings.id), standing});
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

    // What an open bridge joins, in the configuration in force or in this one, lives together before the change.
    void plan_places() {
        Placement& placement = plan_->placement;
        placement.settle(*plan_->topology);
        std::vector<const bridge::Topology*> topologies{plan_->topology};
        if (estate_.topology) topologies.push_back(estate_.topology);
        plan_->change.workers = placement.where(topologies, open_);
        plan_->relocation =
            relocate(placement.take_up(plan_->change.workers), estate_.radios, estate_.channels);
        placement.forget(*plan_->topology);
    }

    void plan_codecs() {
        plan_->needs = codec_needs(*plan_->topology);
        plan_->relocation.needs = needs_by_worker(plan_->needs, plan_->placement);
        media::CodecPool::Needs all;
        for (const media::CodecPool::Needs& needs : plan_->relocation.needs) all.add(needs);
        plan_->stock = estate_.codecs.make(all);
    }

    void plan_talkspurts() {
        const auto& channels = plan_->change.topology->channels;
        std::set<std::uint32_t> present;
        if (estate_.config)
            for (const bridge::Channel& channel : estate_.config->channels)
                present.insert(estate_.channels.of(channel.id));
        plan_->change.talkspurts.resize(channels.size());
        plan_->change.duals.resize(channels.size());
        for (const bridge::Channel& channel : plan_->config->channels) {
            const std::uint32_t index = estate_.channels.of(channel.id);
            const media::TalkPath& path = crew_.worker(plan_->change.workers[index]).talk_path();
            const auto make = [&] {
                auto talkspurt = std::make_unique<media::Talkspurt>(path);
                talkspurt->reserve(channels[index].reach);
                return talkspurt;
            };
            // A channel that has these already keeps them.
            if (channel.floor.both_heard)
                plan_->change.duals[index] = {make(), std::make_unique<media::Mixer>(path)};
            if (!present.contains(index)) plan_->change.talkspurts[index] = make();
        }
    }

    void plan_ports() {
        for (const std::uint32_t index : plan_->replaced) {
            const Radio& radio = *estate_.radios.at(index);
            if (radio.rtp) plan_->unwatched.push_back(radio.rtp.get());
            if (radio.rtcp) plan_->unwatched.push_back(radio.rtcp.get());
            if (radio.floor) plan_->unwatched.push_back(radio.floor.get());
            plan_->detached.push_back(radio.media.get());
        }
        if (plan_->shared_changed && estate_.shared_port)
            plan_->unwatched.push_back(estate_.shared_port.get());
        for (const auto& radio : plan_->added) {
            using media::PortUse;
            media::Endpoint* endpoint = radio->media.get();
            if (radio->rtp) plan_->watched.push_back({radio->rtp.get(), endpoint, PortUse::Media});
            if (radio->rtcp) plan_->watched.push_back({radio->rtcp.get(), endpoint, PortUse::Rtcp});
            if (radio->floor) plan_->watched.push_back({radio->floor.get(), endpoint, PortUse::Floor});
            plan_->attached.push_back(radio->media.get());
        }
        if (plan_->shared_port) plan_->watched.push_back({plan_->shared_port.get(), nullptr});
    }

    Estate& estate_;
    const StreamBook& book_;
    const Orders& orders_;
    const std::vector<bool>& open_;
    const media::Crew& crew_;
    std::unique_ptr<Plan> plan_;
    std::map<std::string, const endpoint::Config*> former_;  // of the configuration in force
    std::vector<const Radio*> leaving_;
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

std::vector<media::CodecPool::Needs> Estate::needs_by_worker() const {
    return app::needs_by_worker(needs, placement);
}

Relocation relocate(std::vector<bridge::Switchboard::Move> moves, const Radios& radios,
                    const Indices& channels) {
    Relocation relocation;
    for (bridge::Switchboard::Move& move : moves) {
        Relocation::Step& step = relocation.steps.emplace_back();
        const std::set<std::uint32_t> moving{move.channels.begin(), move.channels.end()};
        for (const auto& [index, radio] : radios) {
            if (!moving.contains(channels.find(radio->settings.channel).value_or(bridge::kNowhere))) continue;
            if (radio->rtp) step.ports.push_back(radio->rtp.get());
            if (radio->rtcp) step.ports.push_back(radio->rtcp.get());
            if (radio->floor) step.ports.push_back(radio->floor.get());
            step.endpoints.push_back(radio->media.get());
        }
        step.move = std::move(move);
    }
    return relocation;
}

void Relocation::carry_out(media::Crew& crew, bridge::Switchboard& switchboard, core::Time now) const {
    if (steps.empty()) return;
    // Nothing of a channel is under way any more: neither handed on to its worker, nor waiting to be sent by it.
    for (std::size_t number = 0; number < crew.size(); ++number) crew.worker(number).settle(now);
    for (const Step& step : steps) {
        media::Worker& from = crew.worker(step.move.from);
        media::Worker& to = crew.worker(step.move.to);
        for (const int fd : step.ports)
            if (const auto port = from.unwatch(fd)) to.watch(*port);
        for (media::Endpoint* endpoint : step.endpoints) to.reports().adopt(*endpoint, from.reports());
        switchboard.move(step.move, now);
    }
}

void Relocation::deal(media::Crew& crew) const {
    std::vector<media::CodecPool*> pools;
    for (std::size_t number = 0; number < crew.size(); ++number)
        pools.push_back(&crew.worker(number).codecs());
    media::CodecPool::deal(pools, needs);
}

void Plan::carry_out(media::Crew& crew, bridge::Switchboard& switchboard, core::Time now) {
    media::Worker& reader = crew.worker(0);  // of the shared port
    // First: what this change takes consent from hears no packet by it.
    for (const std::uint32_t bridge : closing)
        for (bridge::Exchange* exchange : switchboard.exchanges()) exchange->set_open(bridge, false, now);
    relocation.carry_out(crew, switchboard, now);
    for (std::size_t number = 0; number < crew.size(); ++number) {
        crew.worker(number).settle(now);
        for (const int port : unwatched) crew.worker(number).unwatch(port);
    }
    for (media::Endpoint* endpoint : detached) {
        reader.demux().detach(*endpoint);
        crew.worker(endpoint->worker()).reports().remove(*endpoint);
    }
    for (const auto& [from, to] : continued) to->source.srtp().carry_over(from->source.srtp());
    for (const Rekey& rekey : rekeyed) {
        rekey.receiver->carry_over(rekey.endpoint->source.srtp());
        std::swap(rekey.endpoint->source.srtp(), *rekey.receiver);
        if (rekey.floor_messages) rekey.floor_messages->forget_client();  // its numbers may begin anew
    }
    reader.codecs().stock(std::move(stock));
    change.topology = switchboard.install(change, now);
    relocation.deal(crew);
    for (const auto& [endpoint, standing] : standings)
        for (bridge::Exchange* exchange : switchboard.exchanges())
            exchange->set_standing(endpoint, standing, now);
    for (const media::Worker::Port& port : watched)
        (port.endpoint ? crew.worker(port.endpoint->worker()) : reader).watch(port);
    for (media::Endpoint* endpoint : attached) {
        if (endpoint->sink.settings().rtcp_socket >= 0)
            crew.worker(endpoint->worker()).reports().add(*endpoint, now);
        if (!endpoint->source.settings().own_port) reader.demux().attach(*endpoint);
    }  // The last words of talkspurts that ended go out before their sockets may be closed.
    for (std::size_t number = 0; number < crew.size(); ++number) crew.worker(number).settle(now);
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
    estate.placement = std::move(placement);
    estate.needs = std::move(needs);
    estate.topology = topology;
}

core::Result<std::unique_ptr<Plan>> make_plan(std::shared_ptr<const Config> config, Estate& estate,
                                              const StreamBook& book, const Orders& orders,
                                              const std::vector<bool>& open, const media::Crew& crew) {
    return Planner{std::move(config), estate, book, orders, open, crew}.make();
}

}  // namespace crosspatch::app
