#include "crosspatch/core/time.hpp"

#include <fmt/format.h>

namespace crosspatch::core {

std::string rfc3339(WallTime time, int fraction_digits) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{floor<nanoseconds>(time - day)};
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                   clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    if (fraction_digits > 0) {
        const auto fraction = fmt::format("{:09}", clock.subseconds().count());
        text += '.' + fraction.substr(0, static_cast<std::size_t>(fraction_digits));
    }
    return text + 'Z';
}

}  // namespace crosspatch::core
