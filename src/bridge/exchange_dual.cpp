// Two talkers on one channel (`override: both_heard`): who hears one of them, and who their sum. exchange.hpp.
#include <algorithm>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {

const Exchange::ChannelState& Exchange::home(std::uint32_t endpoint) const {
    const std::uint32_t channel = plan(endpoint).channel;
    const Dual* dual = duals_[channel].get();
    return dual && dual->second.talker == endpoint ? dual->second : channels_[channel];
}

Exchange::ChannelState& Exchange::talk_at(std::uint32_t place) {
    return place & kSecond ? duals_[channel_at(place)]->second : channels_[place];
}

std::uint32_t Exchange::place_of(const ChannelState& state, std::uint32_t channel) const {
    return &state == &channels_[channel] ? channel : channel | kSecond;
}

// His talkspurt, while it runs.
Exchange::ChannelState* Exchange::talk_of(std::optional<std::uint32_t> talker) {
    if (!talker) return nullptr;
    ChannelState& state = home(*talker);
    return state.talker == *talker && state.talkspurt->running() ? &state : nullptr;
}

// How the endpoint is to hear it through its channel; nothing if it may not. On the talker's own channel: as it is.
std::optional<media::Treatment> Exchange::treatment_for(std::uint32_t endpoint, const ChannelState& state,
                                                        std::uint32_t channel) const {
    if (channel == plan(state.talker).channel)
        return may_listen(endpoint, state.talker, policy::SuiteSet::all()) ? std::optional{media::Treatment{}}
                                                                           : std::nullopt;
    const Far* far = far_of(state.talker, channel);
    const bool heard =
        far && arbiter_.holds(state.talker, channel) && may_listen(endpoint, state.talker, far->suites);
    return heard ? std::optional{far->treatment(plan(endpoint).suite)} : std::nullopt;
}

// What is said into the sum comes out of it for everybody who hears it, some of it after the talker has ended. So nobody is
// in it whom anybody there, now or later, is to hear without signalling tones.
bool Exchange::may_be_mixed(const ChannelState& state, std::uint32_t channel) const {
    const Far* far = far_of(state.talker, channel);
    return !far || far->stripped.empty();
}

// Who may hear both, as loud as they are in the sum. A talker hears the other one alone.
bool Exchange::hears_sum(std::uint32_t endpoint, std::uint32_t channel) {
    const Dual* dual = duals_[channel].get();
    if (!dual || !dual->mixer->running()) return false;
    // What is left of who has just ended is not for somebody who could not hear him.
    const auto is_he = [&](const media::Listener& one) { return one.endpoint->index() == endpoint; };
    if (dual->mixer->has_remains() && std::ranges::none_of(dual->mixer->mixed().listeners(), is_he))
        return false;
    bool any = false;
    for (const auto talker : {arbiter_.holder(channel), arbiter_.beside(channel)}) {
        const ChannelState* state = talk_of(talker);
        if (!state) continue;
        const auto treatment = treatment_for(endpoint, *state, channel);
        if (!treatment || treatment->strip_tones ||
            dual->mixer->gain_db(*state->talkspurt) != treatment->gain_db)
            return false;
        any = true;
    }
    return any;
}

// One stream cannot carry two that are not mixed: then it is who overrides.
bool Exchange::hears_alone(std::uint32_t endpoint, const ChannelState& state, std::uint32_t channel) {
    if (!treatment_for(endpoint, state, channel)) return false;
    if (!duals_[channel]) return true;
    if (hears_sum(endpoint, channel)) return false;
    const ChannelState* beside = talk_of(arbiter_.beside(channel));
    return !beside || beside == &state || !treatment_for(endpoint, *beside, channel);
}

// Who talks on the channel has changed, or who listens. From the second talker on until nobody talks any more it is the
// sum that is heard: what waits in it of one talker is not lost when the other ends.
void Exchange::mix(std::uint32_t channel, core::Time now) {
    Dual* dual = duals_[channel].get();
    if (!dual) return;
    const std::array talks{talk_of(arbiter_.holder(channel)), talk_of(arbiter_.beside(channel))};
    media::Mixer& mixer = *dual->mixer;
    if (talks[0] && talks[1] && !mixer.running()) {
        mixer.start(now);
        mixing_.push_back(channel);
    }
    if (mixer.running() && !talks[0] && !talks[1]) {
        mixer.finish(now);
        std::erase(mixing_, channel);
    }
    if (mixer.running()) seat(channel, talks);
    for (ChannelState* talk : talks)
        if (talk) refresh_listeners(*talk, now);
    if (mixer.running()) refresh_sum(channel, now);
}

