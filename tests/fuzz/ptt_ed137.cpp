// An ED-137 session that is told anything in any order: octets are steps of three (what, how long after, with
// what). Its changes add up, its press ends when nothing more comes, and what it says can be read.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "crosspatch/ptt/ed137.hpp"

using namespace crosspatch;
using namespace std::chrono_literals;
using ptt::Ed137;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

class Session {
public:
    explicit Session(std::uint8_t settings)
        : session_{{.role = settings & 1 ? ptt::Ed137Role::Grs : ptt::Ed137Role::Vcs,
                    .ptt_id = static_cast<std::uint8_t>(settings >> 2),
                    .repeats = static_cast<std::uint8_t>(settings & 3)}} {}

    void step(std::uint8_t what, std::uint8_t after, std::uint8_t value) {
        now_ += after * 10ms;
        const auto level = static_cast<floor::Class>(value % 3);
        switch (what % 8) {
            case 0:
            case 1:
                hear(what, value);
                break;
            case 2:
                take(session_.on_time(now_));
                break;
            case 3:
                session_.talk_begins(level, now_);
                break;
            case 4:
                session_.talk_ends(now_);
                break;
            case 5:
                session_.press_granted(now_);
                break;
            case 6:
                session_.press_refused(now_);
                break;
            default:
                for (int sent = 0; session_.keep_alive_due(now_); ++sent) {
                    require(sent < 5);
                    session_.sent(now_);
                }
                require(session_.next_deadline() != core::Time::min());
        }
        check_words();
    }
    void end() {
        now_ += 3s;
        take(session_.on_time(now_));
        require(!pressed_ && !found_);
    }

private:
    void hear(std::uint8_t what, std::uint8_t value) {
        const std::array<std::byte, 4> octets{static_cast<std::byte>(value), static_cast<std::byte>(what),
                                              static_cast<std::byte>(value), std::byte{0}};
        sequence_ = static_cast<std::uint16_t>(sequence_ + static_cast<std::int8_t>(what) / 8);
        rtp::Header header;
        header.sequence = sequence_;
        header.ssrc = value % 2;
        header.extension_profile = what & 0x40 ? rtp::ed137::kOriginal : rtp::ed137::kProfile;
        header.extension = octets;
        take(session_.on_packet(header, now_));
    }
    void take(const Ed137::Changes& changes) {
        using Kind = Ed137::Change::Kind;
        for (const auto& change : changes) {
            if (!change) continue;
            switch (change->kind) {
                case Kind::Found:
                    require(!found_);
                    found_ = true;
                    break;
                case Kind::Pressed:
                    require(found_ && !pressed_);
                    pressed_ = true;
                    break;
                case Kind::Claimed:
                    require(pressed_);
                    break;
                case Kind::Released:
                    require(pressed_);
                    pressed_ = false;
                    break;
                case Kind::Lost:
                    require(found_ && !pressed_);
                    found_ = false;
            }
        }
        require(pressed_ == session_.pressed() && found_ == session_.found());
    }
    void check_words() {
        const auto octets = session_.extension();
        rtp::Header header;
        header.extension_profile = rtp::ed137::kProfile;
        header.extension = octets.view();
        const auto said = rtp::ed137::read(header);
        require(said && (said->ptt != rtp::ed137::Ptt::Off || said->ptt_id == 0));
    }

    Ed137 session_;
    core::Time now_{1h};
    std::uint16_t sequence_{};
    bool pressed_{}, found_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Session session{data[0]};
    for (std::size_t at = 1; at + 3 <= size; at += 3) session.step(data[at], data[at + 1], data[at + 2]);
    session.end();
    return 0;
}
