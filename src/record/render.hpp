#pragma once
#include <string>

#include "crosspatch/record/entry.hpp"
#include "crosspatch/record/log.hpp"
#include "personal.hpp"
#include "position.hpp"
#include "store.hpp"

namespace crosspatch::record {

// What stays the same in every record of one run.
struct Letterhead {
    std::string log;
    std::string boot;
};

// Turns an entry into the record that comes next after `position`.
//
// Shape    always gives a line: what does not fit the record's form loses `detail`, then everything that the
// caller gave but
//          its type and outcome; `fault` then says why, and so does the record.
struct Rendered {
    Line line;
    std::string fault;
};
Rendered render(const Entry& entry, const Letterhead& head, const Position& position, const ClockState& clock,
                PersonalKeys* keys);

}  // namespace crosspatch::record
