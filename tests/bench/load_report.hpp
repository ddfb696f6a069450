#pragma once
// What a run of the load generator found, as one JSON line.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/bench/load_listener.hpp"

namespace crosspatch::bench {

inline std::string delays(std::vector<std::uint32_t>& us) {
    if (us.empty()) return "null";
    std::sort(us.begin(), us.end());
    const auto at = [&](double share) {
        return us[static_cast<std::size_t>(share * static_cast<double>(us.size() - 1))];
    };
    return fmt::format(R"({{"p50":{},"p90":{},"p99":{},"max":{}}})", at(0.5), at(0.9), at(0.99), us.back());
}

inline std::string slices(const std::vector<Tally::Delay>& all, std::chrono::seconds length) {
    std::vector<std::vector<std::uint32_t>> by_time;
    if (length.count() == 0 || all.empty()) return "[]";
    const Stamp first = std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
                            return a.arrived < b.arrived;
                        })->arrived;
    for (const Tally::Delay& delay : all) {
        const auto slice = static_cast<std::size_t>((delay.arrived - first) / length);
        if (slice >= by_time.size()) by_time.resize(slice + 1);
        by_time[slice].push_back(delay.us);
    }
    std::string text;
    for (auto& slice : by_time) text += (text.empty() ? "" : ",") + delays(slice);
    return "[" + text + "]";
}

inline void print_report(const std::vector<Spurt>& spurts, const Tally& tally, std::chrono::seconds slice) {
    std::uint64_t sent = 0;
    std::uint64_t expected = 0;
    for (const Spurt& spurt : spurts) {
        sent += spurt.sent_at.size();
        expected += spurt.sent_at.size() * spurt.listeners.size();
    }
    std::vector<std::uint32_t> us;
    for (const Tally::Delay& delay : tally.delays) us.push_back(delay.us);
    const auto received = static_cast<std::uint64_t>(us.size());
    fmt::print(
        R"({{"sent":{},"expected":{},"lost":{},"stray":{},"checked":{},"wrong":{},"longest_gap_ms":{:.1f},"delay_us":{},"slices":{}}})"
        "\n",
        sent, expected, static_cast<std::int64_t>(expected - received), tally.stray, tally.checked,
        tally.wrong, static_cast<double>(tally.longest_gap.count()) / 1e6, delays(us),
        slices(tally.delays, slice));
}

}  // namespace crosspatch::bench
