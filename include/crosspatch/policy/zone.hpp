#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"

namespace crosspatch::policy {

// One time zone as a table of its changes.
//
// Shape    about 45 changes for a zone with summer time. Before the first the first offset holds, after the
// last the
//          last: whoever keeps a table for more than 20 years loads it again.
// Errors   none. Thread any: immutable, no allocation.
class Zone {
public:
    struct Change {
        core::WallTime at;
        std::chrono::seconds offset;  // local time - UTC from here on
    };

    // Requires: `changes` in order of time, at least one.
    Zone(std::string name, std::vector<Change> changes);

    const std::string& name() const { return name_; }
    std::chrono::seconds offset_at(core::WallTime time) const noexcept;
    std::optional<core::WallTime> next_change(core::WallTime after) const noexcept;  // strictly after

private:
    std::string name_;
    std::vector<Change> changes_;
};

class Hours;

// The IANA zones, each compiled when it is first asked for: from the year before `now` to 20 years after it.
//
// Errors   an unknown name is refused with what was probably meant. Abbreviations (`CST`, `EST`) are refused:
// they mean
//          different zones to different people, and most of them have no summer time.
// Thread   the one that loads the configuration.
// Source   ICU's copy of the IANA time zone database.
class Zones {
public:
    explicit Zones(core::WallTime now) : now_{now} {}
    core::Result<std::shared_ptr<const Zone>> find(std::string_view name);
    // Hours that were parsed with these zones before, by their text: rules share what they write alike.
    std::map<std::string, std::shared_ptr<const Hours>, std::less<>>& hours() { return hours_; }

private:
    std::string unknown(std::string_view name);

    core::WallTime now_;
    int suggestions_left_{50};  // each costs a look at all 600 names
    std::map<std::string, std::shared_ptr<const Zone>, std::less<>> compiled_;
    std::map<std::string, std::shared_ptr<const Hours>, std::less<>> hours_;
};

}  // namespace crosspatch::policy
