#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "crosspatch/bridge/switchboard.hpp"
#include "tests/media/radios.hpp"
#include "tests/policy/desk.hpp"

// Two agencies with a channel and two radios each, and one bridge between them, around an Exchange; and a second one, as
// on another worker, that channels can move to.
namespace crosspatch::tests {

// A radio's tones, each as one packet that is repeated so often.
struct ToneOf {
    bridge::TalkerTone tone;
    Octets packet;
    std::size_t times;
};
inline std::shared_ptr<const bridge::Topology::Tones> tones(const std::vector<ToneOf>& wanted) {
    auto made = std::make_shared<bridge::Topology::Tones>();
    for (const ToneOf& one : wanted)
        (*made)[static_cast<std::size_t>(one.tone)].packets.assign(one.times, one.packet);
    return made;
}

struct Town {
    static constexpr std::uint32_t kOps = 0, kTac = 1;                             // channels
    static constexpr std::uint32_t kGuard = 0, kPost = 1, kOfficer = 2, kCar = 3;  // endpoints
    using Kind = bridge::Report::Kind;

    // What a test may change before open_town().
    struct Rules {
        const char* ops_outbound = "[{id: o, action: allow, when: {agency: metro-pd}}]";
        const char* ops_inbound = "[{id: i, action: allow, when: {agency: metro-pd}}]";
        const char* tac_outbound = "[{id: o, action: allow, when: {agency: northgate}}]";
        const char* tac_inbound = "[{id: i, action: allow, when: {agency: northgate}}]";
    };

    Town() : Town{Rules{}} {}
    explicit Town(const Rules& with, const codec::Format& car_codec = codec::pcmu()) {
        const codec::Format formats[]{codec::pcmu(), codec::pcmu(), codec::pcmu(), car_codec};
        for (std::uint32_t i = 0; i < 4; ++i) {
            radios[i] = std::make_unique<Radio>(i, formats[i]);
            speech[i] = std::make_unique<Speech>(formats[i], 1s);
        }
        stage.stock(codec::pcmu(), 4);
        stage.stock(codec::opus(), 4);
        annex.now = stage.now;
        rules = {desk.read(with.ops_outbound, policy::Side::Outbound, "ng-ops"),
                 desk.read(with.ops_inbound, policy::Side::Inbound, "ng-ops"),
                 desk.read(with.tac_outbound, policy::Side::Outbound, "pd-tac-3"),
                 desk.read(with.tac_inbound, policy::Side::Inbound, "pd-tac-3")};
        plan = make_plan();
    }

    bridge::Topology make_plan() {
        bridge::Topology made;
        for (std::uint32_t i = 0; i < 4; ++i) {
            bridge::Topology::Endpoint endpoint;
            endpoint.media = &radios[i]->endpoint;
            endpoint.channel = i < 2 ? kOps : kTac;
            endpoint.talker = desk.names.intern("talker-" + std::to_string(i));
            endpoint.talker_id = desk.names.text(endpoint.talker);
            endpoint.role = desk.names.intern(i < 2 ? "guard" : "officer");
            endpoint.suite = policy::Suite::AeadAes256Gcm;  // what policy is to see; the wire is in the clear
            endpoint.priority = 3;
            endpoint.talks = endpoint.listens = endpoint.reports = true;
            made.endpoints.push_back(endpoint);
        }
        for (const std::uint32_t channel : {kOps, kTac}) {
            bridge::Topology::Channel one;
            one.id = desk.names.intern(channel == kOps ? "ng-ops" : "pd-tac-3");
            one.agency = desk.names.intern(channel == kOps ? "northgate" : "metro-pd");
            one.agency_id = desk.names.text(one.agency);
            one.sensitivity = policy::Sensitivity::Green;
            one.floor.lease = 200ms;
            one.floor.hang = 100ms;
            one.floor.cooldown = 100ms;
            one.outbound = &rules[channel * 2];
            one.inbound = &rules[channel * 2 + 1];
            one.endpoints = {channel * 2, channel * 2 + 1};
            one.bridges = {0};
            one.suites.insert(policy::Suite::AeadAes256Gcm);
            one.reach = 4;
            made.channels.push_back(one);
        }
        made.bridges.push_back({.legs = {{kOps, true, true, 0}, {kTac, true, true, 0}}});
        return made;
    }

