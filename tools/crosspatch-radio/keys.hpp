#pragma once
#include <optional>
#include <string>

#include "crosspatch/core/result.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::radio {

// The master key that the command line names: a key file (contract.md, Key files) or `inline:BASE64`. Errors
// name the option and say nothing about the key.
core::Result<rtp::MasterKey> read_master_key(const std::string& option, rtp::Suite suite,
                                             const std::string& text);

}  // namespace crosspatch::radio
