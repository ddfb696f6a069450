#include "ptt_options.hpp"

#include <fmt/format.h>

#include <charconv>

#include "duration.hpp"

namespace crosspatch::radio {
namespace {
using namespace std::chrono_literals;

std::optional<unsigned> number_up_to(unsigned most, std::string_view digits) {
    unsigned number = 0;
    const char* end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, number);
    return error == std::errc{} && rest == end && number <= most ? std::optional{number} : std::nullopt;
}

// `mcptt` or `mcptt:PORT`.
Complaint take_floor(std::optional<std::string_view> port, const PttWords& words, Options& options) {
    auto& floor = options.floor.emplace();
    if (port) {
        const auto number = number_up_to(65535, *port);
        if (!number || *number == 0) return fmt::format("--ptt: '{}' is no port; write mcptt:40012", *port);
        floor.port = static_cast<std::uint16_t>(*number);
    }
    if (!floor.port && options.rtcp == Rtcp::Off)
        return "--ptt mcptt goes with the reports: not with --rtcp off";
    if (words.priority) floor.claim.priority = static_cast<std::uint8_t>(*words.priority);
    if (words.emergency) floor.claim.level = floor::Class::Emergency;
    return {};
}

// `ed137` or `ed137:ROLE`.
Complaint take_air_ground(std::optional<std::string_view> role, const PttWords& words, Options& options) {
    auto& [settings, level] = options.air_ground.emplace();
    if (role == "vcs")
        settings.role = ptt::Ed137Role::Vcs;
    else if (role && role != "grs")
        return fmt::format("--ptt: '{}' is no role; write ed137:grs or ed137:vcs", *role);
    if (words.emergency && settings.role == ptt::Ed137Role::Grs)
        return "--emergency: a ground station has no key; write --ptt ed137:vcs";
    if (words.emergency) level = floor::Class::Emergency;
    if (words.ptt_id) settings.ptt_id = static_cast<std::uint8_t>(*words.ptt_id);
    if (!words.keep_alive.empty()) {
        const auto period = duration(words.keep_alive);
        if (!period || *period < 20ms || *period > 1s)
            return fmt::format("--keep-alive: '{}' is not from 20ms to 1s", words.keep_alive);
        settings.period = *period;
    }
    if (options.payload_type == rtp::ed137::kKeepAlive)
        return "--payload-type: 123 is that of ED-137's keep-alives";
    return {};
}

// `event` or `event:NUMBER`.
Complaint take_event(std::optional<std::string_view> number, const PttWords& words, Options& options) {
    auto& event = options.event.emplace();
    if (number) {
        const auto value = number_up_to(255, *number);
        if (!value) return fmt::format("--ptt: '{}' is no event; 0 to 255, as in event:11", *number);
        event.number = static_cast<std::uint8_t>(*value);
    }
    if (words.event_type) event.payload_type = static_cast<std::uint8_t>(*words.event_type);
    if (event.payload_type == options.payload_type)
        return fmt::format("--event-type: {} is the sound's --payload-type", event.payload_type);
    return {};
}

Complaint take_vox(Options& options) {
    options.vox = true;
    return options.format.dtx ? "--dtx leaves silence out, which --ptt vox is to send" : "";
}

Complaint take_signal(std::string_view word, const PttWords& words, Options& options) {
    const auto colon = word.find(':');
    const auto signal = word.substr(0, colon);
    const auto more = colon == std::string_view::npos ? std::nullopt : std::optional{word.substr(colon + 1)};
    const bool known = signal == "mcptt" || signal == "ed137" || signal == "event" || word == "vox";
    if (!known)
        return fmt::format(
            "--ptt: '{}' is none of space, always, none, mcptt, mcptt:PORT, ed137, ed137:ROLE, event, "
            "event:NUMBER, vox",
            word);
    if (options.floor || options.air_ground || options.event || options.vox)
        return fmt::format("--ptt: '{}' is a second way to tell of the key; choose one", word);
    if (signal == "mcptt") return take_floor(more, words, options);
    if (signal == "ed137") return take_air_ground(more, words, options);
    if (signal == "event") return take_event(more, words, options);
    return take_vox(options);
}

// Words that would mean nothing.
Complaint check_claims(const PttWords& words, const Options& options) {
    if (words.priority && !options.floor) return "--floor-priority and --emergency are claims of --ptt mcptt";
    if (words.emergency && !options.floor && !options.air_ground)
        return "--floor-priority and --emergency are claims of --ptt mcptt, --emergency of ed137:vcs, too";
    if ((words.ptt_id || !words.keep_alive.empty()) && !options.air_ground)
        return "--ptt-id and --keep-alive belong to --ptt ed137";
    if (words.event_type && !options.event) return "--event-type belongs to --ptt event";
    return {};
}

}  // namespace

void describe_ptt(CLI::App& app, PttWords& words) {
    app.add_option(
        "--ptt", words.ptt,
        "with --device, when to talk: space, always or none (none). And how the other side is told of the "
        "key, "
        "if not by the sound alone: mcptt or mcptt:PORT asks for the floor by 3GPP floor messages; ed137 or "
        "ed137:grs opens the squelch of an ED-137 ground station, ed137:vcs keys one; event or event:NUMBER "
        "sends a telephone event (10, the * key); vox tells nothing, and sends silence between the words. "
        "Both: "
        "space,mcptt");
    app.add_option("--floor-priority", words.priority, "mcptt: 0 to 255 (3)")->check(CLI::Range(0, 255));
    app.add_flag("--emergency", words.emergency, "mcptt, ed137:vcs: claim an emergency");
    app.add_option("--ptt-id", words.ptt_id, "ed137: the session's number, 1 to 63 (0: none)")
        ->check(CLI::Range(0, int{rtp::ed137::kMaxPttId}));
    app.add_option(
        "--keep-alive", words.keep_alive,
        "ed137: send something at least so often, 20ms to 1s (200ms); ten of these without a sign of "
        "the other side, and it is lost");
    app.add_option("--event-type", words.event_type, "event: its payload type, 96 to 127 (101)")
        ->check(CLI::Range(96, 127));
}

Complaint take_ptt(const PttWords& words, Options& options) {
    for (std::string_view rest = words.ptt; !rest.empty();) {
        const auto word = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
        if (word == "space")
            options.ptt = Ptt::Space;
        else if (word == "always")
            options.ptt = Ptt::Always;
        else if (word != "none")
            if (auto complaint = take_signal(word, words, options); !complaint.empty()) return complaint;
    }
    return check_claims(words, options);
}

}  // namespace crosspatch::radio
