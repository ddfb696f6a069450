#pragma once
#include <filesystem>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/unique_fd.hpp"
#include "crosspatch/record/checkpoint.hpp"

// The data directory as the log needs it: its own, locked, with the lasting key in it.
namespace crosspatch::record {

// Holds DATA_DIR/lock for as long as it is open. Busy, with the other's process number, if another daemon has
// it.
core::Result<core::UniqueFd> lock_directory(const std::filesystem::path& data_dir);

// DATA_DIR/keys/log.key, made at the first start. A key that is gone while log files are there is not
// replaced: the log it signed could not go on. Writes the verifier key beside it as log.vkey.
core::Result<SigningKey> load_key(const std::filesystem::path& data_dir);

}  // namespace crosspatch::record
