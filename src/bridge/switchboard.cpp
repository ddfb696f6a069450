// A new Topology, and channels that move between workers: switchboard.hpp, and what of exchange.hpp serves it.
#include "crosspatch/bridge/switchboard.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace crosspatch::bridge {

Switchboard::Switchboard(std::vector<Exchange*> exchanges) : exchanges_{std::move(exchanges)} {
    for (Exchange* exchange : exchanges_) exchange->use(*topology_);
}

Exchange* Switchboard::exchange_of(std::uint32_t endpoint) const {
    const std::uint32_t channel = topology_->endpoints[endpoint].channel;
    return channel == kNowhere || workers_[channel] == kNobody ? nullptr : exchanges_[workers_[channel]];
}

std::unique_ptr<Topology> Switchboard::install(Change& change, core::Time now) {
    using Standing = Exchange::Standing;
    // A radio that was switched off stays off, whatever else of it has changed; one that left the file begins anew.
    std::vector<std::pair<std::uint32_t, Standing>> kept;
    for (const std::uint32_t endpoint : change.gone)
        if (const Exchange* exchange = exchange_of(endpoint))
            kept.emplace_back(endpoint, exchange->endpoints_[endpoint].standing);
    for (Exchange* exchange : exchanges_)
        exchange->let_go(change.gone, change.channels_removed, change.bridges_removed, now);
    std::swap(topology_, change.topology);
    workers_.resize(std::max(workers_.size(), topology_->channels.size()), kNobody);
    change.talkspurts.resize(workers_.size());
    change.duals.resize(workers_.size());
    for (Exchange* exchange : exchanges_) exchange->use(*topology_);
    std::vector<std::unique_ptr<media::Talkspurt>> retired;
    std::vector<DualMedia> retired_duals;
    for (const std::uint32_t channel : change.channels_removed) {
        const std::uint8_t worker = std::exchange(workers_[channel], kNobody);
        exchanges_[worker]->mine_[channel] = false;
        retired.push_back(std::move(exchanges_[worker]->channels_[channel].talkspurt));
        if (auto dual = std::move(exchanges_[worker]->duals_[channel]))
            retired_duals.push_back({std::move(dual->second.talkspurt), std::move(dual->mixer)});
    }
    for (std::uint32_t channel = 0; channel < workers_.size(); ++channel) {
        if (!change.talkspurts[channel]) continue;
        workers_[channel] = change.workers[channel];
        exchanges_[workers_[channel]]->mind(channel, std::move(change.talkspurts[channel]));
    }
    for (std::uint32_t channel = 0; channel < workers_.size(); ++channel)
        if (change.duals[channel].mixer && workers_[channel] != kNobody)
            exchanges_[workers_[channel]]->let_two_be_heard(channel, change.duals[channel]);
    change.talkspurts = std::move(retired);
    for (DualMedia& dual : retired_duals) change.duals.push_back(std::move(dual));
    for (Exchange* exchange : exchanges_) {
        for (const std::uint32_t endpoint : change.gone) {
            exchange->endpoints_[endpoint] = {};
            exchange->keys_.set(endpoint, core::kNever);  // its last words may have set it again
        }
        exchange->close_foreign_bridges();
        exchange->make_room();
    }
    for (const auto& [endpoint, standing] : kept)
        if (topology_->endpoints[endpoint].media) exchange_of(endpoint)->restore(endpoint, standing, now);
    for (std::uint32_t endpoint = 0; endpoint < topology_->endpoints.size(); ++endpoint)
        if (media::Endpoint* media = topology_->endpoints[endpoint].media)
            media->set_worker(workers_[topology_->endpoints[endpoint].channel]);
    // Rules, bridges and listeners may all have changed under those who talk.
    for (Exchange* exchange : exchanges_) exchange->decide_all_again(now);
    return std::move(change.topology);
}

void Switchboard::move(const Move& move, core::Time now) {
    exchanges_[move.to]->adopt(*exchanges_[move.from], move.channels, now);
    for (const std::uint32_t channel : move.channels) {
        assert(workers_[channel] == move.from);
        workers_[channel] = move.to;
        for (const std::uint32_t endpoint : topology_->channels[channel].endpoints)
            topology_->endpoints[endpoint].media->set_worker(move.to);
    }
}

