#include "crosspatch/core/config.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "src/core/config_value.hpp"

namespace crosspatch::core::config {
namespace {

constexpr std::size_t kMostNamed = 16;  // known keys that one message lists

const Entry* entry_of(const Value& map, std::string_view key) {
    const auto entry =
        std::find_if(map.map.begin(), map.map.end(), [&](const Entry& e) { return e.key == key; });
    return entry == map.map.end() ? nullptr : &*entry;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Node::Kind Node::kind() const { return value_->kind; }
Mark Node::mark() const { return value_->mark; }
bool Node::quoted() const { return value_->quoted; }

void Node::problem(std::string text) const {
    if (!value_->silent) problems_->add(value_->mark, path_, std::move(text));
}

void Node::warning(std::string text) const {
    if (!value_->silent) problems_->warn(value_->mark, path_, std::move(text));
}

std::optional<std::string> Node::text() const {
    switch (kind()) {
        case Kind::Scalar:
            return value_->text;
        case Kind::Null:
            problem(value_->text.empty()
                        ? "a value is missing here"
                        : value_->text + " means nothing at all in YAML; quote it if it is a text");
            break;
        case Kind::List:
            problem("a single value belongs here, not a list");
            break;
        case Kind::Map:
            problem("a single value belongs here, not a map");
            break;
    }
    return std::nullopt;
}

std::vector<Node> Node::list() const {
    std::vector<Node> nodes;
    if (kind() != Kind::List) {
        problem("a list belongs here: [a, b], or lines that begin with '- '");
        return nodes;
    }
    nodes.reserve(value_->list.size());
    for (std::size_t i = 0; i < value_->list.size(); ++i) {
        nodes.push_back(Node{&value_->list[i], child_path(path_, i), problems_});
    }
    return nodes;
}

std::vector<Node> Node::one_or_list() const {
    if (kind() == Kind::List) return list();
    if (kind() != Kind::Null) return {*this};
    problem("a value or a list is missing here");
    return {};
}

Map Node::map() const {
    if (kind() != Kind::Map) problem("keys and values belong here: {key: value}, or lines of 'key: value'");
    return Map{*this};
}

bool Map::present() const { return node_.kind() == Node::Kind::Map; }

std::optional<Node> Map::find(std::string_view key) {
    if (!has(known_, key)) known_.emplace_back(key);
    const Entry* entry = entry_of(*node_.value_, key);
    if (!entry) return std::nullopt;
    return Node{&entry->value, child_path(node_.path_, key), node_.problems_};
}

std::optional<Node> Map::require(std::string_view key) {
    auto node = find(key);
    if (!node && present()) node_.problem(fmt::format("the key '{}' is missing", key));
    return node;
}

void Map::not_yet(std::string_view key, std::string_view what) {
    if (!has(refused_, key)) refused_.emplace_back(key);
    if (const Entry* entry = entry_of(*node_.value_, key)) {
        node_.problems_->add(
            entry->mark, child_path(node_.path_, key),
            fmt::format("this version does not have this yet ({}); leave the key out", what));
    }
}

void Map::finish() {
    if (all_known_) return;
    const std::vector<std::string_view> names{known_.begin(), known_.end()};
    for (const Entry& entry : node_.value_->map) {
        if (has(known_, entry.key) || has(refused_, entry.key)) continue;
        std::string text = "unknown key";
        if (const auto meant = nearest(entry.key, names)) {
            text += fmt::format("; did you mean '{}'?", *meant);
        } else if (!names.empty() && names.size() <= kMostNamed) {
            text += fmt::format("; known here: {}", fmt::join(names, ", "));
        }
        node_.problems_->add(entry.mark, child_path(node_.path_, entry.key), std::move(text));
    }
}

std::vector<std::pair<std::string, Node>> Map::entries() {
    std::vector<std::pair<std::string, Node>> entries;
    entries.reserve(node_.value_->map.size());
    for (const Entry& entry : node_.value_->map) {
        entries.emplace_back(entry.key,
                             Node{&entry.value, child_path(node_.path_, entry.key), node_.problems_});
    }
    all_known_ = true;
    return entries;
}

}  // namespace crosspatch::core::config
