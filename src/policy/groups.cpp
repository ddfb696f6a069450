#include "crosspatch/policy/groups.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "crosspatch/core/text.hpp"
#include "src/policy/name_reader.hpp"

namespace crosspatch::policy {
namespace {

using core::config::Map;
using core::config::Node;

constexpr std::array<std::string_view, kNameSorts> kWords{"agency", "channel", "role", "talker"};
constexpr std::array<std::string_view, kNameSorts> kPlurals{"agencies", "channels", "roles", "talkers"};

class GroupReader {
public:
    GroupReader(const Vocabulary& vocabulary, Names& names) : reader_{vocabulary, names} {}

    Groups read(const Node& node);

private:
    struct Draft {
        Node node;
        NameSort sort{};
        std::vector<NameId> members;
        std::vector<std::pair<Node, std::string>> others;  // groups in it, each once
        enum class State { Open, Visiting, Done } state{State::Open};
        bool good{true};
    };

    std::optional<Draft> read_draft(const Node& node);
    void read_members(const Node& list, Draft& draft);
    void resolve(const std::string& name, Draft& draft);
    void take_over(const std::string& name, Draft& draft, const Node& at, const std::string& other);
    static void problem(const Node& at, Draft& draft, std::string text) {
        at.problem(std::move(text));
        draft.good = false;
    }

    NameReader reader_;
    std::map<std::string, Draft, std::less<>> drafts_;
    std::vector<std::string_view> path_;  // of groups that are being written out, the outermost first
};

void GroupReader::read_members(const Node& list, Draft& draft) {
    for (const Node& member : list.one_or_list()) {
        if (draft.members.size() + draft.others.size() >= Groups::kMaxMembers) {
            problem(list, draft, fmt::format("a group has at most {} members", Groups::kMaxMembers));
            return;
        }
        const auto text = member.text();
        if (!text) {
            draft.good = false;
        } else if (const auto other = group_name(*text)) {
            const auto same = [&](const auto& known) { return known.second == *other; };
            if (std::none_of(draft.others.begin(), draft.others.end(), same))
                draft.others.emplace_back(member, *other);
        } else if (const auto id = reader_.read(member, draft.sort)) {
            draft.members.push_back(*id);
        } else {
            draft.good = false;
        }
    }
    if (draft.good && draft.members.empty() && draft.others.empty())
        problem(list, draft, "a group without members matches nothing; give it some or take it away");
}

// `{talkers: [ng-unit-7, ng-unit-8]}`; nothing if it is not a map of one sort.
std::optional<GroupReader::Draft> GroupReader::read_draft(const Node& node) {
    Map map = node.map();
    if (!map.present()) return std::nullopt;
    Draft draft{node, {}, {}, {}};
    std::size_t sorts = 0;
    for (std::size_t i = 0; i < kNameSorts; ++i) {
        const auto list = map.find(kPlurals[i]);
        if (!list) continue;
        ++sorts;
        draft.sort = static_cast<NameSort>(i);
        read_members(*list, draft);
    }
    map.finish();
    if (sorts != 1)
        problem(node, draft,
                fmt::format("a group has members of one sort: {}; this has {}", fmt::join(kPlurals, ", "),
                            sorts == 0 ? "none" : "several"));
    return draft;
}

// Puts the members of `other` into `draft`.
void GroupReader::take_over(const std::string& name, Draft& draft, const Node& at, const std::string& other) {
    const auto found = drafts_.find(other);
    if (found == drafts_.end()) {
        std::vector<std::string_view> known;
        for (const auto& [id, one] : drafts_) known.push_back(id);
        return problem(
            at, draft,
            fmt::format("there is no group '@{}'{}", core::escape(other), reader_.meant(other, known, "@")));
    }
    Draft& inner = found->second;
    if (inner.state == Draft::State::Visiting) {
        const auto first = std::find(path_.begin(), path_.end(), std::string_view{other});
        return problem(at, draft,
                       fmt::format("group '{}' contains itself: {} > {}; take one of them out", other,
                                   fmt::join(first, path_.end(), " > "), other));
    }
    resolve(other, inner);
    if (!inner.good) {
        draft.good = false;
    } else if (inner.sort != draft.sort) {
        problem(at, draft,
                fmt::format("'@{}' is a group of {}, and '{}' is one of {}", other, plural(inner.sort), name,
                            plural(draft.sort)));
    } else {
        draft.members.insert(draft.members.end(), inner.members.begin(), inner.members.end());
        sort_once(draft.members);
        if (draft.members.size() > Groups::kMaxMembers)
            problem(at, draft,
                    fmt::format("with '@{}' this group has {} members; at most {}", other,
                                draft.members.size(), Groups::kMaxMembers));
    }
}

void GroupReader::resolve(const std::string& name, Draft& draft) {
    if (draft.state == Draft::State::Done) return;
    draft.state = Draft::State::Visiting;
    path_.push_back(name);
    sort_once(draft.members);
    for (const auto& [at, other] : draft.others)
        if (draft.members.size() <= Groups::kMaxMembers) take_over(name, draft, at, other);
    path_.pop_back();
    draft.state = Draft::State::Done;
}

Groups GroupReader::read(const Node& node) {
    Groups groups;
    Map map = node.map();
    const auto entries = map.entries();
    if (entries.size() > Groups::kMaxGroups) {
        node.problem(fmt::format("{} groups are too many; at most {}", entries.size(), Groups::kMaxGroups));
        return groups;
    }
    for (const auto& [name, one] : entries) {
        if (!core::is_identifier(name))
            one.problem(
                fmt::format("'{}' is not a name for a group: use a-z, 0-9 and -, at most 32 characters",
                            core::escape(name)));
        else if (auto draft = read_draft(one))
            drafts_.emplace(name, std::move(*draft));
    }
    for (auto& [name, draft] : drafts_) resolve(name, draft);
    for (auto& [name, draft] : drafts_)
        if (draft.good) groups.add(name, {draft.sort, std::move(draft.members)});
    return groups;
}

}  // namespace

std::string_view word(NameSort sort) { return kWords[static_cast<std::size_t>(sort)]; }
std::string_view plural(NameSort sort) { return kPlurals[static_cast<std::size_t>(sort)]; }

const Groups::Group* Groups::find(std::string_view name) const {
    const auto found = groups_.find(name);
    return found == groups_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> Groups::names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, group] : groups_) names.push_back(name);
    return names;
}

bool Groups::take(std::size_t names) const {
    taken_ += names;
    return taken_ <= kMaxTaken;
}

Groups read_groups(const Node& node, const Vocabulary& vocabulary, Names& names) {
    return GroupReader{vocabulary, names}.read(node);
}

}  // namespace crosspatch::policy
