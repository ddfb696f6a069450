#pragma once
#include <filesystem>
#include <string>

#include "crosspatch/record/log.hpp"

// What the record says about the machine it is written on.
namespace crosspatch::record {

// adjtimex(): synchronised or not, and the kernel's bound on the error. The kernel does not tell PTP from
// NTP.
ClockState kernel_clock();

// /proc/sys/kernel/random/boot_id: monotonic times compare only under the same one.
std::string boot_id();

// SHA-256 of a file in hex; empty if it cannot be read.
std::string file_digest(const std::filesystem::path& file);

}  // namespace crosspatch::record
