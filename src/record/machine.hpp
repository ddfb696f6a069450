#pragma once
#include <sodium.h>

#include <filesystem>
#include <string>
#include <vector>

#include "crosspatch/core/unique_fd.hpp"
#include "crosspatch/record/log.hpp"

// What the record says about the machine it is written on.
namespace crosspatch::record {

// adjtimex(): synchronised or not, and the kernel's bound on the error. The kernel does not tell PTP from
// NTP.
ClockState kernel_clock();

// /proc/sys/kernel/random/boot_id: monotonic times compare only under the same one.
std::string boot_id();

// SHA-256 of a file, taken a block at a time by a thread that has other things to do in between.
class FileDigest {
public:
    explicit FileDigest(const std::filesystem::path& file);

    // Takes in the next block, 256 KiB. True: there is more.
    bool step();
    // In hex, once step() has said false; empty if the file cannot be read.
    const std::string& hex() const { return hex_; }

private:
    core::UniqueFd fd_;
    crypto_hash_sha256_state state_;
    std::vector<unsigned char> block_;
    std::string hex_;
};

}  // namespace crosspatch::record
