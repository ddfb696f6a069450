#include "crosspatch/endpoint/config.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

namespace crosspatch::endpoint {
namespace {

using core::config::Map;
using core::config::Node;
using core::config::Word;
using namespace std::chrono_literals;

constexpr std::uint8_t kOpusPayloadType = 111;
constexpr auto kTakenForRtcp = "64 to 95 are taken for RTCP (RFC 5761); use 96 to 127";
constexpr std::size_t kMostEndpoints = 10'000;

enum class Type { Rtp, NotYet };
constexpr std::array kTypes{
    Word{"rtp", static_cast<int>(Type::Rtp)},          Word{"audio", static_cast<int>(Type::NotYet)},
    Word{"usrp", static_cast<int>(Type::NotYet)},      Word{"svxreflector", static_cast<int>(Type::NotYet)},
    Word{"multicast", static_cast<int>(Type::NotYet)}, Word{"sip", static_cast<int>(Type::NotYet)},
    Word{"webrtc", static_cast<int>(Type::NotYet)},    Word{"link", static_cast<int>(Type::NotYet)}};
constexpr std::array kSignals{
    Word{"media", static_cast<int>(Signal::Media)}, Word{"vox", static_cast<int>(Signal::Vox)},
    Word{"event", static_cast<int>(Signal::Event)}, Word{"mcptt", static_cast<int>(Signal::Mcptt)},
    Word{"ed137", static_cast<int>(Signal::Ed137)}};
constexpr std::array kRoles{Word{"vcs", static_cast<int>(ptt::Ed137Role::Vcs)},
                            Word{"grs", static_cast<int>(ptt::Ed137Role::Grs)}};
constexpr std::array kRtcp{Word{"mux", static_cast<int>(Rtcp::Mux)},
                           Word{"next_port", static_cast<int>(Rtcp::NextPort)},
                           Word{"off", static_cast<int>(Rtcp::Off)}};

class EndpointReader {
public:
    EndpointReader(const Node& node, std::string channel) : node_{node}, map_{node.map()} {
        config_.settings.channel = std::move(channel);
        config_.mark = node.mark();
        config_.path = node.path();
    }

    std::optional<Config> read(const rtp::KeyPlace& keys) {
        if (!map_.present()) return std::nullopt;
        Settings& settings = config_.settings;
        if (const auto id = map_.require("id")) settings.id = core::config::identifier(*id).value_or("");
        if (!read_type()) return std::nullopt;
        read_addresses();
        read_codec();
        if (const auto direction = map_.find("direction"))
            settings.direction = bridge::read_direction(*direction).value_or(settings.direction);
        bool secured = false;
        if (const auto srtp = map_.require("srtp"))
            if (auto read = rtp::read_srtp(*srtp, keys)) {
                settings.suite = read->suite;
                config_.srtp = std::make_shared<const rtp::SrtpSettings>(std::move(*read));
                secured = true;
            }
        if (const auto ptt = map_.find("ptt")) read_ptt(*ptt);
        if (const auto half = map_.find("half_duplex"))
            settings.half_duplex = core::config::boolean(*half).value_or(false);
        settings.talker = {.id = settings.id, .may_emergency = settings.suite != rtp::Suite::None};
        if (const auto talker = map_.find("talker"))
            settings.talker = bridge::read_talker(*talker, settings.id, settings.suite != rtp::Suite::None);
        if (const auto path = map_.find("path"))
            config_.shared_path = core::config::identifier(*path).value_or("");
        if (const auto pace = map_.find("pace")) settings.pace = core::config::boolean(*pace).value_or(false);
        map_.finish();
        check();
        return secured && !settings.id.empty() ? std::optional{std::move(config_)} : std::nullopt;
    }

private:
    bool read_type() {
        const auto type = map_.require("type");
        if (!type) return false;
        const auto value = core::config::choice_of<Type>(*type, "type of endpoint", kTypes);
        if (value == Type::NotYet)
            type->problem("endpoints of this type are not in this version; it has rtp");
        return value == Type::Rtp;
    }

