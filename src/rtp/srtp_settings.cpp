// The `srtp:` section of an endpoint. contract.md, Configuration, Key files; bad-input.md 30.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::rtp {
namespace {

using core::config::Node;
using core::config::Word;

constexpr std::size_t kMaxKeyText = 1024;  // keys have 60 characters; the rest is room to say what is wrong

core::Result<core::Secret> decode(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    auto octets = core::from_base64(text);
    core::wipe(std::as_writable_bytes(std::span{text}));
    if (!octets) {
        return core::unexpected(core::Error::Code::Invalid,
                                "this is not base64; a key is master key and salt in one, in padded base64");
    }
    core::Secret secret{*octets};
    core::wipe(*octets);
    return secret;
}

// systemd hands credentials over in a directory that only the service may enter; their modes vary with how it
// does so, so they are not held against them.
core::Result<core::Secret> read_credential(std::string_view credential) {
    const bool plain = !credential.empty() && credential.find('/') == std::string_view::npos &&
                       credential != "." && credential != "..";
    if (!plain) {
        return core::unexpected(core::Error::Code::Invalid,
                                fmt::format("'{}' is no name of a credential", core::escape(credential)));
    }
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (!directory || *directory == '\0') {
        return core::unexpected(
            core::Error::Code::NotFound,
            fmt::format("no credentials were handed over (CREDENTIALS_DIRECTORY is not set); start "
                        "the daemon by systemd with LoadCredential={0}:PATH",
                        core::escape(credential)));
    }
    auto octets = core::read_file(std::filesystem::path{directory} / credential, kMaxKeyText);
    if (!octets) return core::Unexpected{octets.error()};
    std::string text(octets->size(), '\0');
    std::transform(octets->begin(), octets->end(), text.begin(),
                   [](std::byte octet) { return static_cast<char>(octet); });
    core::wipe(*octets);
    return decode(std::move(text));
}

std::optional<core::Secret> read_inline(const Node& node, const KeyPlace& place) {
    if (!place.config_is_private) {
        node.problem(
            "a key stands here in a file that others may read: `chmod 600` the file, or use {file: PATH}");
        return std::nullopt;
    }
    auto text = node.text();
    if (!text) return std::nullopt;
    auto secret = decode(std::move(*text));
    if (!secret) {
        node.problem(secret.error().context);
        return std::nullopt;
    }
    return std::move(secret).value();
}

std::optional<core::Secret> read_elsewhere(const Node& node, const KeyPlace& place) {
    auto map = node.map();
    const auto file = map.find("file");
    const auto credential = map.find("credential");
    map.finish();
    if (file.has_value() == credential.has_value()) {
        node.problem("a key is 'BASE64', {file: PATH} or {credential: NAME}");
        return std::nullopt;
    }
    const Node& source = file ? *file : *credential;
    const auto text = source.text();
    if (!text) return std::nullopt;
    auto secret = file ? place.read_file(place.base / *text) : read_credential(*text);
    if (!secret) {
        source.problem(secret.error().context);
        return std::nullopt;
    }
    return std::move(secret).value();
}

std::optional<MasterKey> read_key(const Node& node, Suite suite, const KeyPlace& place) {
    auto secret = node.kind() == Node::Kind::Map ? read_elsewhere(node, place) : read_inline(node, place);
    if (!secret) return std::nullopt;
    auto key = MasterKey::make(suite, std::move(*secret));
    if (!key) {
        node.problem(key.error().context);
        return std::nullopt;
    }
    return std::move(key).value();
}

std::optional<std::vector<MasterKey>> read_receive(const Node& node, Suite suite, const KeyPlace& place) {
    std::vector<MasterKey> keys;
    const auto elements = node.one_or_list();
    if (elements.empty() || elements.size() > 2) {
        node.problem(fmt::format("{} keys; `receive` takes one key, or two: the new one, then the old one",
                                 elements.size()));
        return std::nullopt;
    }
    for (const Node& element : elements) {
        if (auto key = read_key(element, suite, place)) keys.push_back(std::move(*key));
    }
    if (keys.size() != elements.size()) return std::nullopt;
    if (keys.size() == 2 && keys[0].fingerprint() == keys[1].fingerprint()) {
        elements[1].problem(
            "the same key twice; the second one is the old key, which the first one replaces");
        return std::nullopt;
    }
    return keys;
}

std::optional<Suite> read_suite(core::config::Map& map) {
    const auto node = map.find("suite");
    if (!node) return Suite::Aes256Gcm;
    std::array<Word, 4> words;
    for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] = {info(static_cast<Suite>(i)).name, static_cast<int>(i)};
    }
    const auto suite = core::config::choice_of<Suite>(*node, "an SRTP suite", words);
    if (suite == Suite::None)
        node->warning("anybody on the path can hear this endpoint and speak in its place");
    return suite;
}

std::optional<SrtpSettings> read_without_suite(core::config::Map& map) {
    bool keys = false;
    for (const auto* name : {"receive", "send"}) {
        const auto node = map.find(name);
        if (!node) continue;
        node->problem("`suite: none` takes no keys; leave them out, or name a suite");
        keys = true;
    }
    map.finish();
    if (keys) return std::nullopt;
    SrtpSettings settings;
    settings.suite = Suite::None;
    return settings;
}

}  // namespace

std::optional<SrtpSettings> read_srtp(const Node& node, const KeyPlace& place) {
    auto map = node.map();
    if (!map.present()) return std::nullopt;
    const auto suite = read_suite(map);
    if (suite == Suite::None) return read_without_suite(map);
    const auto receive = map.require("receive");
    const auto send = map.require("send");
    map.finish();
    if (!suite || !receive || !send) return std::nullopt;
    auto receive_keys = read_receive(*receive, *suite, place);
    auto send_key = read_key(*send, *suite, place);
    if (!receive_keys || !send_key) return std::nullopt;
    for (const MasterKey& key : *receive_keys) {
        if (key.fingerprint() != send_key->fingerprint()) continue;
        // One key both ways: our own packets could be played back to us as theirs, and keystreams could meet.
        send->problem("the same key as in `receive`; each direction needs its own");
        return std::nullopt;
    }
    return SrtpSettings{*suite, std::move(*receive_keys), std::move(*send_key)};
}

}  // namespace crosspatch::rtp
