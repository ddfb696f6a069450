#include "machine.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

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

std::string file_digest(const std::filesystem::path& file) {
    const core::UniqueFd fd{open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) return {};
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    std::vector<unsigned char> block(1 << 18);
    ssize_t got = 0;
    while ((got = read(fd.get(), block.data(), block.size())) > 0) {
        crypto_hash_sha256_update(&state, block.data(), static_cast<unsigned long long>(got));
    }
    if (got < 0) return {};
    Hash hash;
    crypto_hash_sha256_final(&state, reinterpret_cast<unsigned char*>(hash.data()));
    return core::to_hex(hash);
}

}  // namespace crosspatch::record
