#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/policy/names.hpp"

namespace crosspatch::policy {

class Vocabulary;

// What a name is the name of.
enum class NameSort : std::uint8_t { Agency, Channel, Role, Talker };
inline constexpr std::size_t kNameSorts = 4;
std::string_view word(NameSort sort);    // `agency`, as the condition is called
std::string_view plural(NameSort sort);  // `agencies`, as a group calls its members

// Names that belong together under one of their own: `groups: {patrol: {talkers: [ng-unit-7, ng-unit-8]}}`. A rule
// says `talker: '@patrol'` in place of the list.
//
// Shape    at most kMaxGroups, each with at most kMaxMembers once the groups in it are written out. What rules
//          take from groups is bounded for a whole configuration: kMaxTaken names, 12 MB.
// Thread   the one that loads the configuration.
class Groups {
public:
    static constexpr std::size_t kMaxGroups = 256;
    static constexpr std::size_t kMaxMembers = 1000;
    static constexpr std::size_t kMaxTaken = 2'000'000;

    struct Group {
        NameSort sort{};
        std::vector<NameId> members;  // sorted, each once; at least one
    };

    const Group* find(std::string_view name) const;  // without the `@`
    std::vector<std::string_view> names() const;     // in order
    void add(std::string name, Group group) { groups_.emplace(std::move(name), std::move(group)); }
    // A rule copies so many names. False: they would be more than kMaxTaken in all.
    bool take(std::size_t names) const;

private:
    std::map<std::string, Group, std::less<>> groups_;
    mutable std::size_t taken_{};
};

// Reads the map at `node`. Members are names that `vocabulary` knows (talkers: any id), and other groups of the
// same sort as `'@name'`.
//
// Errors   each problem is reported at its place: unknown names and groups with what was probably meant, groups that
//          are empty, of two sorts, too large or contain themselves. Such a group is left out.
Groups read_groups(const core::config::Node& node, const Vocabulary& vocabulary, Names& names);

}  // namespace crosspatch::policy
