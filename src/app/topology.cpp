// From names to indices: make_topology() and codec_needs() of plan.hpp.
#include <algorithm>
#include <set>

#include "crosspatch/app/plan.hpp"
#include "crosspatch/codec/rates.hpp"

namespace crosspatch::app {
namespace {

constexpr std::size_t kSpare = 2;  // of each format, for each worker

policy::Suite policy_suite(rtp::Suite suite) {
    switch (suite) {
        case rtp::Suite::Aes256Gcm:
            return policy::Suite::AeadAes256Gcm;
        case rtp::Suite::Aes128Gcm:
            return policy::Suite::AeadAes128Gcm;
        case rtp::Suite::AesCm128HmacSha1_80:
            return policy::Suite::AesCm128HmacSha1_80;
        case rtp::Suite::None:
            break;
    }
    return policy::Suite::None;
}

floor::Signal signal_of(endpoint::Signal signal) {
    switch (signal) {
        case endpoint::Signal::Vox:
            return floor::Signal::Vox;
        case endpoint::Signal::Event:
        case endpoint::Signal::Ed137:
            return floor::Signal::Key;
        case endpoint::Signal::Mcptt:
            return floor::Signal::Explicit;
        case endpoint::Signal::Media:
            break;
    }
    return floor::Signal::Media;
}

void add_endpoints(bridge::Topology& topology, const Config& config, Estate& estate,
                   const std::map<std::uint32_t, const Radio*>& radios) {
    using bridge::Direction;
    for (const auto& [index, radio] : radios) {
        const endpoint::Settings& settings = radio->settings;
        bridge::Topology::Endpoint& endpoint = topology.endpoints[index];
        endpoint.media = radio->media.get();
        endpoint.channel = estate.channels.of(settings.channel);
        endpoint.talker = config.names->intern(settings.talker.id);
        endpoint.role = config.names->intern(settings.talker.role);
        endpoint.suite = policy_suite(settings.suite);
        endpoint.signal = signal_of(settings.signal);
        endpoint.talks = settings.direction != Direction::Listen;
        endpoint.listens = settings.direction != Direction::Talk;
        endpoint.reports = settings.rtcp != endpoint::Rtcp::Off;
        endpoint.half_duplex = settings.half_duplex;
        endpoint.tones = radio->tones;
        endpoint.vox = radio->vox;
        endpoint.floor_messages = radio->floor_messages;
        endpoint.event_key = radio->event_key;
        endpoint.pre_roll = radio->pre_roll;
        endpoint.ed137 = radio->ed137;
        endpoint.identity = radio->identity;
        endpoint.talker_id = settings.talker.id;
        endpoint.may_emergency = settings.talker.may_emergency;
        endpoint.may_imminent_peril = settings.talker.may_imminent_peril;
        endpoint.may_broadcast = settings.talker.may_broadcast;
        bridge::Topology::Channel& channel = topology.channels[endpoint.channel];
        // contract.md, Sources: without SRTP nobody claims a priority.
        const bool may_claim = settings.suite != rtp::Suite::None;
        endpoint.priority =
            may_claim ? settings.talker.priority.value_or(channel.floor.priority) : channel.floor.priority;
        channel.endpoints.push_back(index);
        // What VOX takes for a carrier has a voice in it.
        if (channel.floor.dead_carrier.count() > 0 && endpoint.talks && !endpoint.vox)
            endpoint.carrier = estate.carriers.watch(index, settings.format, channel.floor.dead_carrier);
        if (endpoint.floor_messages) channel.messaged.push_back(index);
        if (endpoint.ed137) channel.on_air.push_back(index);
        if (endpoint.listens) channel.suites.insert(endpoint.suite);
    }
}

// Whom jurisdiction keeps from taking the floor: nobody, where no rule speaks of that.
std::vector<bridge::Topology::Barred> barred_on(const bridge::Bridge& bridge, policy::Names& names) {
    std::vector<bridge::Topology::Barred> barred;
    if (bridge.jurisdiction.rules().empty()) return barred;
    for (const std::string& agency : bridge.agencies)
        for (const std::string_view role : policy::kRoles)
            for (const bool emergency : {false, true})
                if (!bridge.jurisdiction
                         .decide(emergency ? bridge::Right::Emergency : bridge::Right::Preempt, agency, role)
                         .allowed)
                    barred.push_back({names.intern(agency), names.intern(role), emergency});
    return barred;
}

void add_paths(bridge::Topology& topology, const Config& config, const Estate& estate) {
    for (const endpoint::Config& one : config.endpoints)
        if (const auto index = estate.endpoints.find(one.settings.id); index && !one.shared_path.empty())
            topology.endpoints[*index].shared = true;
}

void add_bridges(bridge::Topology& topology, const Config& config, Estate& estate) {
    using bridge::Direction;
    const auto intern = [&](const std::vector<std::string>& names) {
        std::vector<policy::NameId> ids;
        for (const std::string& name : names) ids.push_back(config.names->intern(name));
        return ids;
    };
    for (const bridge::Bridge& from : config.bridges) {
        const std::uint32_t index = estate.bridges.of(from.id);
        bridge::Topology::Bridge& bridge = topology.bridges[index];
        bridge.when_busy = from.when_busy;
        bridge.sensitivity = from.sensitivity;
        bridge.barred = barred_on(from, *config.names);
        for (const bridge::Leg& leg : from.legs) {
            const std::uint32_t channel = estate.channels.of(leg.channel);
            bridge.legs.push_back(
                {channel, leg.direction != Direction::Listen, leg.direction != Direction::Talk, leg.gain_db});
            topology.channels[channel].bridges.push_back(index);
        }
        for (const auto& ceiling : from.ceilings)
            bridge.ceilings.push_back({config.names->intern(ceiling.agency), ceiling.most});
        for (const bridge::Preemption& rule : from.preemption)
            bridge.preemption.push_back({intern(rule.roles), config.names->intern(rule.agency),
                                         config.names->intern(rule.over_agency), intern(rule.over_roles),
                                         rule.emergency});
    }
}

bool any_rule(const policy::RuleList& list, bool (*does)(const policy::Effects&)) {
    return std::any_of(list.rules.begin(), list.rules.end(),
                       [&](const policy::Rule& rule) { return does(rule.effects); });
}
bool strips(const policy::RuleList& list) {
    return any_rule(list, [](const policy::Effects& effects) { return effects.strip_tones; });
}
bool changes_sound(const policy::RuleList& list) {
    return any_rule(list, [](const policy::Effects& effects) {
        return effects.gain_db != 0 || effects.strip_tones || effects.announce;
    });
}

// Only where a rule announces: marks are large.
void add_marks(bridge::Topology& topology, const Config& config, Estate& estate) {
    const auto announces = [](const policy::RuleList& list) {
        return any_rule(list, [](const policy::Effects& effects) { return effects.announce; });
    };
    const bool any = std::any_of(config.channels.begin(), config.channels.end(), [&](const auto& channel) {
        return announces(channel.outbound) || announces(channel.inbound);
    });
    if (!any) return;
    for (const bridge::Channel& from : config.channels) {
        const auto agency = std::find_if(config.agencies.begin(), config.agencies.end(),
                                         [&](const auto& one) { return one.id == from.agency; });
        const auto place = static_cast<std::size_t>(agency - config.agencies.begin());
        bridge::Topology::Channel& channel = topology.channels[estate.channels.of(from.id)];
        channel.mark = &estate.tones.mark(place, true);
        channel.clear_mark = &estate.tones.mark(place, false);
    }
}

// The channels whose listeners may hear a talker on `channel`, itself first, all its bridges open.
std::vector<std::pair<std::uint32_t, double>> reached(const bridge::Topology& topology,
                                                      std::uint32_t channel) {
    std::vector<std::pair<std::uint32_t, double>> found{{channel, 0}};
    for (const std::uint32_t bridge : topology.channels[channel].bridges) {
        const auto& legs = topology.bridges[bridge].legs;
        const auto own =
            std::find_if(legs.begin(), legs.end(), [&](const auto& leg) { return leg.channel == channel; });
        if (own == legs.end() || !own->talks) continue;
        for (const auto& leg : legs)
            if (leg.channel != channel && leg.listens) found.emplace_back(leg.channel, leg.gain_db);
    }
    return found;
}

struct GroupKey {
    codec::Format format;
    std::chrono::milliseconds ptime;
    bool pace;
    policy::Suite suite;  // where the channel's own rules treat the sound: each suite may fall under another
    bool operator==(const GroupKey&) const = default;
};

// For Admission: what it takes to carry a talkspurt, put together at the press from its channels.
class LoadBook {
public:
    LoadBook(bridge::Topology& topology, media::PacketCosts& costs) : topology_{topology}, costs_{costs} {}

