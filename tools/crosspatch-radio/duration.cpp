#include "duration.hpp"

#include <charconv>
#include <cstdint>

namespace crosspatch::radio {

std::optional<std::chrono::milliseconds> duration(std::string_view text) {
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit{rest, static_cast<std::size_t>(text.data() + text.size() - rest)};
    if (error != std::errc{} || number < 0 || number > 1'000'000'000) return std::nullopt;
    if (unit == "ms") return std::chrono::milliseconds{number};
    if (unit == "s") return std::chrono::seconds{number};
    if (unit == "m") return std::chrono::minutes{number};
    if (unit == "h") return std::chrono::hours{number};
    return std::nullopt;
}

}  // namespace crosspatch::radio
