#include "reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "crosspatch/core/unique_fd.hpp"

namespace crosspatch::record {

bool Reserve::make() {
    if (octets_ == 0) return false;
    struct stat status {};
    if (lstat(file_.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        static_cast<std::uint64_t>(status.st_size) == octets_) {
        return true;
    }
    std::error_code failure;
    const auto space = std::filesystem::space(file_.parent_path(), failure);
    if (failure || space.available < 2 * octets_) return false;
    const core::UniqueFd fd{open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd) return false;
    if (posix_fallocate(fd.get(), 0, static_cast<off_t>(octets_)) == 0) return true;
    release();
    return false;
}

bool Reserve::release() {
    std::error_code failure;
    return std::filesystem::remove(file_, failure);
}

}  // namespace crosspatch::record
