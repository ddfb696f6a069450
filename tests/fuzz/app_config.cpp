// Any octets as a whole configuration: what is refused is complained about in clean lines, and what is good
// holds together, so that nothing behind the loader has to look again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "crosspatch/app/config.hpp"
#include "crosspatch/core/text.hpp"

namespace {

using namespace crosspatch;
using namespace std::chrono_literals;

void must(bool held) {
    if (!held) std::abort();
}

// No file is read: a key is made of its path, as long as the suite that the path names; 44 octets otherwise.
core::Result<core::Secret> key_of(const std::filesystem::path& path) {
    const std::string name = path.native();
    if (name.find("nowhere") != std::string::npos)
        return core::unexpected(core::Error::Code::NotFound, name + ": no such file");
    const bool counter_mode = name.find("officer") != name.npos || name.find("tac-3") != name.npos;
    const std::size_t size = counter_mode ? 30 : name.find("post") != name.npos ? 28 : 44;
    std::vector<std::byte> octets(size);
    std::uint32_t mixed = 2166136261;
    for (std::size_t i = 0; i < std::max(name.size(), size); ++i) {
        mixed = (mixed ^ static_cast<unsigned char>(name[i % name.size()])) * 16777619;
        octets[i % size] ^= static_cast<std::byte>(mixed >> 13);
    }
    return core::Secret{octets};
}

template <typename Items>
std::set<std::string> ids_of(const Items& items) {
    std::set<std::string> ids;
    for (const auto& item : items) {
        must(core::is_identifier(item.id));
        must(ids.insert(item.id).second);
    }
    return ids;
}

// What the loader promises of every jurisdiction: either side cuts alone, and no two command.
void look_through(const bridge::Jurisdiction& jurisdiction) {
    std::set<std::string> commanding;
    for (const std::string& agency : jurisdiction.agencies())
        for (const std::string_view role : policy::kRoles) {
            if (bridge::is_commanding(role))
                must(jurisdiction.decide(bridge::Right::Close, agency, role).allowed);
            if (jurisdiction.decide(bridge::Right::Command, agency, role).allowed) commanding.insert(agency);
        }
    must(commanding.size() <= 1);
}

void look_through(const app::Config& config) {
    must(core::is_identifier(config.gateway.id));
    must(config.digest.size() == 64);
    must(config.gateway.data_dir.is_absolute());
    const auto agencies = ids_of(config.agencies);
    const auto channels = ids_of(config.channels);
    (void)ids_of(config.bridges);
    for (const bridge::Channel& channel : config.channels) must(agencies.contains(channel.agency));
    std::set<std::string> endpoints;
    for (const endpoint::Config& one : config.endpoints) {
        const endpoint::Settings& settings = one.settings;
        must(core::is_identifier(settings.id) && endpoints.insert(settings.id).second);
        must(channels.contains(settings.channel));
        must(settings.ptime >= 10ms && settings.ptime <= 60ms);
        must(settings.payload_type < 64 || (settings.payload_type > 95 && settings.payload_type < 128));
        must(settings.suite == one.srtp->suite);
        const bool sealed = settings.suite != rtp::Suite::None;
        must(one.srtp->send.has_value() == sealed && one.srtp->receive.empty() != sealed);
        must(one.srtp->receive.size() <= 2);
    }
    for (const bridge::Bridge& one : config.bridges) {
        must(one.legs.size() >= 2);
        std::set<std::string> legs;
        for (const bridge::Leg& leg : one.legs)
            must(channels.contains(leg.channel) && legs.insert(leg.channel).second);
        for (const std::string& agency : one.standing_consent) must(agencies.contains(agency));
        must(one.place.empty() || core::is_identifier(one.place));
        look_through(one.jurisdiction);
    }
}

void must_be_clean(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        must(line.starts_with("gateway.yaml:"));
        must(core::is_utf8(line));
        must(std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto loaded = app::load_config(text, "gateway.yaml", {"/etc/crosspatch", true, key_of});
    if (loaded) {
        look_through(**loaded);
        must_be_clean((*loaded)->warnings);
    } else {
        must(!loaded.error().empty());
        must_be_clean(loaded.error());
    }
    return 0;
}
