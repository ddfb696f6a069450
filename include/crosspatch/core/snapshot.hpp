#pragma once
#include <memory>
#include <mutex>
#include <utility>

namespace crosspatch::core {

// An immutable table that one thread publishes whole and others read.
//
// Thread   store() and load(): any but the media workers, which get their tables by posted task. A lock is held for the
//          time of a pointer's copy.
template <typename T>
class Snapshot {
public:
    void store(std::shared_ptr<const T> table) {
        const std::lock_guard lock{mutex_};
        std::swap(table_, table);  // the old one is freed after the lock, by its last reader
    }
    std::shared_ptr<const T> load() const {
        const std::lock_guard lock{mutex_};
        return table_;
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> table_;
};

}  // namespace crosspatch::core
