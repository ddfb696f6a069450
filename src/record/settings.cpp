#include "crosspatch/record/settings.hpp"

#include <array>

namespace crosspatch::record {

namespace config = core::config;

Settings read_settings(const config::Node& node) {
    static constexpr std::array<config::Word, 2> kRules{
        config::Word{"keep_talking", static_cast<int>(OnFailure::KeepTalking)},
        config::Word{"refuse", static_cast<int>(OnFailure::Refuse)},
    };
    Settings settings;
    auto map = node.map();
    if (!map.present()) return settings;
    if (const auto rule = map.find("on_failure")) {
        settings.on_failure = config::choice_of<OnFailure>(*rule, "rule for a log that fails", kRules)
                                  .value_or(settings.on_failure);
    }
    if (const auto recordings = map.find("recordings")) {
        settings.recordings = config::boolean(*recordings).value_or(false);
        if (settings.recordings)
            recordings->warning("recordings are not in this version; nothing is kept of what is said");
    }
    map.finish();
    return settings;
}

}  // namespace crosspatch::record