    void fill() {
        for (bridge::Topology::Endpoint& endpoint : topology_.endpoints)
            if (endpoint.media && endpoint.talks) endpoint.talks_in = number_of(endpoint.media->format());
        for (bridge::Topology::Channel& channel : topology_.channels) fill(channel);
    }

private:
    struct Kind {
        codec::Format format;
        std::chrono::milliseconds ptime;
        bool pace;
        std::uint32_t rate;
        bool operator==(const Kind&) const = default;
    };

    template <typename T>
    static std::uint8_t last_or(const std::vector<T>& all, const T& one) {
        const auto found = std::find(all.begin(), all.end(), one);
        return static_cast<std::uint8_t>(std::min<std::size_t>(static_cast<std::size_t>(found - all.begin()),
                                                               bridge::Topology::Loads::kMost - 1));
    }
    static std::uint32_t per_second(std::uint64_t nanoseconds, std::chrono::milliseconds ptime) {
        return static_cast<std::uint32_t>(nanoseconds / static_cast<std::uint64_t>(ptime.count()));
    }

    std::uint8_t number_of(const codec::Format& format) {
        const std::uint8_t number = last_or(formats_, format);
        if (number < formats_.size()) return number;
        formats_.push_back(format);
        topology_.loads.decoding.push_back(
            per_second(costs_.decode(format, codec::decode_rate(format, format)), kPacket));
        return number;
    }

