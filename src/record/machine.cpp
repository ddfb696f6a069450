#include "machine.hpp"

#include <fcntl.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>

#include "crosspatch/core/text.hpp"
#include "crosspatch/core/unique_fd.hpp"
#include "crosspatch/record/merkle.hpp"

namespace crosspatch::record {

ClockState kernel_clock() {
    timex kernel{};
    const int answer = adjtimex(&kernel);
    ClockState state;
    state.state = answer >= 0 && answer != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0 ? "ntp" : "free";
    state.error_ms = kernel.maxerror / 1000;  // microseconds
    return state;
}

std::string boot_id() {
    const core::UniqueFd fd{open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)};
    char text[36];
    if (!fd || read(fd.get(), text, sizeof text) != sizeof text) return "unknown";
    return {text, sizeof text};
}

FileDigest::FileDigest(const std::filesystem::path& file)
    : fd_{open(file.c_str(), O_RDONLY | O_CLOEXEC)}, block_(1 << 18) {
    crypto_hash_sha256_init(&state_);
}

bool FileDigest::step() {
    const ssize_t got = fd_ ? read(fd_.get(), block_.data(), block_.size()) : -1;
    if (got > 0) crypto_hash_sha256_update(&state_, block_.data(), static_cast<unsigned long long>(got));
    if (got == 0) {
        Hash hash;
        crypto_hash_sha256_final(&state_, reinterpret_cast<unsigned char*>(hash.data()));
        hex_ = core::to_hex(hash);
    }
    return got > 0;
}

}  // namespace crosspatch::record
