#pragma once
#include <cstdint>
#include <filesystem>

namespace crosspatch::record {

// Room kept back on the disk, so that the log can still say that the disk is full and go on for a while.
//
// Shape    one file, DATA_DIR/log.reserve, with its blocks allocated.
// Errors   make() is false where there is no room (or no posix_fallocate); the log goes on without.
// Thread   the writer's.
class Reserve {
public:
    Reserve(const std::filesystem::path& data_dir, std::uint64_t octets)
        : file_{data_dir / "log.reserve"}, octets_{octets} {}

    // Makes it, or finds it made. Only if as much again stays free: the reserve must not be what fills the
    // disk.
    bool make();
    // Gives the room to the log. False: there was none to give.
    bool release();
    bool wanted() const { return octets_ > 0; }
    std::uint64_t octets() const { return octets_; }

private:
    std::filesystem::path file_;
    std::uint64_t octets_;
};

}  // namespace crosspatch::record
