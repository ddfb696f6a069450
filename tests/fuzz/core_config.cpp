// Any octets as a configuration: read, asked for everything as everything, and complained about in clean
// lines.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/text.hpp"

namespace {

using namespace crosspatch::core;
constexpr std::array<config::Word, 2> kWords{{{"opus", 0}, {"pcmu", 1}}};

void must(bool held) {
    if (!held) std::abort();
}

void ask_as_everything(const config::Node& node) {
    using namespace std::chrono_literals;
    if (const auto value = config::integer(node, 1, 65'535)) must(*value >= 1 && *value <= 65'535);
    if (const auto value = config::duration(node, 20ms, 8h)) must(*value >= 20ms && *value <= 8h);
    if (const auto value = config::decibels(node, -60, 20)) must(*value >= -60 && *value <= 20);
    if (const auto value = config::identifier(node)) must(is_identifier(*value));
    if (const auto value = config::display_name(node)) must(check_name(*value).has_value());
    if (const auto value = config::address(node)) must(value->port() != 0);
    if (const auto value = config::listen_address(node)) must(static_cast<bool>(*value));
    (void)config::boolean(node);
    (void)config::choice(node, "codec", kWords);
    for (const auto& element : node.one_or_list()) (void)element.quoted();
}

void walk(const config::Node& node, int depth) {
    must(depth <= 64);
    must(node.mark().line >= 1 && node.mark().column >= 1);
    ask_as_everything(node);
    if (node.kind() == config::Node::Kind::List) {
        for (const auto& element : node.list()) walk(element, depth + 1);
    } else if (node.kind() == config::Node::Kind::Map) {
        auto map = node.map();
        (void)map.require("gateway");
        (void)map.find("id");
        map.not_yet("sip", "SIP consoles");
        map.finish();
        for (const auto& [key, value] : map.entries()) {
            must(is_utf8(key));
            walk(value, depth + 1);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    config::Problems problems{"f"};
    const auto document = config::Document::parse(text, problems);
    walk(document.root(), 0);
    for (const auto& line : problems.lines()) {
        must(is_utf8(line));
        must(std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }));
    }
    return 0;
}
