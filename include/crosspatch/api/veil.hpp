#pragma once
#include <boost/json.hpp>
#include <string_view>

// Who may not know a name sees a pseudonym in its place. Records and events about talkspurts carry `pseudonyms`: by agency,
// the names that it may not see and what stands for them.
namespace crosspatch::api {

// Puts pseudonyms in place of `names` wherever they stand as whole words, but where a channel, bridge, agency, role or type
// is named. `names`: {NAME: PSEUDONYM}.
void rename(boost::json::value& shown, const boost::json::object& names);

// Notes under `pseudonyms` what of `hidden` ({AGENCY: {NAME: PSEUDONYM}}) is named anywhere in `parts`; empty if nothing is.
boost::json::object named_in(const boost::json::object& hidden,
                             std::initializer_list<const boost::json::object*> parts);

// Leaves of a record, an event or a talkspurt what `agency` may know. `is_own`: it is about its own people, so it sees which
// pseudonyms they had elsewhere. An agency without a name sees everything as it is.
void veil(boost::json::object& shown, std::string_view agency, bool is_own);

// Whether the record or event was caused by somebody of that agency.
bool caused_by(const boost::json::object& record, std::string_view agency);

}  // namespace crosspatch::api
