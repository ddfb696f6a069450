#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/policy/budget.hpp"
#include "crosspatch/policy/layout.hpp"

namespace crosspatch::policy {

// Every situation that rules tell apart on the way from one channel to another: who talks, what, how, to which listener
// and when; for answers in words that hold for all of it.
//
// Shape    a number for each cell of (role, talker, kind, emergency, talker's suite, listener's suite, time), kMaxCells
//          at most. Values that no rule tells apart are one. Text, pictures and positions travel by the API and have
//          no suite. Times are those of one week.
// Thread   any, no clock.
class Grid {
public:
    static constexpr std::size_t kMaxCells = 100'000;
    static constexpr std::size_t kMaxBoxes = 2'000;
    enum Axis : std::size_t { kRole, kTalker, kKind, kEmergency, kSuite, kListener, kTime, kAxes };

    // One situation of the grid.
    struct Cell {
        NameId role{};
        NameId talker{};
        Kind kind{};
        bool emergency{};
        Suite suite{};
        Suite listener{};
        core::WallTime time;
    };
    // The situations that have, on each axis, one of these values.
    struct Box {
        std::array<std::vector<std::size_t>, kAxes> values;
    };

    // A way, in one configuration or in each of several: the same two channels. `week` is a Monday; the names are of all
    // of them. Lists outlive the grid.
    struct Way {
        const Layout::Channel* from;
        const Layout::Channel* to;
    };
    Grid(const std::vector<Way>& ways, const Names& names, core::WallTime week);

    bool too_large() const { return cells() > kMaxCells; }
    std::size_t cells() const;
    Cell cell(std::size_t index) const;
    // Boxes that together hold exactly the cells with that number, in `of`. Nothing: there are more than kMaxBoxes, or the
    // budget is spent.
    std::optional<std::vector<Box>> boxes(const std::vector<std::uint32_t>& of, std::uint32_t number,
                                          Budget& budget) const;
    // `guards, voice, not in an emergency, Mon-Fri 06:00-22:00 America/Chicago`; empty: whatever the situation.
    std::string who(const Box& box) const;         // `everybody` if nobody is left out
    bool is_several(const Box& box) const;         // who() is followed by `are`, not by `is`
    std::string conditions(const Box& box) const;  // the rest

private:
    struct Span {
        core::WallTime begin, end;
    };
    void add_names(Axis axis, const std::vector<const RuleList*>& lists, NameSet Conditions::*condition);
    void add_times(const std::vector<const RuleList*>& lists, core::WallTime week);
    bool tells_apart(const std::vector<const RuleList*>& lists, unsigned first_bit, unsigned width) const;
    std::optional<std::vector<Box>> boxes_from(std::size_t axis, std::size_t offset,
                                               const std::vector<std::uint32_t>& of, std::uint32_t number,
                                               Budget& budget) const;
    std::string names(const Box& box, Axis axis, std::string_view plural_ending) const;
    std::string times(const Box& box) const;

    const Names& names_;
    std::array<std::size_t, kAxes> sizes_{};
    std::vector<NameId> roles_;    // the last is None: all that no rule names
    std::vector<NameId> talkers_;  // likewise
    std::vector<Kind> kinds_;
    std::vector<bool> emergencies_;
    std::vector<Suite> suites_;
    std::vector<Suite> listeners_;
    std::vector<Span> spans_;
    std::shared_ptr<const Zone> zone_;  // in which times are told; none: UTC
};

std::string joined(const std::vector<std::string>& words);  // `a, b and c`

}  // namespace crosspatch::policy
