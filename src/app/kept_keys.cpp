#include "crosspatch/app/kept_keys.hpp"

#include <fmt/format.h>

#include <iterator>

#include "crosspatch/core/file.hpp"

namespace crosspatch::app {
namespace {

core::Result<record::SigningKey> make(const std::filesystem::path& file) {
    auto made = record::SigningKey::generate();
    if (const auto written = record::write_signing_key(file, made); !written)
        return core::Unexpected{written.error()};
    return made;
}

// Of a few hundred agencies at most.
core::Result<void> check_keys_differ(const bridge::AgencyKeys& keys) {
    for (auto one = keys.begin(); one != keys.end(); ++one)
        for (auto other = std::next(one); other != keys.end(); ++other)
            if (one->second == other->second)
                return core::unexpected(
                    core::Error::Code::Invalid,
                    fmt::format(
                        "agencies '{}' and '{}' have the same key, {}: who signs for one would consent "
                        "for the other, too. Give each a key of its own",
                        one->first, other->first, record::key_text(one->second)));
    return {};
}

}  // namespace

std::filesystem::path kept_key_file(const std::filesystem::path& data_dir, const std::string& agency) {
    return data_dir / "keys" / ("agency-" + agency + ".key");
}

core::Result<LoadedKeys> load_kept_keys(const std::filesystem::path& data_dir,
                                        const std::vector<bridge::Agency>& agencies,
                                        const std::set<std::string>& ever_kept) {
    LoadedKeys loaded;
    for (const bridge::Agency& agency : agencies) {
        if (!agency.key_kept_here) continue;
        const std::filesystem::path file = kept_key_file(data_dir, agency.id);
        if (const auto wiped = core::wipe_replaced(file); !wiped)
            loaded.left.push_back(wiped.error().context);
        auto key = record::read_signing_key(file);
        if (!key && key.error().code == core::Error::Code::NotFound) {
            if (ever_kept.contains(agency.id)) {
                loaded.lost[agency.id] = file;
                continue;
            }
            key = make(file);
        }
        if (!key) return core::Unexpected{key.error()};
        loaded.kept[agency.id] = std::make_shared<const record::SigningKey>(std::move(*key));
    }
    if (const auto differ = check_keys_differ(public_keys(agencies, loaded.kept)); !differ)
        return core::Unexpected{differ.error()};
    return loaded;
}

core::Result<RotatedKey> rotate_kept_key(const std::filesystem::path& data_dir, const std::string& agency) {
    const std::filesystem::path file = kept_key_file(data_dir, agency);
    RotatedKey rotated{record::SigningKey::generate(), {}};
    if (const auto replaced = record::replace_signing_key(file, rotated.key); !replaced)
        return core::Unexpected{replaced.error()};
    if (const auto wiped = core::wipe_replaced(file); !wiped) rotated.left = wiped.error().context;
    return rotated;
}

bridge::AgencyKeys public_keys(const std::vector<bridge::Agency>& agencies, const KeptKeys& kept) {
    bridge::AgencyKeys keys;
    for (const bridge::Agency& agency : agencies)
        if (agency.public_key) keys[agency.id] = *agency.public_key;
    for (const auto& [agency, key] : kept) keys[agency] = key->public_key();
    return keys;
}

}  // namespace crosspatch::app
