#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"

namespace crosspatch::core::config {

struct Entry;

// One node of the parsed tree. It never moves once its Document is made: Node points at it.
struct Value {
    Node::Kind kind{Node::Kind::Null};
    bool quoted{};  // '', "" or a block scalar: its author meant text
    bool silent{};  // already reported as unreadable: whatever else is wrong with it is a consequence
    Mark mark;
    std::string text;
    std::vector<Value> list;
    std::vector<Entry> map;
};

struct Entry {
    std::string key;
    Mark mark;  // of the key
    Value value;
};

// `text` short enough for one line on a terminal, cut between code points.
std::string clipped(std::string_view text);
// The same in single quotes, as messages show what the file says.
std::string shown(std::string_view text);
std::string child_path(const std::string& parent, std::string_view key);
std::string child_path(const std::string& parent, std::size_t index);

}  // namespace crosspatch::core::config
