#pragma once
#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "options.hpp"

namespace crosspatch::radio {

// The first thing that is wrong, in words; empty if nothing is.
using Complaint = std::string;

// What the command line says about the key, before it is looked at.
struct PttWords {
    std::string ptt;
    std::string keep_alive;
    std::optional<unsigned> priority, ptt_id, event_type;
    bool emergency{};
};

void describe_ptt(CLI::App& app, PttWords& words);
// The codec's options have been taken before.
Complaint take_ptt(const PttWords& words, Options& options);

}  // namespace crosspatch::radio
