#pragma once
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "crosspatch/core/config.hpp"

namespace crosspatch::tests {

// A configuration file in a test: read it, ask it, and see what it complains about.
class Reading {
public:
    explicit Reading(std::string_view text)
        : document{core::config::Document::parse(text, problems)}, root{document.root()} {}

    // The value of `key` in the root.
    core::config::Node at(std::string_view key) const {
        auto map = root.map();
        const auto node = map.find(key);
        REQUIRE(node);
        return *node;
    }
    // All complaints, each on its line, without the file's name.
    std::string complaints() const { return joined(problems.lines()); }
    std::string warnings() const { return joined(problems.warnings()); }

    core::config::Problems problems{"f"};
    core::config::Document document;
    core::config::Node root;

private:
    static std::string joined(const std::vector<std::string>& lines) {
        std::string text;
        for (const auto& line : lines)
            text += (text.empty() ? "" : "\n") + line.substr(std::min<std::size_t>(2, line.size()));
        return text;
    }
};

inline std::string complaints_about(std::string_view text) { return Reading{text}.complaints(); }

// The tree on one line: maps in {}, lists in [], quoted scalars in '', nothing as -.
inline std::string outline(const core::config::Node& node) {
    using Kind = core::config::Node::Kind;
    std::string text;
    switch (node.kind()) {
        case Kind::Null:
            return "-";
        case Kind::Scalar:
            return node.quoted() ? '\'' + *node.text() + '\'' : *node.text();
        case Kind::List:
            for (const auto& element : node.list()) text += (text.empty() ? "" : " ") + outline(element);
            return '[' + text + ']';
        case Kind::Map:
            for (const auto& [key, value] : node.map().entries()) {
                text += (text.empty() ? "" : " ") + key + ':' + outline(value);
            }
            return '{' + text + '}';
    }
    return text;
}

inline std::string outline(std::string_view text) {
    const Reading reading{text};
    const std::string complaints = reading.complaints();
    return complaints.empty() ? outline(reading.root) : complaints;
}

}  // namespace crosspatch::tests
