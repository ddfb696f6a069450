#include "src/app/memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

namespace crosspatch::app {
namespace {

constexpr int kAsTouched = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;

// As a whole: keys are locked in any case. Then the heap is, too.
bool is_locked() {
    std::ifstream maps{"/proc/self/smaps"};
    bool heap = false;
    for (std::string line; std::getline(maps, line);) {
        heap = heap || line.ends_with("[heap]");
        if (heap && line.starts_with("VmFlags:")) return line.find(" lo") != std::string::npos;
    }
    return false;
}

}  // namespace

bool lock_memory() { return mlockall(kAsTouched) == 0; }

bool give_back_heap() {
    const bool locked = is_locked();
    if (locked) munlockall();
    malloc_trim(0);
    return !locked || lock_memory();
}

void give_back_start_up() {
    malloc_trim(0);
    std::ifstream maps{"/proc/self/smaps"};
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::size_t written = 0;  // kB in memory, then in swap, that are not as in the file
    for (std::string line; std::getline(maps, line);) {
        std::array<std::uintptr_t, 2> range{};
        std::size_t size = 0;
        char access[5] = {};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &range[0], &range[1], access) == 3) {
            const std::string_view mode{access};
            const bool of_a_file = line.find(" /") != std::string::npos;
            const bool read_only = of_a_file && (mode == "r-xp" || mode == "r--p");
            begin = range[0];
            end = read_only ? range[1] : begin;
            written = 0;
        } else if (std::sscanf(line.c_str(), "Anonymous: %zu", &size) == 1) {
            written += size;
        } else if (end > begin && std::sscanf(line.c_str(), "Swap: %zu", &size) == 1 && written + size == 0) {
            // What the loader wrote to before it made it read-only is not in the file: that stays.
            madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
        }
    }
}

}  // namespace crosspatch::app