    std::uint8_t number_of(const Kind& kind) {
        const std::uint8_t number = last_or(kinds_, kind);
        if (number < kinds_.size()) return number;
        kinds_.push_back(kind);
        topology_.loads.encoding.push_back(per_second(costs_.encode(kind.format, kind.rate), kPacket));
        return number;
    }

    void fill(bridge::Topology::Channel& channel) {
        channel.groups.resize(formats_.size());
        for (const std::uint32_t index : channel.messaged)
            channel.telling += costs_.packet(topology_.endpoints[index].media->sink.srtp().suite());
        for (const std::uint32_t index : channel.endpoints) {
            const bridge::Topology::Endpoint& endpoint = topology_.endpoints[index];
            if (!endpoint.listens) continue;
            const media::Sink::Settings& sink = endpoint.media->sink.settings();
            channel.listening += per_second(costs_.packet(endpoint.media->sink.srtp().suite()), sink.ptime);
            for (std::size_t talker = 0; talker < formats_.size(); ++talker) {
                if (codec::same_payload(formats_[talker], sink.format)) continue;
                const std::uint32_t rate = codec::working_rates(formats_[talker], sink.format).encode;
                channel.groups[talker] |= std::uint64_t{1}
                                          << number_of(Kind{sink.format, sink.ptime, sink.pace, rate});
            }
        }
    }

