#include <fmt/format.h>

#include <algorithm>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/text.hpp"
#include "src/core/config_value.hpp"

namespace crosspatch::core::config {
namespace {
constexpr std::size_t kMostKept = 1'000;
constexpr std::size_t kMostShown = 64;  // octets of one value from the file
}  // namespace

void Problems::add(Mark mark, std::string path, std::string text) {
    if (problems_.size() < kMostKept) {
        problems_.push_back({mark, std::move(path), std::move(text)});
    } else {
        ++problems_left_out_;
    }
}

void Problems::warn(Mark mark, std::string path, std::string text) {
    if (warnings_.size() < kMostKept) {
        warnings_.push_back({mark, std::move(path), std::move(text)});
    } else {
        ++warnings_left_out_;
    }
}

std::vector<std::string> Problems::lines() const { return render(problems_, problems_left_out_); }
std::vector<std::string> Problems::warnings() const { return render(warnings_, warnings_left_out_); }

std::vector<std::string> Problems::render(const std::vector<Problem>& of, std::size_t left_out) const {
    std::vector<const Problem*> in_order;
    in_order.reserve(of.size());
    for (const Problem& problem : of) in_order.push_back(&problem);
    std::stable_sort(in_order.begin(), in_order.end(),
                     [](const Problem* a, const Problem* b) { return a->mark < b->mark; });
    const std::string file = escape(file_);
    std::vector<std::string> lines;
    lines.reserve(of.size() + 1);
    for (const Problem* problem : in_order) {
        lines.push_back(fmt::format("{}:{}:{}: {}{}{}", file, problem->mark.line, problem->mark.column,
                                    escape(problem->path), problem->path.empty() ? "" : ": ",
                                    escape(problem->text)));
    }
    if (left_out > 0) lines.push_back(fmt::format("{}: {} more like these are not shown", file, left_out));
    return lines;
}

std::string clipped(std::string_view text) {
    if (text.size() <= kMostShown) return std::string{text};
    std::size_t end = kMostShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return std::string{text.substr(0, end)} + "…";
}

std::string shown(std::string_view text) { return '\'' + clipped(text) + '\''; }

std::string child_path(const std::string& parent, std::string_view key) {
    return parent.empty() ? clipped(key) : parent + '.' + clipped(key);
}

std::string child_path(const std::string& parent, std::size_t index) {
    return fmt::format("{}[{}]", parent, index);
}

}  // namespace crosspatch::core::config
