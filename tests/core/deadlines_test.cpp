#include "crosspatch/core/deadlines.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

using namespace crosspatch::core;
using namespace std::chrono_literals;

TEST_CASE("deadlines come earliest first, equal ones by owner, whatever is set, moved and taken back") {
    std::mt19937 random{7};
    Deadlines deadlines;
    deadlines.grow(40);
    std::map<std::uint32_t, Time> model;
    const auto expected = [&]() -> std::optional<Deadlines::Entry> {
        std::optional<Deadlines::Entry> best;
        for (const auto& [owner, when] : model)
            if (!best || Deadlines::Entry{when, owner} < *best) best = Deadlines::Entry{when, owner};
        return best;
    };
    bool good = true;
    for (int step = 0; step < 20'000; ++step) {
        const auto owner = static_cast<std::uint32_t>(random() % 40);
        if (random() % 4 == 0) {
            deadlines.set(owner, kNever);
            model.erase(owner);
        } else {
            const Time when{1ms * (random() % 50)};
            deadlines.set(owner, when);
            model[owner] = when;
        }
        good = good && deadlines.earliest() == expected() && deadlines.size() == model.size();
        good = good && deadlines.when(owner) == (model.contains(owner) ? model[owner] : kNever);
    }
    CHECK(good);
}

TEST_CASE("growing keeps what is set") {
    Deadlines deadlines;
    deadlines.grow(1);
    deadlines.set(0, Time{5ms});
    deadlines.grow(3);
    deadlines.set(2, Time{4ms});
    CHECK(deadlines.earliest()->owner == 2);
    deadlines.set(2, kNever);
    CHECK(deadlines.earliest()->owner == 0);
}
