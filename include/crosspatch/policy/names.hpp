#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace crosspatch::policy {

// A name as a number: agencies, channels, roles and talkers are compared as these.
enum class NameId : std::uint32_t { None = 0 };  // None: no name, or one that no table knows

// The names that configuration and rules use, each with a number of its own.
//
// Shape    grows only; a name keeps its number while the table lives. One table for all rule lists and all
// facts that
//          are put to them: numbers of two tables do not compare.
// Errors   an unknown name is NameId::None, which no list of names contains.
// Thread   control only. The numbers go anywhere, the table does not.
class Names {
public:
    Names() = default;
    Names(const Names&) = delete;  // by_text_ points into texts_
    Names& operator=(const Names&) = delete;
    Names(Names&&) = default;
    Names& operator=(Names&&) = default;

    NameId intern(std::string_view text);  // the empty name is None
    NameId find(std::string_view text) const;
    std::string_view text(NameId id) const;  // empty for None and for numbers never given out

private:
    std::deque<std::string> texts_;  // a deque: elements never move
    std::unordered_map<std::string_view, NameId> by_text_;
};

}  // namespace crosspatch::policy
