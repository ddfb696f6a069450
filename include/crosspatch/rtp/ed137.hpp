#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "crosspatch/rtp/packet.hpp"

// What air-ground radio over RTP says beside the sound: key, squelch and signal quality, in the header
// extension of every packet. Source: EUROCAE ED-137 as implementations have it.
namespace crosspatch::rtp::ed137 {

constexpr std::uint16_t kProfile = 0x0167;   // ED-137A to C: what we send
constexpr std::uint16_t kOriginal = 0x0067;  // ED-137 of 2009: read only
constexpr std::uint8_t kKeepAlive = 123;     // R2S: the usual payload type of a packet without sound
constexpr std::uint8_t kMaxPttId = 63;

// A voice switch asks for it; a ground station answers with what is on air.
enum class Ptt : std::uint8_t { Off, Normal, Coupling, Priority, Emergency, Test, Reserved6, Reserved7 };

// Signal quality, from a ground station. `index` 0 to 31, in the original layout to 255.
struct Quality {
    std::uint8_t index{};
    std::uint8_t method{};  // 0 RSSI, 1 AGC level, 2 C/N, 3 power spectral density, 4-7 the vendor's
    friend bool operator==(const Quality&, const Quality&) = default;
};
constexpr std::uint8_t kRssi = 0;
// The RSSI index, 0 to 15: 0 below -100 dBm, 15 above -70, steps of 30/14 dB between.
std::uint8_t rssi_index(double dbm);

// How long a ground station is to hold the sound back, so that all stations transmit at once.
struct Climax {
    bool absolute{};
    std::uint8_t delay{};  // in 2 ms, 0 to 127
    friend bool operator==(const Climax&, const Climax&) = default;
};

// One packet's extension. What makes no sense for its sender is 0: a voice switch has no squelch.
struct Extension {
    Ptt ptt{};
    bool squelch_open{};    // SQU: the receiver hears a carrier
    std::uint8_t ptt_id{};  // 0 to 63; 0: none
    bool muted{};           // PM: this session's key is on, but not its sound
    bool summed{};          // PTTS: the transmitter sums up several voices
    bool simultaneous{};    // SCT: two transmissions at once on the receiver
    std::optional<Quality> quality;
    std::optional<Climax> climax;
    friend bool operator==(const Extension&, const Extension&) = default;
};

// Reads the extension of a packet; nothing if it has none of this kind, or no whole word.
//
// Features other than those above are passed over by their length, and of two of a kind the first counts. A
// list of features that runs past the end is dropped whole, and the fixed part is kept.
std::optional<Extension> read(const Header& header);

// Octets for Header::extension, under kProfile.
struct Octets {
    std::array<std::byte, 8> all{};
    std::size_t size{};  // 4 or 8
    std::span<const std::byte> view() const { return std::span{all}.first(size); }
};
// Requires: the values are within what the struct says; `quality` at most 31, as this layout has it.
Octets write(const Extension& extension);

}  // namespace crosspatch::rtp::ed137