void Exchange::mix_all(core::Time now) {
    for (std::size_t i = mixing_.size(); i-- > 0;)
        if (i < mixing_.size()) mix(mixing_[i], now);
}

// As loud as the first may hear it who hears both; who may hear it otherwise is not in the sum.
void Exchange::seat(std::uint32_t channel, std::span<ChannelState* const> talks) {
    media::Mixer& mixer = *duals_[channel]->mixer;
    mixer.dismiss_if([&](const media::Talkspurt& heard) {
        return std::ranges::none_of(talks, [&](const ChannelState* talk) {
            return talk && talk->talkspurt.get() == &heard && may_be_mixed(*talk, channel);
        });
    });
    for (ChannelState* talk : talks) {
        if (!talk || !may_be_mixed(*talk, channel)) continue;
        std::optional<media::Treatment> first;
        for (const std::uint32_t endpoint : topology_->channels[channel].endpoints)
            if (!first && !arbiter_.holds(endpoint, channel)) first = treatment_for(endpoint, *talk, channel);
        const double wanted = first ? first->gain_db : 0;
        if (mixer.gain_db(*talk->talkspurt) == wanted) continue;
        mixer.dismiss(*talk->talkspurt);
        mixer.admit(*talk->talkspurt, wanted);
    }
}

// Its packets, and what its listeners' streams ask to have reserved.
void Exchange::tend_sum(Dual& dual, core::Time now) {
    dual.mixer->advance(now);
    if (now < dual.wishes_at) return;
    dual.wishes_at = now + kWishes;
    for (const media::Listener& one : dual.mixer->mixed().listeners()) wish_to_send(*one.endpoint, now);
}

void Exchange::refresh_sum(std::uint32_t channel, core::Time now) {
    media::Talkspurt& sum = duals_[channel]->mixer->mixed();
    const auto gone = [&](const media::Listener& listener) {
        const std::uint32_t index = listener.endpoint->index();
        return plan(index).media != listener.endpoint || !hears_sum(index, channel);
    };
    const auto all = sum.listeners();
    const auto leaves = [&](const media::Listener& listener) {
        return &listener >= all.data() && &listener < all.data() + all.size() && gone(listener);
    };
    for (const auto talker : {arbiter_.holder(channel), arbiter_.beside(channel)})
        if (const ChannelState* talk = talk_of(talker)) tell_listeners(*talk, leaves, now);
    marked_.assign(endpoints_.size(), false);
    sum.remove_if([&](const media::Listener& listener) {
        marked_[listener.endpoint->index()] = !gone(listener);
        return gone(listener);
    });
    for (const std::uint32_t endpoint : topology_->channels[channel].endpoints)
        if (!marked_[endpoint] && hears_sum(endpoint, channel)) sum.add(*plan(endpoint).media, channel, 0);
    sum.arrange(now);
}

// It is over: nobody hears it as a part of a sum any more.
void Exchange::unseat(const ChannelState& state) {
    for (const std::uint32_t channel : mixing_) duals_[channel]->mixer->dismiss(*state.talkspurt);
}

// The radio has been sent a packet beside what it hears.
void Exchange::make_way(std::uint32_t who) {
    const std::uint32_t channel = plan(who).channel;
    for (const auto talker : {arbiter_.holder(channel), arbiter_.beside(channel)})
        if (ChannelState* talk = talk_of(talker)) talk->talkspurt->make_way(*plan(who).media);
    if (duals_[channel]) duals_[channel]->mixer->mixed().make_way(*plan(who).media);
}

// Whom people on its channel hear: of two, who overrides.
std::optional<std::uint32_t> Exchange::heard_talker(std::uint32_t who) const {
    const std::uint32_t channel = plan(who).channel;
    const auto beside = arbiter_.beside(channel);
    return beside && *beside != who ? beside : arbiter_.holder(channel);
}

}  // namespace crosspatch::bridge
