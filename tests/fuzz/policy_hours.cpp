// Any octets as the text of hours: parsed or refused with one printable line, and what is parsed keeps its
// promises.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crosspatch/policy/hours.hpp"

using namespace crosspatch;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

core::WallTime at(int year, unsigned month, unsigned day) {
    using namespace std::chrono;
    return sys_days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}};
}

void check_promises(const policy::Hours& hours, core::WallTime time) {
    using namespace std::chrono_literals;
    const bool inside = hours.contains(time);
    const auto change = hours.next_change(time);
    if (!change) return;
    require(*change > time);
    require(hours.contains(*change) != inside);
    require(hours.contains(*change - 1ns) == inside);
    require(hours.contains(time + (*change - time) / 2) == inside);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static policy::Zones zones{at(2026, 7, 1)};
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto hours = policy::Hours::parse(text, zones);
    if (!hours) {
        const auto& why = hours.error().context;
        require(!why.empty() && why.size() < 2000);
        require(std::all_of(why.begin(), why.end(),
                            [](char c) { return static_cast<unsigned char>(c) >= 0x20; }));
        return 0;
    }
    require(hours->text() == text);
    require(hours->covers(*hours));
    // Around the changes of summer time in the north and the south, outside the table, and at the ends of all
    // time.
    for (const auto time :
         {at(2026, 3, 8), at(2026, 3, 29), at(2026, 4, 4), at(2026, 10, 3), at(2026, 10, 25), at(2026, 11, 1),
          at(1900, 1, 1), at(2100, 1, 1), core::WallTime::min(), core::WallTime::max()}) {
        check_promises(*hours, time);
    }
    return 0;
}
