#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crosspatch/codec/format.hpp"
#include "src/codec/opus_state.hpp"

// How the configuration writes a format: `codec: opus`, `codec: {name: opus, rate: 16000, fec: auto}`.
// contract.md.
namespace crosspatch::codec {
namespace {

namespace config = core::config;

constexpr std::array kNames{
    config::Word{"opus", 0},         config::Word{"pcmu", 1},         config::Word{"pcma", 2},
    config::Word{"g722", 3},         config::Word{"gsm", 4},          config::Word{"l16/8000", 5},
    config::Word{"l16/16000", 6},    config::Word{"l16/48000", 7},    config::Word{"codec2/3200", 8},
    config::Word{"codec2/2400", 9},  config::Word{"codec2/1600", 10}, config::Word{"codec2/1400", 11},
    config::Word{"codec2/1300", 12}, config::Word{"codec2/1200", 13},
};
constexpr std::array<std::string_view, 5> kOpusKeys{"bitrate", "complexity", "fec", "dtx", "vbr"};

std::optional<Format> named(const config::Node& node, const std::string& name) {
    if (const auto format = format_named(name)) return format;
    if (name == "l16") {
        node.problem("'l16' needs its rate: l16/8000, l16/16000 or l16/48000");
    } else if (name == "codec2") {
        node.problem("'codec2' needs its mode: codec2/3200, /2400, /1600, /1400, /1300 or /1200");
    } else if (name.starts_with("codec2/700") || name.starts_with("codec2/450")) {
        node.problem(fmt::format(
            "'{}' is not offered: it cannot be encoded without pauses; the lowest is codec2/1200", name));
    } else {
        (void)config::choice(node, "codec", kNames);  // reports it, with the nearest name
    }
    return std::nullopt;
}

// The map form, key by key.
class Reader {
public:
    explicit Reader(config::Map& map) : map_{map} {}

    std::optional<Format> read() {
        auto rate = map_.find("rate");
        const auto name_node = map_.require("name");
        std::optional<Format> format;
        if (name_node) format = read_name(*name_node, rate);
        if (format && rate) read_rate(*format, *rate);
        if (!format || format->kind == Kind::Opus) {
            Format ignored;
            read_opus(format ? *format : ignored);
        } else {
            refuse_opus_keys(*format);
        }
        map_.finish();
        return good_ ? format : std::nullopt;
    }

private:
    // `{name: l16, rate: 16000}` is the same as `{name: l16/16000}`.
    std::optional<Format> read_name(const config::Node& node, std::optional<config::Node>& rate) {
        auto name = node.text();
        if (!name) return std::nullopt;
        if (*name == "l16" && rate) {
            const auto value = config::integer(*rate, 8000, 48000);
            if (!value) return std::nullopt;
            if (const auto format = format_named(fmt::format("l16/{}", *value))) return format;
            rate->problem(fmt::format("l16 has no rate {}: 8000, 16000 or 48000", *value));
            return std::nullopt;
        }
        return named(node, *name);
    }

    void read_rate(Format& format, const config::Node& node) {
        const auto value = config::integer(node, 8000, 48000);
        good_ = good_ && value;
        if (!value) return;
        const auto rate = static_cast<std::uint32_t>(*value);
        if (format.kind != Kind::Opus) {
            if (rate != format.rate)
                refuse(node, fmt::format("{} always has the rate {}; leave `rate` out", format.name(),
                                         format.rate));
        } else if (std::ranges::find(kOpusRates, rate) == kOpusRates.end()) {
            refuse(node, fmt::format("opus has no rate {}: 8000, 12000, 16000, 24000 or 48000", rate));
        } else {
            format.rate = rate;
        }
    }

    void read_opus(Format& format) {
        if (const auto node = map_.find("bitrate"))
            if (const auto value = noted(config::integer(*node, 6000, 128000)))
                format.bitrate = static_cast<std::uint32_t>(*value);
        if (const auto node = map_.find("complexity"))
            if (const auto value = noted(config::integer(*node, 0, 10)))
                format.complexity = static_cast<std::uint8_t>(*value);
        if (const auto node = map_.find("fec")) {
            static constexpr std::array kWords{config::Word{"auto", static_cast<int>(Fec::Auto)},
                                               config::Word{"true", static_cast<int>(Fec::On)},
                                               config::Word{"false", static_cast<int>(Fec::Off)}};
            if (const auto value = noted(config::choice_of<Fec>(*node, "setting of fec", kWords)))
                format.fec = *value;
        }
        if (const auto node = map_.find("dtx"))
            if (const auto value = noted(config::boolean(*node))) format.dtx = *value;
        if (const auto node = map_.find("vbr"))
            if (const auto value = noted(config::boolean(*node))) format.vbr = *value;
    }

    void refuse_opus_keys(const Format& format) {
        for (const std::string_view key : kOpusKeys)
            if (const auto node = map_.find(key))
                refuse(*node, fmt::format("{} has no `{}`, only opus has; leave it out", format.name(), key));
    }

    void refuse(const config::Node& node, std::string text) {
        node.problem(std::move(text));
        good_ = false;
    }

    template <typename T>
    std::optional<T> noted(std::optional<T> value) {
        good_ = good_ && value;
        return value;
    }

    config::Map& map_;
    bool good_{true};
};

}  // namespace

std::optional<Format> read_format(const core::config::Node& node) {
    if (node.kind() != config::Node::Kind::Map) {
        const auto name = node.text();
        return name ? named(node, *name) : std::nullopt;
    }
    config::Map map = node.map();
    return Reader{map}.read();
}

}  // namespace crosspatch::codec
