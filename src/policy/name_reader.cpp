#include "src/policy/name_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crosspatch/core/text.hpp"

namespace crosspatch::policy {
namespace {

constexpr std::array<std::string_view, kNameSorts> kWhat{
    "an agency of this configuration", "a channel of this configuration", "a role", "a talker's id"};

}  // namespace

std::optional<std::string_view> group_name(std::string_view text) {
    if (!text.starts_with('@')) return std::nullopt;
    return text.substr(1);
}

std::string NameReader::meant(std::string_view text, std::span<const std::string_view> known,
                              std::string_view before) {
    if (suggestions_left_ <= 0) return {};
    --suggestions_left_;
    const auto near = core::config::nearest(text, known);
    return near ? fmt::format("; did you mean '{}{}'?", before, *near) : std::string{};
}

std::optional<NameId> NameReader::read(const core::config::Node& node, NameSort sort) {
    if (sort == NameSort::Talker) {
        const auto id = core::config::identifier(node);
        return id ? std::optional{names_.intern(*id)} : std::nullopt;
    }
    const auto text = node.text();
    if (!text) return std::nullopt;
    const auto known = vocabulary_.names(sort);
    if (std::binary_search(known.begin(), known.end(), std::string_view{*text})) return names_.intern(*text);
    node.problem(fmt::format("'{}' is not {}{}", core::escape(*text), kWhat[static_cast<std::size_t>(sort)],
                             meant(*text, known)));
    return std::nullopt;
}

void sort_once(std::vector<NameId>& ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace crosspatch::policy
