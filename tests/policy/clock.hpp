#pragma once
#include <unicode/gregocal.h>
#include <unicode/timezone.h>

#include <memory>
#include <string>

#include "crosspatch/core/time.hpp"

namespace crosspatch::tests {

// What a clock on the wall of some place shows, asked of ICU's calendar: slow, and nothing of the module in
// it.
class WallClock {
public:
    explicit WallClock(const std::string& zone) {
        UErrorCode status = U_ZERO_ERROR;
        calendar_ =
            std::make_unique<icu::GregorianCalendar>(icu::TimeZone::createTimeZone(zone.c_str()), status);
    }
    struct Reading {
        int day;     // Monday is 0
        int minute;  // since midnight
    };
    Reading read(core::WallTime time) {
        UErrorCode status = U_ZERO_ERROR;
        const auto ms = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
        calendar_->setTime(static_cast<UDate>(ms), status);
        const int sunday_based = calendar_->get(UCAL_DAY_OF_WEEK, status) - UCAL_SUNDAY;
        return {(sunday_based + 6) % 7,
                calendar_->get(UCAL_HOUR_OF_DAY, status) * 60 + calendar_->get(UCAL_MINUTE, status)};
    }

private:
    std::unique_ptr<icu::GregorianCalendar> calendar_;
};

}  // namespace crosspatch::tests
