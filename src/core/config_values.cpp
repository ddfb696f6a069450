#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/text.hpp"
#include "src/core/config_value.hpp"

namespace crosspatch::core::config {
namespace {

bool all_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Plain decimal digits. `011614` is octal to some readers and decimal to others, so it is neither here.
std::optional<std::int64_t> plain_decimal(std::string_view text) {
    if (!all_digits(text) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    // Larger than any number is still a number, and out of range wherever it stands.
    return failure == std::errc{} ? value : std::numeric_limits<std::int64_t>::max();
}

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::array<Unit, 4> kUnits{{{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};

// In the largest unit that says it exactly.
std::string in_words(std::chrono::milliseconds duration) {
    for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
        if (duration.count() != 0 && duration.count() % unit->milliseconds == 0) {
            return fmt::format("{}{}", duration.count() / unit->milliseconds, unit->name);
        }
    }
    return fmt::format("{}ms", duration.count());
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = plain_decimal(text.substr(0, digits));
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& known) { return known.name == text.substr(digits); });
    if (!count || unit == kUnits.end()) return std::nullopt;
    const std::int64_t most = std::chrono::milliseconds::max().count() / unit->milliseconds;
    return std::chrono::milliseconds{std::min(*count, most) * unit->milliseconds};
}

// `-6`, `0`, `1.5`: what stands before dB. No exponent, no inf, no nan.
std::optional<double> parse_level(std::string_view text) {
    std::string_view digits = text;
    if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
    const auto point = digits.find('.');
    if (!plain_decimal(digits.substr(0, point)) || digits.size() > 9) return std::nullopt;
    if (point != std::string_view::npos && !all_digits(digits.substr(point + 1))) return std::nullopt;
    double value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return text.starts_with('-') ? -value : value;
}

std::string lower(std::string_view text) {
    std::string folded{text};
    for (char& c : folded) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return folded;
}

// Letters added, left out, mistaken or swapped with their neighbour between two words (optimal string
// alignment).
std::size_t typing_errors(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before_last.swap(last);
        last.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
    }
    return row[b.size()];
}

std::optional<Address> address_of(const Node& node, bool any_port) {
    if (node.kind() == Node::Kind::List || node.kind() == Node::Kind::Map) {
        node.problem("an address and port belongs here; an IPv6 address is quoted: '[2001:db8::1]:40000'");
        return std::nullopt;
    }
    const auto text = node.text();
    if (!text) return std::nullopt;
    if (const auto address = Address::parse(*text, any_port)) return address;
    std::string wrong = shown(*text) + " is not an address and port; ";
    if (std::count(text->begin(), text->end(), ':') > 1) {
        wrong += "an IPv6 address stands in brackets and quotes: '[2001:db8::1]:40000'";
    } else if (text->find(':') == std::string::npos) {
        wrong += any_port ? "the port is missing: 192.0.2.1:40000, or 192.0.2.1:0 for any free port"
                          : "the port is missing: 192.0.2.1:40000";
    } else {
        wrong += any_port ? "write numbers, not names, and a port from 0 to 65535: 192.0.2.1:40000"
                          : "write numbers, not names, and a port from 1 to 65535: 192.0.2.1:40000";
    }
    node.problem(std::move(wrong));
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> integer(const Node& node, std::int64_t min, std::int64_t max) {
    const auto text = node.text();
    if (!text) return std::nullopt;
    const auto value = plain_decimal(*text);
    if (value && node.quoted()) {
        node.problem(fmt::format("{} is quoted; write the number without quotes", shown(*text)));
        return std::nullopt;
    }
    if (!value) {
        node.problem(fmt::format("{} is not a whole number; write decimal digits only, from {} to {}",
                                 shown(*text), min, max));
        return std::nullopt;
    }
    if (*value < min || *value > max) {
        node.problem(fmt::format("{} is out of range; from {} to {}", shown(*text), min, max));
        return std::nullopt;
    }
    return value;
}

std::optional<bool> boolean(const Node& node) {
    const auto text = node.text();
    if (!text) return std::nullopt;
    if (!node.quoted() && *text == "true") return true;
    if (!node.quoted() && *text == "false") return false;
    node.problem(shown(*text) + (node.quoted() ? " is quoted; write true or false without quotes"
                                               : " is neither true nor false"));
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> duration(const Node& node, std::chrono::milliseconds min,
                                                  std::chrono::milliseconds max) {
    const auto text = node.text();
    if (!text) return std::nullopt;
    const auto value = parse_duration(*text);
    if (!value) {
        node.problem(
            all_digits(*text)
                ? fmt::format("{} has no unit; write ms, s, m or h after the number, such as 250ms or 30s",
                              shown(*text))
                : fmt::format("{} is not a duration; write a whole number and ms, s, m or h, such as 250ms "
                              "or 30s",
                              shown(*text)));
        return std::nullopt;
    }
    if (*value < min || *value > max) {
        node.problem(
            fmt::format("{} is out of range; from {} to {}", shown(*text), in_words(min), in_words(max)));
        return std::nullopt;
    }
    return value;
}

std::optional<double> decibels(const Node& node, double min, double max) {
    const auto text = node.text();
    if (!text) return std::nullopt;
    const auto value = text->ends_with("dB")
                           ? parse_level(std::string_view{*text}.substr(0, text->size() - 2))
                           : std::nullopt;
    if (!value) {
        node.problem(shown(*text) + " is not a level; write a number and dB, such as -6dB or 1.5dB");
        return std::nullopt;
    }
    if (*value < min || *value > max) {
        node.problem(fmt::format("{} is out of range; from {}dB to {}dB", shown(*text), min, max));
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> identifier(const Node& node) {
    auto text = node.text();
    if (!text || is_identifier(*text)) return text;
    node.problem(shown(*text) + " is not an identifier; 1 to 32 of a-z, 0-9 and '-'");
    return std::nullopt;
}

std::optional<std::string> display_name(const Node& node) {
    const auto text = node.text();
    if (!text) return std::nullopt;
    auto name = check_name(*text);
    if (name) return std::move(*name);
    node.problem(name.error().context);
    return std::nullopt;
}

std::optional<Address> address(const Node& node) { return address_of(node, false); }
std::optional<Address> listen_address(const Node& node) { return address_of(node, true); }

std::optional<int> choice(const Node& node, std::string_view what, std::span<const Word> words) {
    const auto text = node.text();
    if (!text) return std::nullopt;
    std::vector<std::string_view> known;
    for (const Word& word : words) {
        if (word.text == *text) return word.value;
        known.push_back(word.text);
    }
    const bool vowel = !what.empty() && std::string_view{"aeiou"}.find(what[0]) != std::string_view::npos;
    std::string wrong = fmt::format("{} is not {} {}; ", shown(*text), vowel ? "an" : "a", what);
    if (const auto meant = nearest(*text, known)) {
        wrong += fmt::format("did you mean '{}'?", *meant);
    } else {
        wrong += fmt::format("one of {}", fmt::join(known, ", "));
    }
    node.problem(std::move(wrong));
    return std::nullopt;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known) {
    constexpr std::size_t kLongestWord = 64;
    if (word.size() > kLongestWord) return std::nullopt;
    const std::string meant = lower(word);
    std::optional<std::string_view> best;
    std::size_t fewest = 0;
    for (const std::string_view candidate : known) {
        if (candidate.size() > kLongestWord) continue;
        const std::size_t shorter = std::min(word.size(), candidate.size());
        const std::size_t longer = std::max(word.size(), candidate.size());
        // One slip in three letters is a slip, more is another word.
        const std::size_t allowed = shorter < 3 ? shorter / 2 : std::min<std::size_t>(longer / 3, 3);
        if (longer - shorter > allowed) continue;
        const std::size_t errors = typing_errors(meant, lower(candidate));
        if (errors <= allowed && (!best || errors < fewest)) {
            best = candidate;
            fewest = errors;
        }
    }
    return best;
}

}  // namespace crosspatch::core::config