    static constexpr std::chrono::milliseconds kPacket{20};  // what the costs are of
    bridge::Topology& topology_;
    media::PacketCosts& costs_;
    std::vector<codec::Format> formats_;
    std::vector<Kind> kinds_;
};

}  // namespace

std::unique_ptr<bridge::Topology> make_topology(std::shared_ptr<const Config> config, Estate& estate,
                                                const std::map<std::uint32_t, const Radio*>& radios) {
    auto topology = std::make_unique<bridge::Topology>();
    for (const bridge::Channel& channel : config->channels) estate.channels.of(channel.id);
    for (const bridge::Bridge& bridge : config->bridges) estate.bridges.of(bridge.id);
    topology->endpoints.resize(estate.endpoints.size());
    topology->channels.resize(estate.channels.size());
    topology->bridges.resize(estate.bridges.size());
    for (const bridge::Channel& from : config->channels) {
        bridge::Topology::Channel& channel = topology->channels[estate.channels.of(from.id)];
        channel.id = config->names->intern(from.id);
        channel.agency = config->names->intern(from.agency);
        channel.agency_id = from.agency;
        channel.sensitivity = from.sensitivity;
        channel.floor = from.floor;
        channel.outbound = &from.outbound;
        channel.inbound = &from.inbound;
    }
    add_endpoints(*topology, *config, estate, radios);
    add_paths(*topology, *config, estate);
    add_bridges(*topology, *config, estate);
    add_marks(*topology, *config, estate);
    for (std::uint32_t channel = 0; channel < topology->channels.size(); ++channel)
        for (const auto& [far, gain] : reached(*topology, channel))
            topology->channels[channel].reach += topology->channels[far].endpoints.size();
    LoadBook{*topology, estate.costs}.fill();
    topology->configuration = std::move(config);
    return topology;
}

// Where two are heard at once, on top: the sum's encoders, and for each of the two talkers a decoder for it and what the
// other one hears of him.
void add_dual(const bridge::Topology& topology, std::uint32_t channel, media::CodecPool::Needs& needs) {
    const codec::Format sum = codec::l16(media::MixInput::kRate);
    std::vector<GroupKey> groups;
    std::vector<codec::Format> talkers;
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    std::set<std::uint32_t> rates;
    const auto add_pair = [&](const codec::Rates& rates_of) {
        if (rates_of.resampled()) pairs.emplace(rates_of.decode, rates_of.encode);
    };
    const auto add_talkers = [&](std::uint32_t from) {
        for (const std::uint32_t index : topology.channels[from].endpoints)
            if (const auto& endpoint = topology.endpoints[index];
                endpoint.talks && std::ranges::find(talkers, endpoint.media->format()) == talkers.end())
                talkers.push_back(endpoint.media->format());
    };
    const bool by_suite = changes_sound(*topology.channels[channel].inbound);
    std::set<std::uint32_t> near{channel};
    for (const std::uint32_t bridge : topology.channels[channel].bridges)
        for (const auto& leg : topology.bridges[bridge].legs) near.insert(leg.channel);
    for (const std::uint32_t from : near) {
        const auto everywhere = reached(topology, from);
        if (std::ranges::any_of(everywhere, [&](const auto& heard_on) { return heard_on.first == channel; }))
            add_talkers(from);
    }
    for (const std::uint32_t index : topology.channels[channel].endpoints) {
        if (!topology.endpoints[index].listens) continue;
        const auto& sink = topology.endpoints[index].media->sink.settings();
        const GroupKey key{sink.format, sink.ptime, sink.pace,
                           by_suite ? topology.endpoints[index].suite : policy::Suite::None};
        if (std::ranges::find(groups, key) == groups.end()) groups.push_back(key);
        add_pair(codec::working_rates(sum, sink.format));
        rates.insert(codec::decode_rate(sum, sink.format));
    }
    for (const GroupKey& key : groups) needs.encoder(key.format, 3);  // of the sum, and of each of the two
    needs.decoder(sum, rates.size());
    for (const codec::Format& talker : talkers) {
        needs.decoder(talker, 4);
        add_pair(codec::working_rates(talker, sum));
    }
    for (const auto& [from, to] : pairs) needs.resampler(from, to, 2);
}

// A channel's listeners hear one talkspurt at a time, so a channel needs at most one encoder for each distinct group
// of its own listeners that some talker cannot be relayed to, and a talkspurt one decoder for each working rate.
CodecNeeds codec_needs(const bridge::Topology& topology) {
    CodecNeeds needs;
    needs.channels.resize(topology.channels.size());
    std::vector<std::vector<GroupKey>> to_encode(topology.channels.size());
    std::vector<bool> stripped(topology.channels.size());
    std::vector<codec::Format> spare;
    for (std::uint32_t home = 0; home < topology.channels.size(); ++home) {
        const auto everywhere = reached(topology, home);
        std::vector<codec::Format> talkers;
        for (const std::uint32_t index : topology.channels[home].endpoints)
            if (topology.endpoints[index].talks)
                if (const auto& format = topology.endpoints[index].media->format();
                    std::find(talkers.begin(), talkers.end(), format) == talkers.end())
                    talkers.push_back(format);
        for (const codec::Format& talker : talkers) {
            std::set<std::uint32_t> rates;
            std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
            for (const auto& [channel, gain] : everywhere)
                for (const std::uint32_t index : topology.channels[channel].endpoints) {
                    const auto& endpoint = topology.endpoints[index];
                    const auto& sink = endpoint.media->sink.settings();
                    const bool cheap = talker.kind != codec::Kind::Opus && talker.kind != codec::Kind::Codec2;
                    // Relayed as a rule; a packet longer than the listener's ptime is split, which cheap codecs always may.
                    const bool by_suite = changes_sound(*topology.channels[channel].inbound);
                    const bool as_it_is =
                        gain == 0 &&
                        (channel == home || !(changes_sound(*topology.channels[home].outbound) || by_suite));
                    if (!endpoint.listens || (as_it_is && codec::same_payload(talker, sink.format) && !cheap))
                        continue;
                    const codec::Rates working = codec::working_rates(talker, sink.format);
                    rates.insert(working.decode);
                    if (working.resampled()) pairs.emplace(working.decode, working.encode);
                    auto& groups = to_encode[channel];
                    const GroupKey key{sink.format, sink.ptime, sink.pace,
                                       by_suite ? endpoint.suite : policy::Suite::None};
                    if (std::find(groups.begin(), groups.end(), key) == groups.end()) groups.push_back(key);
                    if (channel != home && (strips(*topology.channels[home].outbound) ||
                                            strips(*topology.channels[channel].inbound)))
                        stripped[channel] = true;
                }
            needs.channels[home].decoder(talker, rates.size());
            for (const auto& [from, to] : pairs) needs.channels[home].resampler(from, to);
            if (std::find(spare.begin(), spare.end(), talker) == spare.end()) spare.push_back(talker);
        }
    }
    for (std::uint32_t channel = 0; channel < to_encode.size(); ++channel)
        for (const GroupKey& key : to_encode[channel]) {
            needs.channels[channel].encoder(key.format);
            const std::size_t talkers = topology.channels[channel].floor.both_heard ? 2 : 1;
            needs.channels[channel].strippers += stripped[channel] ? talkers : 0;
        }
    for (std::uint32_t channel = 0; channel < topology.channels.size(); ++channel)
        if (topology.channels[channel].floor.both_heard) add_dual(topology, channel, needs.channels[channel]);
    // For talkers whose packets are longer than their listeners', which no configuration tells.
    for (const codec::Format& format : spare) {
        needs.spare.encoder(format, kSpare);
        needs.spare.decoder(format, kSpare);
    }
    return needs;
}

}  // namespace crosspatch::app
