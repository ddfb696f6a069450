#pragma once
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/policy/groups.hpp"
#include "crosspatch/policy/rule.hpp"

namespace crosspatch::policy {

// `'@patrol'` names a group: its name, or nothing if `text` is an ordinary name.
std::optional<std::string_view> group_name(std::string_view text);

// Reads single names of agencies, channels, roles and talkers.
//
// Errors   each problem is reported at its place, with what was probably meant; read() then gives nothing.
// Thread   the one that loads the configuration.
class NameReader {
public:
    static constexpr int kMaxSuggestions = 50;  // each costs a look at every known name

    // Both outlive the reader.
    NameReader(const Vocabulary& vocabulary, Names& names) : vocabulary_{vocabulary}, names_{names} {}

    std::optional<NameId> read(const core::config::Node& node, NameSort sort);
    // `; did you mean '…'?` if something of `known` is near enough to `text`.
    std::string meant(std::string_view text, std::span<const std::string_view> known,
                      std::string_view before = {});

private:
    const Vocabulary& vocabulary_;
    Names& names_;
    int suggestions_left_{kMaxSuggestions};
};

void sort_once(std::vector<NameId>& ids);

}  // namespace crosspatch::policy
