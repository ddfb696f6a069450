#pragma once
#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/time.hpp"

namespace crosspatch::record {

enum class Outcome { Ok, Denied, Error };
std::string_view to_string(Outcome outcome);

// Text about a person: a name, a number, a reason in free words. The record carries only a commitment to it;
// the text is sealed beside the record under a key of its own and can be erased without breaking the log.
struct Personal {
    std::string name;  // what it is: `talker_name`, `reason`; printable ASCII
    std::string text;
};

// What a caller wants on record. The Log adds v, log, seq, prev, time, mono_ns, boot and clock.
//
// Shape    the whole record is at most 16 KiB; what is longer, or holds fractions or null, loses its `detail`
// and says why. Units    `time` and `mono` are when it happened; left at zero, the writer's own time when it
// takes the entry. Source   the record format, README.md in src/record; names of types are those of
// contract.md.
struct Entry {
    std::string type;  // `floor.granted`, `config.reloaded`, …
    Outcome outcome{Outcome::Ok};
    boost::json::object actor;   // agency, principal, role, auth, session
    boost::json::object source;  // address, port, device
    boost::json::object object;  // kind, id; channel, bridge, incident, call, talkspurt
    boost::json::object detail;  // non-personal facts
    std::vector<Personal> personal;
    core::WallTime time{};
    core::Time mono{};
    bool urgent{false};  // checkpoint as soon as it is written; many types are urgent by themselves
};

// Emergencies, administrative and key changes, consents, retention: signed at once, not within 10 s.
bool is_urgent(std::string_view type);

}  // namespace crosspatch::record
