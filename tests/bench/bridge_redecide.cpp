// What a policy reload costs those who talk: 1,000 talkspurts, each heard over a bridge of its own, and rule lists of 10 and 100
// rules that come into force anew. Once nothing changes for anybody, once every second crossing ends. The time is that in
// which the worker rests; after it those whose answer is the same go on with their next packet.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "crosspatch/bridge/switchboard.hpp"
#include "crosspatch/core/config.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/policy/engine.hpp"

using namespace crosspatch;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kTalkers = 1000;
constexpr std::uint32_t kFirst = 100;  // packet index

// `count` rules of which the last lets everybody in, but for every second talker if `halve`.
std::string rules(int count, bool halve) {
    std::string yaml;
    std::string some;
    for (std::uint32_t i = 0; halve && i < kTalkers; i += 2) some += fmt::format("{}t-{}", i ? ", " : "", i);
    for (int i = 0; i + 2 < count; ++i)
        yaml += fmt::format("- {{id: r-{0}, action: deny, when: {{talker: [a-{0}, b-{0}]}}}}\n", i);
    if (halve) yaml += fmt::format("- {{id: half, action: deny, when: {{talker: [{}]}}}}\n", some);
    return yaml + "- {id: last, action: allow, when: {suite: [none]}}\n";
}

class Town {
public:
    Town() {
        wire_ = std::move(*media::open_udp(*core::Address::parse("127.0.0.1:0", true)));
        gateway_ = std::move(*media::open_udp(*core::Address::parse("127.0.0.1:0", true)));
        for (std::uint32_t i = 0; i < 2 * kTalkers; ++i) endpoints_.push_back(endpoint(i));
    }

    // Everybody's rules from now on: how long the worker rests for it.
    std::chrono::nanoseconds use(const std::string& yaml) {
        core::config::Problems problems{"rules"};
        const auto document = core::config::Document::parse(yaml, problems);
        policy::Vocabulary vocabulary{known_};
        lists_.push_back(std::make_unique<policy::RuleList>(
            policy::read_rules(document.root(), policy::Side::Outbound, "c-0", vocabulary, names_, zones_)));
        bridge::Switchboard::Change change;
        change.topology = topology(*lists_.back());
        change.duals.resize(2 * kTalkers);
        const bool first = former_.empty();
        for (std::uint32_t channel = 0; channel < 2 * kTalkers; ++channel) {
            change.talkspurts.push_back(first ? std::make_unique<media::Talkspurt>(path_) : nullptr);
            change.workers.push_back(0);
        }
        const auto begin = std::chrono::steady_clock::now();
        former_.push_back(switchboard_.install(change, now_));
        return std::chrono::steady_clock::now() - begin;
    }
    void open() {
        for (std::uint32_t i = 0; i < kTalkers; ++i) exchange_.set_open(i, true, now_);
    }
    // The next packet of everybody: how many were carried, and how many datagrams went out.
    std::pair<std::uint32_t, std::uint64_t> say() {
        const std::uint64_t before = sent();
        std::uint32_t carried = 0;
        for (std::uint32_t i = 0; i < kTalkers; ++i) {
            const media::Packet packet{.sequence = kFirst + said_,
                                       .timestamp = said_ * 160,
                                       .ssrc = 0xABCD,
                                       .duration = 160,
                                       .new_stream = said_ == 0,
                                       .payload = payload_};
            media::Talkspurt* talkspurt = exchange_.pass(*endpoints_[i], packet, now_);
            if (!talkspurt) continue;
            talkspurt->carry(packet, now_);
            ++carried;
            outbox_.flush();
        }
        ++said_;
        now_ += 20ms;
        while (reports_.pop()) {
        }
        return {carried, sent() - before};
    }

private:
    std::unique_ptr<media::Endpoint> endpoint(std::uint32_t i) {
        rtp::SrtpSender sender{rtp::Suite::None, nullptr};
        if (!sender.begin(0x1000 + i, {.rtp = kFirst})) std::abort();
        sender.set_reserved(0x1000 + i, rtp::SrtpSender::unrecorded());
        return std::make_unique<media::Endpoint>(
            i,
            media::Endpoint::Parts{.source = {.format = codec::pcmu(),
                                              .payload_type = 0,
                                              .remote = media::local_address(wire_.get()),
                                              .own_port = true},
                                   .receiver = {rtp::Suite::None, {}},
                                   .sink = {.format = codec::pcmu(),
                                            .payload_type = 0,
                                            .socket = gateway_.get(),
                                            .rtcp_socket = gateway_.get(),
                                            .cname = "gateway"},
                                   .sender = std::move(sender),
                                   .first_timestamp = i},
            now_);
    }

