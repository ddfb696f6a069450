#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/policy/rule.hpp"

namespace crosspatch::policy {

// Reads the `when` of the rules of one list.
//
// Errors   each problem is reported at its place; read() then gives nothing, so that nothing is concluded
// from a rule
//          that was half understood.
// Thread   the one that loads the configuration.
class ConditionReader {
public:
    // All arguments outlive the reader.
    ConditionReader(std::string_view own_channel, const Vocabulary& vocabulary, Names& names, Zones& zones);

    std::optional<Conditions> read(const core::config::Node& when);

private:
    using Node = core::config::Node;
    using Map = core::config::Map;
    struct Words {
        std::string_view article_and_noun;         // `an agency`
        std::span<const std::string_view> sorted;  // those that are known
    };

    void read_keys(Map& map, bool negated, Conditions& into);
    // `known` left out: any identifier, since who talks is not known when the configuration is read.
    void read_names(Map& map, std::string_view key, const Words* known, bool negated, NameSet& into);
    std::optional<NameId> read_name(const Node& node, const Words& known);
    std::optional<NameId> read_talker(const Node& node);
    void read_words(Map& map, std::string_view key, std::string_view what, unsigned first_bit,
                    std::span<const core::config::Word> words, bool negated, Conditions& into);
    void read_emergency(Map& map, bool negated, Conditions& into);
    void read_hours(Map& map, bool negated, TimeSet& into);
    std::vector<Node> values_of(Map& map, std::string_view key, std::size_t limit);
    void check_keys(const Node& node, bool with_not);
    void check_contradictions(const Node& when, const Conditions& conditions);
    void check_channels(const Node& when, const Conditions& conditions);
    void problem(const Node& at, std::string text);

    std::string_view own_channel_;
    const Vocabulary& vocabulary_;
    Names& names_;
    Zones& zones_;
    Words agencies_;
    Words channels_;
    Words roles_;
    int suggestions_left_;   // each costs a look at every known name
    bool understood_{true};  // the `when` that is being read
};

}  // namespace crosspatch::policy