    void install(std::vector<std::uint32_t> gone = {}, std::vector<std::uint8_t> workers = {0, 0}) {
        bridge::Switchboard::Change change;
        change.topology = std::make_unique<bridge::Topology>(plan);
        change.gone = std::move(gone);
        if (++token == 1)
            for (const std::uint8_t worker : workers) {
                change.talkspurts.push_back(
                    std::make_unique<media::Talkspurt>(worker == 0 ? stage.path : annex.path));
                change.workers.push_back(worker);
            }
        for (const bridge::Topology::Channel& channel : plan.channels) {
            change.duals.emplace_back();
            if (channel.floor.both_heard)
                change.duals.back() = {std::make_unique<media::Talkspurt>(stage.path),
                                       std::make_unique<media::Mixer>(stage.path)};
        }
        former.push_back(switchboard.install(change, stage.now));
        exchange.tell_done(token, stage.now);
        collect();
    }
    void open_town(bool bridged = true) {
        install();
        if (bridged) exchange.set_open(0, true, stage.now);
        collect();
        reports.clear();
    }

    // One packet of this radio; true if it was carried.
    bool packet(std::uint32_t who) {
        const Speech& voice = *speech[who];
        const std::size_t n = said[who]++;
        media::Packet one = voice.packet(n % voice.size());
        one.sequence = 100 + n;
        one.timestamp = static_cast<std::uint32_t>(n) * one.duration;
        one.new_stream = n == 0;
        media::Endpoint& from = radios[who]->endpoint;
        media::Talkspurt* talkspurt = exchange_of(who).pass(from, one, stage.now);
        if (talkspurt) talkspurt->carry(one, stage.now);
        return talkspurt != nullptr;
    }
    void step() {
        stage.now += 20ms;
        exchange.advance(stage.now);
        other.advance(stage.now);
        flush();
    }
    void flush() {
        stage.outbox.flush();
        annex.outbox.flush();
    }
    bridge::Exchange& exchange_of(std::uint32_t who) {
        return radios[who]->endpoint.worker() == 0 ? exchange : other;
    }
    void move(std::uint8_t from, std::uint8_t to, std::vector<std::uint32_t> channels) {
        flush();
        switchboard.move({from, to, std::move(channels)}, stage.now);
    }
    // So many packets, one each 20 ms; gives how many were carried.
    int talk(std::uint32_t who, int packets) {
        int carried = 0;
        for (int i = 0; i < packets; ++i) {
            carried += packet(who);
            step();
        }
        return carried;
    }
    void wait(std::chrono::milliseconds time) {
        for (auto gone = 0ms; gone < time; gone += 20ms) step();
    }
    std::size_t hears(std::uint32_t who) { return radios[who]->hear().size(); }
    void forget() {
        for (auto& radio : radios) radio->hear();
        collect();
        reports.clear();
    }
    void set_open(bool open) { exchange.set_open(0, open, stage.now); }
    std::uint64_t dropped(std::uint32_t who, media::Drop cause) {
        return radios[who]->endpoint.source.counters().dropped.read(cause);
    }

    void collect() {
        while (const auto report = queue.pop()) reports.push_back(*report);
    }
    // How often this was reported, of an endpoint, on a channel, unless any will do.
    int count(Kind kind, std::uint32_t endpoint = bridge::kNowhere,
              std::uint32_t channel = bridge::kNowhere) {
        collect();
        return static_cast<int>(std::count_if(reports.begin(), reports.end(), [&](const bridge::Report& r) {
            return r.kind == kind && (endpoint == bridge::kNowhere || r.endpoint == endpoint) &&
                   (channel == bridge::kNowhere || r.channel == channel);
        }));
    }
    const bridge::Report& last(Kind kind) {
        collect();
        for (auto report = reports.rbegin(); report != reports.rend(); ++report)
            if (report->kind == kind) return *report;
        FAIL("nothing of the kind was reported");
        return reports.back();
    }
    // Everybody who is on record as having heard something.
    std::vector<std::uint32_t> on_record() {
        collect();
        std::vector<std::uint32_t> all;
        for (const bridge::Report& report : reports)
            if (report.kind == Kind::Listeners)
                all.insert(all.end(), report.listed.begin(), report.listed.begin() + report.listed_count);
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        return all;
    }

    Desk desk;
    std::array<policy::RuleList, 4> rules;
    Stage stage, annex;
    std::array<std::unique_ptr<Radio>, 4> radios;
    std::array<std::unique_ptr<Speech>, 4> speech;
    std::array<std::size_t, 4> said{};
    bridge::Topology plan;
    std::uint64_t token{};
    core::MpscQueue<bridge::Report> queue{4096};
    core::EventFd reported;
    bridge::Exchange exchange{stage.path, queue, reported, {0, 2}};
    bridge::Exchange other{annex.path, queue, reported, {1, 2}};
    bridge::Switchboard switchboard{{&exchange, &other}};
    std::vector<std::unique_ptr<bridge::Topology>> former;
    std::vector<bridge::Report> reports;
};

}  // namespace crosspatch::tests
