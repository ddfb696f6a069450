#pragma once
#include "crosspatch/core/config.hpp"

namespace crosspatch::record {

// What happens to the floor while the log cannot be written; contract.md, Record.
enum class OnFailure { KeepTalking, Refuse };

struct Settings {
    OnFailure on_failure{OnFailure::KeepTalking};
    bool recordings{false};  // asked for; this version keeps none and warns
};

// Reads `gateway.record`; problems and warnings go to where they stand.
Settings read_settings(const core::config::Node& node);

}  // namespace crosspatch::record
