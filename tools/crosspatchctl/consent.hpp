#pragma once
#include <boost/json.hpp>
#include <string>

#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"

// Consents where an agency's key is: nothing here talks to a daemon.
namespace crosspatch::ctl {

struct Term {              // when a consent begins and ends, as people write it
    std::string for_time;  // `8h`, `30m`, `90s`, `2d`; this or `expires`, else 8 h
    std::string expires;   // `2026-11-22T16:00:00Z`
    std::string begins;    // the same; empty: now
};
struct Span {
    core::WallTime from{};
    core::WallTime until{};
};
core::Result<Span> read_term(const Term& term, core::WallTime now);

// {statement, signature} on one line: a yes to `bridge`, whose terms are `terms`, as `bridge terms --json` printed them.
// The hash is worked out from the terms themselves, and the agency found by its key.
core::Result<std::string> sign_consent(const boost::json::object& terms, const std::string& bridge,
                                       const std::string& key_file, const Span& span);

// What is signed there, in words for whoever signs.
std::string describe_terms(const boost::json::object& terms);

// Makes a key pair: the private key in `file` (one line, mode 0600); gives the line for the configuration.
core::Result<std::string> generate_key(const std::string& file);

// A JSON object in a file; `-` is standard input.
core::Result<boost::json::object> read_json(const std::string& file);

}  // namespace crosspatch::ctl