// First all of them fall silent and deaf, so that nothing below lets one that is going in again.
void Exchange::let_go(std::span<const std::uint32_t> endpoints, std::span<const std::uint32_t> channels,
                      std::span<const std::uint32_t> bridges, core::Time now) {
    const auto each_of_ours = [&](auto&& act_on) {
        for (const std::uint32_t endpoint : endpoints)
            if (minds_endpoint(endpoint)) act_on(endpoint);
    };
    each_of_ours([&](std::uint32_t endpoint) { endpoints_[endpoint] = {.standing = Standing::Disabled}; });
    each_of_ours([&](std::uint32_t endpoint) {
        arbiter_.remove_participant(endpoint, now, decisions_);
        act(now);
    });
    each_of_ours([&](std::uint32_t endpoint) {
        tones_.stop(endpoint);
        set_listening(endpoint, false, now);
        if (plan(endpoint).vox) plan(endpoint).vox->clear();
        if (plan(endpoint).pre_roll) plan(endpoint).pre_roll->clear();
        keys_.set(endpoint, core::kNever);
    });
    for (const std::uint32_t bridge : bridges) open_[bridge] = armed_[bridge] = false;
    for (const std::uint32_t channel : channels)
        if (channel < labels_.size()) labels_[channel].reset();
    for (const std::uint32_t channel : channels) {
        if (!minds(channel)) continue;
        arbiter_.remove_channel(channel, now, decisions_);
        act(now);
    }
}

void Exchange::use(const Topology& topology) {
    topology_ = &topology;
    channels_.resize(std::max(channels_.size(), topology.channels.size()));
    mine_.resize(channels_.size(), false);
    endpoints_.resize(std::max(endpoints_.size(), topology.endpoints.size()));
    open_.resize(std::max(open_.size(), topology.bridges.size()), false);
    armed_.resize(open_.size(), false);
    unsaid_.reserve(kMostUnsaid);
    marked_.reserve(endpoints_.size());
    keys_.grow(endpoints_.size());
    duals_.resize(channels_.size());
    talking_.reserve(2 * channels_.size());
    mixing_.reserve(channels_.size());
    follow_.reserve(channels_.size());
}

void Exchange::mind(std::uint32_t channel, std::unique_ptr<media::Talkspurt> talkspurt) {
    mine_[channel] = true;
    channels_[channel] = {};
    channels_[channel].talkspurt = std::move(talkspurt);
}

// A channel that could do so before keeps what it has: somebody may talk in it.
void Exchange::let_two_be_heard(std::uint32_t channel, DualMedia& dual) {
    if (duals_[channel]) return;
    duals_[channel] = std::make_unique<Dual>();
    duals_[channel]->second.talkspurt = std::move(dual.talkspurt);
    duals_[channel]->mixer = std::move(dual.mixer);
    duals_[channel]->mixer->move_to(path_);
    duals_[channel]->second.talkspurt->move_to(path_);
}

// What is open here has all of its channels here.
void Exchange::close_foreign_bridges() {
    for (std::uint32_t bridge = 0; bridge < topology_->bridges.size(); ++bridge) {
        const auto& legs = topology_->bridges[bridge].legs;
        const auto is_ours = [this](const Topology::Leg& leg) { return minds(leg.channel); };
        if (open_[bridge] && !std::all_of(legs.begin(), legs.end(), is_ours)) open_[bridge] = false;
    }
}

void Exchange::make_room() {
    std::vector<floor::Settings> settings;
    for (std::uint32_t channel = 0; channel < topology_->channels.size(); ++channel) {
        settings.push_back(topology_->channels[channel].floor);
        if (!mine_[channel]) continue;
        std::size_t legs = 0;
        for (const std::uint32_t bridge : topology_->channels[channel].bridges)
            legs += topology_->bridges[bridge].legs.size();
        const auto reserve = [&](ChannelState& state) {
            state.far.reserve(std::min(legs, far_.capacity()));
            state.talkspurt->reserve(topology_->channels[channel].reach);
        };
        reserve(channels_[channel]);
        if (Dual* dual = duals_[channel].get()) {
            reserve(dual->second);
            dual->mixer->reserve(topology_->channels[channel].endpoints.size());
        }
        for (const std::uint32_t endpoint : topology_->channels[channel].messaged)
            plan(endpoint).floor_messages->set_queueing(settings.back().queue > 0);
        for (const std::uint32_t endpoint : topology_->channels[channel].on_air)
            keys_.set(endpoint, plan(endpoint).ed137->next_deadline());
    }
    arbiter_.configure({.channels = settings,
                        .participants = topology_->endpoints.size(),
                        .arbiters = seat_.of,
                        .number = seat_.number});
}

