#include "options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "crosspatch/rtp/srtp_suite.hpp"
#include "duration.hpp"
#include "ptt_options.hpp"

namespace crosspatch::radio {
namespace {
using namespace std::chrono_literals;

// What the words of the command line were, before they are looked at.
struct Words {
    std::string local{"127.0.0.1:0"}, remote, codec{"opus"}, rtcp{"mux"};
    std::string ptime{"20ms"}, talk_after{"0s"}, gap{"2s"}, run_for, buffer{"60ms"};
    std::optional<unsigned> payload_type;
    PttWords ptt;
    std::uint32_t rate{};
    std::uint32_t bitrate{};
    bool dtx{};
};

constexpr const char* kAbout =
    "A radio in a terminal: talks a WAV file or a microphone to a gateway or another radio, and writes or "
    "plays what it "
    "hears. Durations: 250ms, 30s, 10m, 8h.";

void describe(CLI::App& app, Words& words, Options& options) {
    app.add_option("--local", words.local, "ADDRESS:PORT to receive on (port 0: any)")->capture_default_str();
    app.add_option("--remote", words.remote, "ADDRESS:PORT of the other side");
    app.add_option("--rtcp", words.rtcp,
                   "reports on the same port, the next one, or none: mux, next_port, off")
        ->capture_default_str();
    app.add_option("--codec", words.codec,
                   "opus pcmu pcma g722 gsm l16/8000 l16/16000 l16/48000 codec2/3200 ...")
        ->capture_default_str();
    app.add_option("--rate", words.rate, "opus: 8000, 12000, 16000, 24000 or 48000 (16000)");
    app.add_option("--bitrate", words.bitrate, "opus: bit/s (24000)");
    app.add_flag("--dtx", words.dtx, "opus: send next to nothing while nobody speaks");
    app.add_option("--payload-type", words.payload_type,
                   "96 to 127 (111) for codecs without a number of their own");
    app.add_option("--ptime", words.ptime, "length of a packet")->capture_default_str();
    app.add_option("--ssrc", options.ssrc,
                   "for tests only: with the same key a second time, the encryption is void");
    app.add_option("--srtp", options.suite,
                   "AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80 or none")
        ->capture_default_str();
    app.add_option("--send-key", options.send_key,
                   "FILE (mode 0600) or inline:BASE64 of master key and salt (inline, others on this machine "
                   "can see it)");
    app.add_option("--receive-key", options.receive_key, "the same for what is heard");
    app.add_option("--talk", options.talk, "WAV file to talk");
    app.add_option("--talk-after", words.talk_after, "wait before talking")->capture_default_str();
    app.add_option("--repeat", options.repeat, "talk it so often")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    app.add_option("--gap", words.gap, "let go of the button so long in between")->capture_default_str();
    app.add_option("--device", options.device,
                   "sound card, by its name or a part of it; `list` shows what there is");
    describe_ptt(app, words.ptt);
    app.add_flag("--mute", options.mute, "with --device: only its microphone, do not play what is heard");
    app.add_option("--write", options.write,
                   "WAV file for what is heard, in real time from the start of the program");
    app.add_option("--buffer", words.buffer, "how long a packet waits for its turn")->capture_default_str();
    app.add_option("--for", words.run_for, "end after this time (else: when all was talked, or Ctrl-C)");
    app.add_flag("--listen-only", options.listen_only, "never talk");
    app.add_flag("--json", options.json, "print the closing report as one line of JSON");
}

Complaint take_durations(const Words& words, Options& options) {
    struct Item {
        const char* name;
        const std::string& text;
        std::chrono::milliseconds& to;
    };
    std::chrono::milliseconds run_for{};
    for (const auto& [name, text, to] :
         {Item{"--ptime", words.ptime, options.ptime},
          Item{"--talk-after", words.talk_after, options.talk_after}, Item{"--gap", words.gap, options.gap},
          Item{"--buffer", words.buffer, options.buffer}, Item{"--for", words.run_for, run_for}}) {
        if (text.empty()) continue;
        const auto value = duration(text);
        if (!value) return fmt::format("{}: '{}' is no duration; write 250ms, 30s, 10m or 8h", name, text);
        to = *value;
    }
    if (!words.run_for.empty()) options.run_for = run_for;
    if (options.buffer > 5s) return "--buffer: at most 5s";
    return {};
}

Complaint take_addresses(const Words& words, Options& options) {
    const auto local = core::Address::parse(words.local, true);
    if (!local)
        return fmt::format("--local: '{}' is no address; write 127.0.0.1:50010 or [::1]:50010", words.local);
    options.local = *local;
    if (options.device == "list") return {};
    if (words.remote.empty()) return "--remote is missing: where is the other side? ADDRESS:PORT";
    const auto remote = core::Address::parse(words.remote);
    if (!remote)
        return fmt::format("--remote: '{}' is no address; write 127.0.0.1:40010 or [::1]:40010",
                           words.remote);
    options.remote = *remote;
    if (local->family() != remote->family()) return "--local and --remote must both be IPv4 or both be IPv6";
    if (words.rtcp == "mux")
        options.rtcp = Rtcp::Mux;
    else if (words.rtcp == "next_port")
        options.rtcp = Rtcp::NextPort;
    else if (words.rtcp == "off")
        options.rtcp = Rtcp::Off;
    else
        return fmt::format("--rtcp: '{}' is none of mux, next_port, off", words.rtcp);
    if (options.rtcp == Rtcp::NextPort && (local->port() == 65535 || remote->port() == 65535))
        return "--rtcp next_port: there is no port after 65535";
    return {};
}

Complaint take_opus(const Words& words, Options& options) {
    const bool opus = options.format.kind == codec::Kind::Opus;
    if (!opus && (words.rate || words.bitrate || words.dtx))
        return "--rate, --bitrate and --dtx are Opus' settings";
    if (words.rate) {
        for (const auto rate : {8000U, 12000U, 16000U, 24000U, 48000U})
            if (words.rate == rate) options.format.rate = rate;
        if (options.format.rate != words.rate)
            return fmt::format("--rate: Opus has no {} Hz; 8000, 12000, 16000, 24000 or 48000", words.rate);
    }
    if (words.bitrate) {
        if (words.bitrate < 6000 || words.bitrate > 128000) return "--bitrate: 6000 to 128000";
        options.format.bitrate = words.bitrate;
    }
    options.format.dtx = words.dtx;
    return {};
}

Complaint take_codec(const Words& words, Options& options) {
    const auto format = codec::format_named(words.codec);
    if (!format) return fmt::format("--codec: '{}' is not a codec that crosspatch speaks", words.codec);
    options.format = *format;
    if (auto complaint = take_opus(words, options); !complaint.empty()) return complaint;
    if (const auto fits = codec::check_ptime(options.format, options.ptime); !fits)
        return "--ptime: " + fits.error().context;
    const auto fixed = options.format.static_payload_type();
    const auto type = words.payload_type.value_or(fixed ? *fixed : 111U);
    if (type > 127 || (type >= 64 && type < 96))
        return fmt::format("--payload-type: {}; 96 to 127 for this codec", type);
    options.payload_type = static_cast<std::uint8_t>(type);
    return {};
}

Complaint take_security(const Options& options) {
    const auto suite = rtp::suite_named(options.suite);
    if (!suite)
        return fmt::format(
            "--srtp: '{}' is no suite; AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80 or none",
            options.suite);
    const bool keys = !options.send_key.empty() || !options.receive_key.empty();
    if (*suite == rtp::Suite::None)
        return keys ? "--srtp none takes no keys: leave --send-key and --receive-key out" : "";
    if (options.send_key.empty() || options.receive_key.empty())
        return "--send-key and --receive-key are missing (or --srtp none, which everybody can hear)";
    return {};
}

Complaint take_talk(const Words& words, Options& options) {
    if (auto complaint = take_ptt(words.ptt, options); !complaint.empty()) return complaint;
    if (options.ptt != Ptt::None && options.device.empty())
        return "--ptt needs --device NAME: whose microphone?";
    if (options.mute && options.ptt == Ptt::None) return "--mute without --ptt leaves --device nothing to do";
    if (options.ptt != Ptt::None && !options.talk.empty())
        return "--talk and --ptt are two talkers; choose one";
    if (options.listen_only && (options.ptt != Ptt::None || !options.talk.empty()))
        return "--listen-only never talks: leave --talk and --ptt out";
    if (options.listen_only && (options.event || options.vox))
        return "--listen-only never talks: leave --ptt event and --ptt vox out";
    return {};
}

}  // namespace

std::variant<Options, int> read_options(int argc, char** argv) {
    Words words;
    Options options;
    CLI::App app{kAbout, "crosspatch-radio"};
    app.set_version_flag("--version", CROSSPATCH_VERSION);
    describe(app, words, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& wanted) {
        return app.exit(wanted);
    } catch (const CLI::ParseError& error) {
        fmt::print(stderr, "crosspatch-radio: {}; --help shows the options\n", error.what());
        return 2;
    }
    for (const auto& complaint :
         {take_durations(words, options), take_addresses(words, options), take_codec(words, options),
          options.device == "list" ? Complaint{} : take_security(options), take_talk(words, options)}) {
        if (complaint.empty()) continue;
        fmt::print(stderr, "crosspatch-radio: {}\n", complaint);
        return 2;
    }
    return options;
}

}  // namespace crosspatch::radio
