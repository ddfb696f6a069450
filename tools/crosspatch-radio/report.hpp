#pragma once
#include <string>

#include "options.hpp"
#include "radio.hpp"

namespace crosspatch::radio {

// What happened, as a table for people.
std::string table_of(const Radio::Summary& summary);

// The same as one line of JSON for programs. Times ending `_ns` are wall-clock nanoseconds since 1970, those
// ending
// `_ms` count from the start of the program, which is where the file of --write begins.
std::string json_of(const Radio::Summary& summary);

}  // namespace crosspatch::radio
