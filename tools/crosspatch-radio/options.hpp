#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "crosspatch/codec/format.hpp"
#include "crosspatch/core/address.hpp"
#include "crosspatch/floor/request.hpp"
#include "crosspatch/ptt/ed137.hpp"
#include "crosspatch/rtp/ed137.hpp"

namespace crosspatch::radio {

enum class Rtcp { Mux, NextPort, Off };
enum class Ptt { Space, Always, None };

// What the command line asks for, checked as far as it can be without opening anything.
//
// Shape    a value; keys are still the words of the command line (FILE or inline:BASE64).
// Units    as their types say; an ssrc or payload type that was left out is nothing.
struct Options {
    core::Address local;
    core::Address remote;
    Rtcp rtcp{Rtcp::Mux};

    codec::Format format;
    std::uint8_t payload_type{};
    std::chrono::milliseconds ptime{20};
    std::optional<std::uint32_t> ssrc;

    std::string suite{"AEAD_AES_256_GCM"};
    std::string send_key;
    std::string receive_key;

    std::string talk;  // WAV file; empty: none
    std::chrono::milliseconds talk_after{0};
    int repeat{1};
    std::chrono::milliseconds gap{2000};

    std::string device;  // `list` or a part of a name; empty: no sound card
    Ptt ptt{Ptt::None};
    bool mute{};

    // The key asks for the floor before it talks: --ptt mcptt.
    struct Floor {
        std::optional<std::uint16_t> port;  // of the other side; nothing: with the reports
        floor::Claim claim{.priority = 3};
    };
    std::optional<Floor> floor;

    // The key is in the header of every packet: --ptt ed137.
    struct AirGround {
        ptt::Ed137Settings settings{.role = ptt::Ed137Role::Grs};  // of this radio
        floor::Class level{};                                      // of its key
    };
    std::optional<AirGround> air_ground;

    // The key is a telephone event: --ptt event.
    struct Event {
        std::uint8_t number{10};  // the * of a telephone
        std::uint8_t payload_type{101};
    };
    std::optional<Event> event;

    // There is no key, and the sound never ends: --ptt vox.
    bool vox{};

    std::string write;  // WAV file; empty: none
    std::chrono::milliseconds buffer{60};
    std::optional<std::chrono::milliseconds> run_for;
    bool listen_only{};
    bool json{};
};

// The options, or the exit code that the program ends with: everything that is to be said has been printed.
std::variant<Options, int> read_options(int argc, char** argv);

}  // namespace crosspatch::radio
