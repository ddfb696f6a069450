// A gateway's and a terminal's side of floor messages fed with any messages, keys and times: what they refuse changes
// nothing, what they send can be written, and no state but rest is without a timer.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "crosspatch/ptt/mcpt_participant.hpp"
#include "crosspatch/ptt/mcpt_server.hpp"

using namespace crosspatch;
using ptt::McptParticipant;
using ptt::McptServer;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_written(const rtp::FloorMessage& message) {
    std::array<std::byte, rtp::kMaxPacket> out{};
    const auto size = rtp::write_floor_message(out, message);
    require(size > 0);
    const auto again = rtp::parse_floor_message(std::span<const std::byte>{out}.first(size));
    require(again.has_value() && *again == message);
}

// Takes octets from the front; zeroes once they are used up.
class Input {
public:
    explicit Input(std::span<const std::byte> octets) : rest_{octets} {}
    bool empty() const { return rest_.empty(); }
    std::uint8_t octet() {
        if (rest_.empty()) return 0;
        const auto first = std::to_integer<std::uint8_t>(rest_[0]);
        rest_ = rest_.subspan(1);
        return first;
    }
    std::span<const std::byte> octets(std::size_t size) {
        const auto taken = rest_.first(std::min(size, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

private:
    std::span<const std::byte> rest_;
};

// One in eight comes from a stranger.
rtp::App next_app(Input& input, std::uint32_t from) {
    const auto kind = input.octet();
    return {.subtype = static_cast<std::uint8_t>(kind & 0x1F),
            .ssrc = kind >> 5 == 7 ? 99U : from,
            .name = "MCPT",
            .data = input.octets(input.octet() % 16 * 4U)};
}

class Terminal {
public:
    explicit Terminal(std::uint8_t kind)
        : terminal_{{.ssrc = 1,
                     .user_id = "sip:a",
                     .queueing = (kind & 1) != 0,
                     .stay_queued = (kind & 2) != 0,
                     .ack_release = (kind & 4) != 0}} {}

    void on_message(const rtp::FloorMessage& message, core::Time now, std::optional<std::uint64_t> order) {
        const auto before = terminal_.state();
        const auto step = terminal_.on_message(message, now, order);
        if (step.refused) require(terminal_.state() == before && step.send.empty() && step.events.empty());
        check(step);
    }
    void on_key(std::uint8_t what, core::Time now) {
        switch (what % 6) {
            case 0:
                return check(terminal_.press({static_cast<floor::Class>(what / 6 % 3), what}, now));
            case 1:
                return check(terminal_.let_go(now));
            case 2:
                return check(terminal_.cancel(now));
            case 3:
                return check(terminal_.ask_position(now));
            case 4:
                return check(terminal_.on_media(now));
            default:
                return check(terminal_.on_time(now));
        }
    }
    // Left alone it comes to rest.
    void settle(core::Time now) {
        on_key(1, now);
        on_key(2, now);
        for (int steps = 0; const auto due = terminal_.next_deadline(); ++steps) {
            require(steps < 32);
            check(terminal_.on_time(*due));
        }
        require(terminal_.state() == McptParticipant::State::NoPermission);
    }

private:
    void check(const McptParticipant::Step& step) {
        for (const auto& message : step.send) check_written(message);
        require(terminal_.next_deadline() || terminal_.state() == McptParticipant::State::NoPermission);
    }
    McptParticipant terminal_;
};

floor::Decision next_decision(Input& input) {
    return {.kind = static_cast<floor::Decision::Kind>(input.octet() % 16),
            .cause = static_cast<floor::Cause>(input.octet() % floor::kCauses),
            .position = input.octet(),
            .participant = input.octet() % 2U,
            .left = std::chrono::milliseconds{input.octet() * 1000}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input{std::as_bytes(std::span{data, size})};
    const auto kind = input.octet();
    Terminal terminal{kind};
    McptServer server{{.ssrc = 2, .participant = 0, .queueing = (kind & 1) != 0}};
    core::Time now{std::chrono::hours{1}};
    while (!input.empty()) {
        const auto what = input.octet();
        now += std::chrono::milliseconds{(what >> 3) * 50};
        std::optional<std::uint64_t> order;
        if (kind & 8) order = input.octet();
        switch (what & 3) {
            case 0:
                if (const auto message = rtp::parse_floor_message(next_app(input, 2)))
                    terminal.on_message(*message, now, order);
                break;
            case 1:
                terminal.on_key(input.octet(), now);
                break;
            case 2: {
                const auto message = rtp::parse_floor_message(next_app(input, 1));
                if (!message) break;
                const auto heard = server.on_message(*message, now, order);
                if (heard && heard->ack_wanted) check_written(server.acknowledgement(*message));
                break;
            }
            default: {
                const McptServer::Scene scene{
                    .claim = {floor::Class::Normal, what},
                    .talker = McptServer::Talker{1, "sip:b", 3, floor::Class::Normal},
                    .broadcast = what > 128};
                if (const auto message = server.tell(next_decision(input), scene)) check_written(*message);
                if (const auto message = server.answer(scene)) check_written(*message);
            }
        }
    }
    terminal.settle(now);
    return 0;
}