    void read_addresses() {
        Settings& settings = config_.settings;
        if (const auto remote = map_.require("remote")) {
            remote_ = *remote;
            if (const auto text = remote->kind() == Node::Kind::Scalar ? remote->text() : std::nullopt;
                text == "learn")
                learn_ = true;
            else if (const auto address = core::config::address(*remote))
                settings.remote = *address;
            if (settings.remote && (settings.remote.is_multicast() || settings.remote.is_unspecified()))
                remote->problem("is not the address of one radio");
        }
        if (const auto listen = map_.find("listen"))
            settings.listen = core::config::listen_address(*listen).value_or(core::Address{});
        if (const auto ssrc = map_.find("ssrc"))
            if (const auto value = core::config::integer(*ssrc, 1, 0xFFFFFFFFLL))
                settings.ssrc = static_cast<std::uint32_t>(*value);
        if (const auto rtcp = map_.find("rtcp")) {
            settings.rtcp =
                core::config::choice_of<Rtcp>(*rtcp, "way of RTCP", kRtcp).value_or(settings.rtcp);
            if (settings.rtcp == Rtcp::NextPort && !settings.listen)
                rtcp->problem(
                    "next_port needs a `listen` of its own: the shared media port carries RTCP itself (mux)");
            if (settings.rtcp == Rtcp::Off && learn_)
                rtcp->problem(
                    "with remote: learn RTCP must stay on, or a radio that only listens is never found");
        }
    }

    void read_codec() {
        Settings& settings = config_.settings;
        std::optional<codec::Format> format;
        if (const auto codec = map_.require("codec")) format = codec::read_format(*codec);
        const auto ptime = map_.find("ptime");
        if (ptime) settings.ptime = core::config::duration(*ptime, 10ms, 60ms).value_or(settings.ptime);
        const auto type = map_.find("payload_type");
        if (type)
            if (const auto value = core::config::integer(*type, 0, 127)) {
                settings.payload_type = static_cast<std::uint8_t>(*value);
                if (*value >= 64 && *value <= 95) type->problem(kTakenForRtcp);
            }
        if (!format) return;
        settings.format = *format;
        // Codec2 at the lower rates has frames of 40 ms: without a ptime it gets one of those.
        if (!ptime) settings.ptime = std::max<std::chrono::milliseconds>(20ms, format->frame());
        if (!ptime && format->kind == codec::Kind::L16 && format->rate == 48000) settings.ptime = 10ms;
        if (const auto fits = codec::check_ptime(*format, settings.ptime); !fits)
            (ptime ? *ptime : node_).problem(fits.error().context);
        if (type) return;
        if (const auto fixed = format->static_payload_type())
            settings.payload_type = *fixed;
        else if (format->kind == codec::Kind::Opus)
            settings.payload_type = kOpusPayloadType;
        else
            node_.problem(fmt::format("codec {} has no payload type of its own; add payload_type: 96 to 127",
                                      format->name()));
    }

    void read_ptt(const Node& ptt) {
        const auto signal = [&](const Node& node) {
            config_.settings.signal = core::config::choice_of<Signal>(node, "way of push-to-talk", kSignals)
                                          .value_or(Signal::Media);
            signal_ = node;
        };
        if (ptt.kind() != Node::Kind::Map) return signal(ptt);
        Map map = ptt.map();
        if (const auto node = map.require("signal")) signal(*node);
        if (config_.settings.signal == Signal::Mcptt) read_floor_port(map);
        if (config_.settings.signal == Signal::Event) read_event(map);
        if (config_.settings.signal == Signal::Ed137) read_ed137(map);
        if (const auto tones = map.find("tones")) {
            config_.settings.tones = bridge::read_tones(*tones);
            tones_ = tones;
        }
        if (const auto tone = map.find("deny_tone"); tone && core::config::boolean(*tone).value_or(false))
            config_.settings.tones.insert(bridge::TalkerTone::Denied);
        map.finish();
    }

    void read_floor_port(Map& map) {
        const auto port = map.find("port");
        if (!port) return;
        const Settings& settings = config_.settings;
        config_.settings.floor_port =
            static_cast<std::uint16_t>(core::config::integer(*port, 1, 65535).value_or(0));
        if (!settings.listen)
            port->problem(
                "a port of its own needs a `listen` of its own: leave it out, and floor messages come with "
                "RTCP");
        const int taken =
            settings.rtcp == Rtcp::NextPort ? settings.listen.port() + 1 : settings.listen.port();
        if (settings.listen && settings.floor_port >= settings.listen.port() && settings.floor_port <= taken)
            port->problem("is the endpoint's own `listen` or RTCP port; choose another one");
        if (settings.suite == rtp::Suite::None)
            port->problem(
                "needs SRTP: only a key vouches for who sends there; leave it out, and they come with RTCP");
    }