void Exchange::restore(std::uint32_t endpoint, Standing standing, core::Time now) {
    endpoints_[endpoint].standing = standing;
    if (standing == Standing::Enabled) return;
    arbiter_.set_standing(endpoint, floor::Standing::Disabled, now, decisions_);
    act(now);
}

void Exchange::decide_all_again(core::Time now) {
    for (std::size_t i = talking_.size(); i-- > 0;)
        if (i < talking_.size()) decide_again(channel_at(talking_[i]), now);
}

// No press goes along in part: who is at home on `channels` leaves all others, and everybody else leaves them. As a rule
// the closing of the bridge has seen to that.
void Exchange::cut_loose(std::span<const std::uint32_t> channels, std::span<const std::uint32_t> people,
                         core::Time now) {
    std::vector<bool> moves(channels_.size());
    std::vector<bool> comes(endpoints_.size());
    for (const std::uint32_t channel : channels) moves[channel] = true;
    for (const std::uint32_t endpoint : people) comes[endpoint] = true;
    std::vector<floor::ChannelIndex> touched(2 * floor::Arbiter::kMaxFar + 2);
    for (std::uint32_t who = 0; who < endpoints_.size(); ++who) {
        if (!minds_endpoint(who) || !arbiter_.own_channel(who)) continue;
        const std::size_t held = arbiter_.held(who, touched);
        const std::size_t count = held + arbiter_.missing(who, std::span{touched}.subspan(held));
        for (std::size_t i = 0; i < count; ++i) {
            if (moves[touched[i]] == comes[who]) continue;
            arbiter_.leave(who, touched[i], floor::Cause::BridgeClosed, now, decisions_);
            act(now);
        }
    }
}

void Exchange::adopt(Exchange& from, std::span<const std::uint32_t> channels, core::Time now) {
    from.act(now);
    act(now);
    std::vector<std::uint32_t> people;
    for (const std::uint32_t channel : channels)
        for (const std::uint32_t endpoint : topology_->channels[channel].endpoints)
            people.push_back(endpoint);
    from.cut_loose(channels, people, now);
    arbiter_.adopt(from.arbiter_, channels, people);
    // An open bridge has all of its channels here now, a closed one is nobody's.
    for (const std::uint32_t channel : channels)
        for (const std::uint32_t bridge : topology_->channels[channel].bridges)
            if (from.open_[bridge]) open_[bridge] = true;
    for (const std::uint32_t channel : channels)
        for (const std::uint32_t bridge : topology_->channels[channel].bridges) from.open_[bridge] = false;
    for (const std::uint32_t channel : channels) {
        const auto adopt = [&](ChannelState& state, ChannelState& theirs, std::uint32_t place) {
            const std::uint64_t load = theirs.load;
            from.set_load(theirs, 0);
            state = std::exchange(theirs, {});
            set_load(state, load);
            state.talkspurt->move_to(path_);
            if (state.talker == kNowhere) return;
            set_talking(place, true);
            from.set_talking(place, false);
        };
        adopt(channels_[channel], from.channels_[channel], channel);
        if (from.duals_[channel]) {
            duals_[channel] = std::make_unique<Dual>();
            adopt(duals_[channel]->second, from.duals_[channel]->second, channel | kSecond);
            duals_[channel]->mixer = std::move(from.duals_[channel]->mixer);
            duals_[channel]->mixer->move_to(path_);
            from.duals_[channel].reset();
            if (std::erase(from.mixing_, channel) > 0) mixing_.push_back(channel);
        }
        mine_[channel] = true;
        from.mine_[channel] = false;
    }
    // One that was opened behind control's back may have been torn apart.
    close_foreign_bridges();
    for (const std::uint32_t endpoint : people) {
        endpoints_[endpoint] = std::exchange(from.endpoints_[endpoint], {});
        tones_.adopt(endpoint, from.tones_);
        keys_.set(endpoint, from.keys_.when(endpoint));
        from.keys_.set(endpoint, core::kNever);
    }
}

}  // namespace crosspatch::bridge
