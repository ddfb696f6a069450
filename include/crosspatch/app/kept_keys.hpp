#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/bridge/consents.hpp"
#include "crosspatch/core/result.hpp"

namespace crosspatch::app {

// The signing keys of agencies with `key: gateway`, by agency.
using KeptKeys = std::map<std::string, std::shared_ptr<const record::SigningKey>>;

std::filesystem::path kept_key_file(const std::filesystem::path& data_dir, const std::string& agency);

struct LoadedKeys {
    KeptKeys kept;
    std::map<std::string, std::filesystem::path> lost;  // by agency: the file that is missing
    std::vector<std::string>
        left;  // what an interrupted rotation has left of old keys and could not be overwritten
};

// Reads DATA_DIR/keys/agency-ID.key of each such agency; one that never was is made, 0600. The directory must be there.
// `ever_kept` are the agencies that had one: a key of theirs that is missing is lost, and nothing takes its place by itself.
//
// Errors   a file that others may read, or that is no key, is never replaced: says so. Two agencies with one key, wherever it
//          is kept: names both.
// Thread   any but the media workers: waits for the disk.
core::Result<LoadedKeys> load_kept_keys(const std::filesystem::path& data_dir,
                                        const std::vector<bridge::Agency>& agencies,
                                        const std::set<std::string>& ever_kept);

// A new key in the place of the agency's: durable when this returns. The old one is overwritten then; why that failed is said
// in `left`, and the next load tries again. Waits for the disk.
struct RotatedKey {
    record::SigningKey key;
    std::string left;
};
core::Result<RotatedKey> rotate_kept_key(const std::filesystem::path& data_dir, const std::string& agency);

// The public key of every agency, kept here or named by the configuration; none of one whose key is lost.
bridge::AgencyKeys public_keys(const std::vector<bridge::Agency>& agencies, const KeptKeys& kept);

}  // namespace crosspatch::app