    void read_event(Map& map) {
        EventPtt& event = config_.settings.event;
        if (const auto number = map.find("event"))
            if (const auto value = core::config::integer(*number, 0, 255))
                event.event = static_cast<std::uint8_t>(*value);
        const auto type = map.find("payload_type");
        if (!type) return;
        const auto value = core::config::integer(*type, 0, 127);
        event.payload_type = static_cast<std::uint8_t>(value.value_or(event.payload_type));
        if (event.payload_type >= 64 && event.payload_type <= 95) type->problem(kTakenForRtcp);
    }

    void read_ed137(Map& map) {
        ptt::Ed137Settings& session = config_.settings.ed137;
        const auto number = [&](const char* key, std::int64_t least, std::int64_t most, std::uint8_t& into) {
            if (const auto node = map.find(key))
                if (const auto value = core::config::integer(*node, least, most))
                    into = static_cast<std::uint8_t>(*value);
        };
        if (const auto role = map.find("role"))
            session.role = core::config::choice_of<ptt::Ed137Role>(*role, "role of ours in ED-137", kRoles)
                               .value_or(session.role);
        if (const auto period = map.find("period"))
            session.period = core::config::duration(*period, 20ms, 1s).value_or(session.period);
        number("multiplier", 2, 50, session.multiplier);
        number("ptt_id", 0, rtp::ed137::kMaxPttId, session.ptt_id);
        number("ptt_rep", 0, 3, session.repeats);
    }

    void check() const {
        const Settings& settings = config_.settings;
        if (learn_ && settings.suite == rtp::Suite::None)
            remote_->problem("learn needs SRTP: without it anybody could become this radio");
        if (learn_ && !settings.listen && !settings.ssrc)
            remote_->problem(
                "learn needs a `listen` of its own or the radio's `ssrc`: on the shared media port nothing "
                "else tells "
                "endpoints apart");
        if (settings.rtcp == Rtcp::NextPort &&
            (settings.remote.port() == 65535 || settings.listen.port() == 65535))
            node_.problem("rtcp: next_port has no port after 65535; use a lower one or rtcp: mux");
        if (settings.signal == Signal::Mcptt && settings.rtcp == Rtcp::Off)
            signal_->problem("floor messages travel as RTCP: mcptt needs rtcp: mux or next_port");
        const auto shares_type = [&](std::uint8_t type, std::string_view what) {
            if (settings.payload_type == type)
                signal_->problem(fmt::format("payload type {} is the codec's already, and {}", type, what));
        };
        if (settings.signal == Signal::Event)
            shares_type(settings.event.payload_type, "events need one of their own: ptt: {payload_type: …}");
        if (settings.signal == Signal::Ed137)
            shares_type(rtp::ed137::kKeepAlive, "ED-137 has it for keep-alives; use another payload_type");
        const auto deaf = [&](bridge::TalkerTone tone) { return settings.tones.contains(tone); };
        if (settings.half_duplex && (deaf(bridge::TalkerTone::Granted) || deaf(bridge::TalkerTone::Warning)))
            tones_->problem(
                "a half_duplex radio hears nothing while it talks: leave out granted and warning");
        if (settings.remote && settings.remote == settings.listen)
            remote_->problem("is the endpoint's own `listen`: everything sent would come back");
        if (settings.remote && settings.listen && settings.remote.family() != settings.listen.family())
            remote_->problem("one of `remote` and `listen` is IPv4 and the other IPv6");
    }

