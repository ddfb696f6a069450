#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "crosspatch/policy/layout.hpp"

namespace crosspatch::policy {

// Lines about many ways, and whether they say all there is to say.
struct Told {
    std::vector<std::string> lines;
    bool complete{true};  // false: a bound was reached, and a line says which
};

// Who hears whom, bridge by bridge: a table of the channels, and for each way the rules on both keys with the situations
// in which they decide.
//
// Shape    at most 100 columns; ways from one channel that are alike are told together. At most kMaxSituations are
//          decided in all, Grid::kMaxCells on one way. Work has a bound, too (budget.hpp): kMaxWork in all, and on one way
//          kMaxAnswers are told apart. A line says where it stopped, and how to ask for less.
// Time     hours are those of the week that follows `now`.
inline constexpr std::size_t kMaxSituations = 5'000'000;
inline constexpr std::uint64_t kMaxWork = 5'000'000'000;  // some seconds
inline constexpr std::size_t kMaxAnswers = 200;
inline constexpr std::size_t kMaxWays = 500'000;  // that are compared
inline constexpr std::size_t kMaxSentences = 2'000;
Told who_hears_whom(const Layout& layout, const Names& names, core::WallTime now);

// What is decided otherwise in `after` than in `before`, a sentence each. Both with names of the same table.
//
// Shape    bounds as above. Found from decisions on every way that a bridge opens in either, over all situations that
//          rules of either tell apart; what is written otherwise and decides the same is no difference.
Told differences(const Layout& before, const Layout& after, const Names& names, core::WallTime now);

}  // namespace crosspatch::policy
