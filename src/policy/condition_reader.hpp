#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/policy/rule.hpp"
#include "src/policy/name_reader.hpp"

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
    // A condition that takes one of a few words: its bits in Conditions::fields.
    struct Field {
        std::string_view key;
        std::string_view what;  // completes `is not a …`
        unsigned first_bit;
        unsigned width;  // may be one more than `words`: what no word names
        std::span<const core::config::Word> words;
    };
    static const std::span<const Field> kFields;

    void read_keys(Map& map, bool negated, Conditions& into);
    void read_names(Map& map, NameSort sort, bool negated, NameSet& into);
    bool read_name_or_group(const Node& node, NameSort sort, std::vector<NameId>& into);
    bool read_group(const Node& node, std::string_view name, NameSort sort, std::vector<NameId>& into);
    void read_words(Map& map, const Field& field, bool negated, Conditions& into);
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
    NameReader reader_;
    bool understood_{true};  // the `when` that is being read
};

}  // namespace crosspatch::policy