    Node node_;
    Map map_;
    std::optional<Node> remote_;
    std::optional<Node> tones_;
    std::optional<Node> signal_;
    bool learn_{};
    Config config_;
};

}  // namespace

std::vector<rtp::KeyFingerprint> Config::fingerprints() const {
    std::vector<rtp::KeyFingerprint> all;
    for (const rtp::MasterKey& key : srtp->receive) all.push_back(key.fingerprint());
    if (srtp->send) all.push_back(srtp->send->fingerprint());
    return all;
}

std::vector<Config> read_endpoints(const Node& list, const std::string& channel, const rtp::KeyPlace& keys) {
    std::vector<Config> endpoints;
    const std::vector<Node> nodes = list.list();
    if (nodes.size() > kMostEndpoints)
        list.problem(fmt::format("more than {} endpoints on one channel", kMostEndpoints));
    for (const Node& node : nodes)
        if (auto config = EndpointReader{node, channel}.read(keys)) endpoints.push_back(std::move(*config));
    return endpoints;
}

namespace {

// Sound that is sent to a port of the gateway comes back as somebody who talks.
bool ends_at(const core::Address& remote, const core::Address& own) {
    if (!own || own.port() != remote.port()) return false;
    return own == remote || (own.is_unspecified() && remote.is_loopback());
}

void check_circles(const std::vector<Config>& endpoints, const core::Address& shared_port,
                   core::config::Problems& problems) {
    std::multimap<std::uint16_t, const Config*> own;
    for (const Config& config : endpoints)
        if (config.settings.listen) own.emplace(config.settings.listen.port(), &config);
    for (const Config& config : endpoints) {
        const core::Address& remote = config.settings.remote;
        if (!remote) continue;
        const auto circle = [&](const std::string& port) {
            problems.add(config.mark, config.path,
                         fmt::format("this `remote` is {}: what is sent there comes back as talk", port));
        };
        if (ends_at(remote, shared_port)) circle("the shared media port");
        const auto [first, last] = own.equal_range(remote.port());
        for (auto other = first; other != last; ++other)
            if (other->second != &config && ends_at(remote, other->second->settings.listen))
                circle(fmt::format("the `listen` of endpoint '{}'", other->second->settings.id));
    }
}

}  // namespace

void check_together(const std::vector<Config>& endpoints, const core::Address& shared_port,
                    core::config::Problems& problems) {
    std::map<std::string, const Config*> ids;
    std::map<core::Address, const Config*> ports;
    std::map<core::Address, const Config*> sources;
    std::map<std::uint32_t, const Config*> ssrcs;
    std::map<rtp::KeyFingerprint, const Config*> keys;
    const auto once = [&](auto& seen, const auto& key, const Config& config, std::string_view what,
                          std::string_view help) {
        const auto [first, added] = seen.emplace(key, &config);
        if (!added && first->second != &config)
            problems.add(config.mark, config.path,
                         fmt::format("{} is that of endpoint '{}' in line {} already; {}", what,
                                     first->second->settings.id, first->second->mark.line, help));
    };
    check_circles(endpoints, shared_port, problems);
    for (const Config& config : endpoints) {
        const Settings& settings = config.settings;
        once(ids, settings.id, config, fmt::format("id '{}'", settings.id),
             "ids are unique in the whole file");
        if (settings.listen && settings.listen.port() != 0) {
            once(ports, settings.listen, config, "this `listen`",
                 "each endpoint with a port of its own needs another");
            if (settings.rtcp == Rtcp::NextPort)
                once(ports, settings.listen.with_port(static_cast<std::uint16_t>(settings.listen.port() + 1)),
                     config, "the RTCP port after this `listen`",
                     "leave a port free between endpoints with rtcp: next_port");
        }
        if (settings.listen && settings.floor_port != 0)
            once(ports, settings.listen.with_port(settings.floor_port), config, "the port of floor messages",
                 "ptt: {signal: mcptt, port: …} needs another one");
        if (settings.floor_port != 0 && settings.listen.with_port(settings.floor_port) == shared_port)
            problems.add(config.mark, config.path,
                         "the port of floor messages is the shared media port; choose another one");
        if (settings.listen == shared_port && settings.listen && settings.listen.port() != 0)
            problems.add(config.mark, config.path,
                         "this `listen` is the shared media port; leave `listen` out to use that port");
        if (!settings.listen) {
            if (!shared_port)
                problems.add(config.mark, config.path,
                             "has no `listen`, and there is no shared port: add gateway.media.listen");
            if (settings.ssrc)
                once(ssrcs, *settings.ssrc, config, "this `ssrc`",
                     "on the shared port each radio needs its own");
            else if (settings.remote)
                once(sources, settings.remote, config, "this `remote`",
                     "on the shared port add an `ssrc` to each, or a `listen`");
        }
        for (const rtp::KeyFingerprint& key : config.fingerprints())
            once(keys, key, config, "a key of this endpoint",
                 "one key for two radios lets either speak as the other, and repeats keystreams; make one "
                 "for each");
    }
}

}  // namespace crosspatch::endpoint
