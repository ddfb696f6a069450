#include "crosspatch/record/entry.hpp"

#include <algorithm>
#include <array>

namespace crosspatch::record {

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::Ok:
            return "ok";
        case Outcome::Denied:
            return "denied";
        case Outcome::Error:
            break;
    }
    return "error";
}

bool is_urgent(std::string_view type) {
    // Whole families end in a dot.
    static constexpr std::array<std::string_view, 15> kUrgent{
        "emergency.", "consent.",         "key.",          "config.",          "account.",
        "retention.", "bridge.opened",    "bridge.closed", "endpoint.revoked", "incident.",
        "recovery",   "software.started", "audit.gap",     "audit.failed",     "endpoint.disabled"};
    return std::any_of(kUrgent.begin(), kUrgent.end(), [&](std::string_view name) {
        return name.ends_with('.') ? type.starts_with(name) : type == name;
    });
}

}  // namespace crosspatch::record
