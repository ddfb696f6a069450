// What a floor decision on the wire costs without its cipher, in ns and against the arbiter alone: a Floor Request is
// read, decided and answered by a Granted, a Release by an Idle. Rounds are interleaved and the medians compared.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "crosspatch/floor/arbiter.hpp"
#include "crosspatch/ptt/mcpt_participant.hpp"
#include "crosspatch/ptt/mcpt_server.hpp"

using namespace crosspatch;
using namespace std::chrono_literals;

namespace {

constexpr int kRounds = 15;
constexpr int kPresses = 50'000;
constexpr std::uint32_t kGateway = 1, kRadio = 2;

using Packet = std::array<std::byte, rtp::kMaxPacket>;

// One radio that presses and lets go, on a channel of its own.
class Desk {
public:
    Desk() {
        const std::array channel{floor::Settings{.hang = 0ms}};
        arbiter_.configure({.channels = channel, .participants = 1, .timers = {.requests_per_second = 0}});
        request_size_ = rtp::write_floor_message(
            request_,
            {.type = rtp::FloorType::Request, .sender = kRadio, .priority = 3, .indicator = 0x8000});
        release_size_ = rtp::write_floor_message(
            release_, {.type = rtp::FloorType::Release, .sender = kRadio, .indicator = 0x8000});
    }

    void press_on_the_wire() {
        now_ += 1s;
        hear(std::span{request_}.first(request_size_));
        hear(std::span{release_}.first(release_size_));
    }
    void press() {
        now_ += 1s;
        arbiter_.request(request_of({}, 3), now_, decisions_);
        decisions_.clear();
        arbiter_.release(0, now_, decisions_);
        decisions_.clear();
    }
    std::uint64_t written() const { return written_; }

private:
    static floor::Request request_of(floor::Class level, std::uint8_t priority) {
        return {.participant = 0,
                .own = {.channel = 0},
                .claim = {level, priority},
                .signal = floor::Signal::Explicit};
    }
    void hear(std::span<const std::byte> packet) {
        const auto message = rtp::parse_floor_message(packet);
        const auto heard = server_.on_message(*message, now_);
        if (heard->kind == ptt::McptServer::Heard::Kind::Request)
            arbiter_.request(request_of(heard->level, *heard->priority), now_, decisions_);
        else
            arbiter_.release(0, now_, decisions_);
        for (const auto& decision : decisions_)
            if (const auto told = server_.tell(decision, {}))
                written_ += rtp::write_floor_message(out_, *told);
        decisions_.clear();
    }

    core::Time now_{1h};
    floor::Arbiter arbiter_;
    floor::Decisions decisions_;
    ptt::McptServer server_{{.ssrc = kGateway, .participant = 0, .queueing = true}};
    Packet request_{}, release_{}, out_{};
    std::size_t request_size_{}, release_size_{};
    std::uint64_t written_{};
};

template <typename Work>
double ns_per_press(Work work) {
    const auto start = std::chrono::steady_clock::now();
    for (int press = 0; press < kPresses; ++press) work();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
           kPresses;
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

}  // namespace

int main() {
    Desk wire, bare;
    std::vector<double> ours, arbiter;
    for (int round = 0; round < kRounds; ++round) {
        ours.push_back(ns_per_press([&] { wire.press_on_the_wire(); }));
        arbiter.push_back(ns_per_press([&] { bare.press(); }));
    }
    if (wire.written() == 0) return 1;
    fmt::print(
        "a press and its release on the wire {:.0f} ns, the arbiter's part of it {:.0f} ns, ratio {:.2f}\n",
        median(ours), median(arbiter), median(ours) / median(arbiter));
    return 0;
}
