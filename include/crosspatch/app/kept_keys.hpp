#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/bridge/consents.hpp"
#include "crosspatch/core/result.hpp"

namespace crosspatch::app {

// The signing keys of agencies with `key: gateway`, by agency.
using KeptKeys = std::map<std::string, std::shared_ptr<const record::SigningKey>>;

// Reads DATA_DIR/keys/agency-ID.key of each such agency; one that is not there is made, 0600. The directory must be there.
//
// Errors   a file that others may read, or that is no key, is never replaced: says so. Two agencies with one key, wherever it
//          is kept: names both.
// Thread   any but the media workers: waits for the disk.
core::Result<KeptKeys> load_kept_keys(const std::filesystem::path& data_dir,
                                      const std::vector<bridge::Agency>& agencies);

// The public key of every agency, kept here or named by the configuration.
bridge::AgencyKeys public_keys(const std::vector<bridge::Agency>& agencies, const KeptKeys& kept);

}  // namespace crosspatch::app