    // Talker i is on channel i, and is heard by endpoint 1000 + i on a channel of the other agency.
    std::unique_ptr<bridge::Topology> topology(const policy::RuleList& list) {
        auto made = std::make_unique<bridge::Topology>();
        for (std::uint32_t i = 0; i < 2 * kTalkers; ++i) {
            bridge::Topology::Endpoint one;
            one.media = endpoints_[i].get();
            one.channel = i;
            one.talker = names_.intern(fmt::format("t-{}", i));
            one.role = names_.intern("guard");
            one.priority = 3;
            one.talks = i < kTalkers;
            one.listens = i >= kTalkers;
            made->endpoints.push_back(one);
            bridge::Topology::Channel channel;
            channel.id = names_.intern(fmt::format("c-{}", i));
            channel.agency = names_.intern(i < kTalkers ? "northgate" : "metro-pd");
            channel.outbound = channel.inbound = &list;
            channel.endpoints = {i};
            channel.bridges = {i % kTalkers};
            channel.suites.insert(policy::Suite::None);
            channel.reach = 2;
            made->channels.push_back(channel);
        }
        for (std::uint32_t i = 0; i < kTalkers; ++i)
            made->bridges.push_back({.legs = {{i, true, true, 0}, {kTalkers + i, true, true, 0}}});
        return made;
    }
    std::uint64_t sent() const {
        std::uint64_t all = 0;
        for (const auto& one : endpoints_) all += one->sink.counters().packets.read();
        return all;
    }

    core::Time now_{1h};
    std::vector<std::byte> payload_{160, std::byte{0x55}};
    std::uint32_t said_{};
    core::UniqueFd wire_, gateway_;
    policy::Names names_;
    policy::Zones zones_{core::wall_now()};
    policy::Known known_{{"northgate", "metro-pd"}, {{"c-0", "northgate"}}};
    std::vector<std::unique_ptr<policy::RuleList>> lists_;
    std::vector<std::unique_ptr<media::Endpoint>> endpoints_;
    media::CodecPool codecs_;
    media::PacketPool packets_{32};
    std::unique_ptr<media::Scratch> scratch_ = std::make_unique<media::Scratch>();
    media::Outbox outbox_;
    media::Tap tap_;
    const media::TalkPath path_{codecs_, packets_, *scratch_, outbox_, &tap_};
    core::MpscQueue<bridge::Report> reports_{65536};
    core::EventFd reported_;
    bridge::Exchange exchange_{path_, reports_, reported_};
    bridge::Switchboard switchboard_{{&exchange_}};
    std::vector<std::unique_ptr<bridge::Topology>> former_;
};

double ms(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

void measure(int count) {
    constexpr int kRounds = 9;
    std::vector<std::chrono::nanoseconds> same, halved;
    std::uint64_t heard_by_all = 0, heard_by_half = 0;
    for (int round = 0; round < kRounds; ++round) {
        Town town;
        town.use(rules(count, false));
        town.open();
        town.say();
        same.push_back(town.use(rules(count, false)));
        heard_by_all = town.say().second;
        halved.push_back(town.use(rules(count, true)));
        heard_by_half = town.say().second;
    }
    std::sort(same.begin(), same.end());
    std::sort(halved.begin(), halved.end());
    fmt::print(
        "{:5} rules  nothing changes {:6.2f} ms (most {:.2f}), heard after it {};  half ends {:6.2f} ms "
        "(most {:.2f}), heard after it {}\n",
        count, ms(same[kRounds / 2]), ms(same.back()), heard_by_all, ms(halved[kRounds / 2]),
        ms(halved.back()), heard_by_half);
}

}  // namespace

int main() {
    for (const int count : {10, 100}) measure(count);
}
