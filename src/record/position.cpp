#include "position.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"

namespace crosspatch::record {

namespace {

constexpr std::string_view kTipHeading = "crosspatch tip 1";
constexpr std::size_t kMaxTip = 16 * 1024;  // octets

std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const auto* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, number);
    if (failure != std::errc{} || stop != end) return std::nullopt;
    return number;
}

}  // namespace

std::string to_hex(const Hash& hash) { return core::to_hex(hash); }

std::optional<Hash> hash_from_hex(std::string_view text) {
    const auto octets = core::from_hex(text);
    Hash hash;
    if (!octets || octets->size() != hash.size()) return std::nullopt;
    std::copy(octets->begin(), octets->end(), hash.begin());
    return hash;
}

std::string frontier_to_text(const Frontier& tree) {
    std::string text = fmt::format("{}\n", tree.size());
    for (const Hash& hash : tree.hashes()) text += to_hex(hash) + '\n';
    return text;
}

std::optional<Frontier> frontier_from_text(std::string_view text) {
    const auto size = parse_number<std::uint64_t>(take_line(text));
    if (!size) return std::nullopt;
    std::vector<Hash> hashes;
    while (!text.empty()) {
        const auto hash = hash_from_hex(take_line(text));
        if (!hash || hashes.size() == 64) return std::nullopt;
        hashes.push_back(*hash);
    }
    return Frontier::restore(*size, std::move(hashes));
}

std::string to_text(const Tip& tip) {
    return fmt::format("{}\n{}\n{}\n{}\n{}", kTipHeading, tip.file, to_hex(tip.position.last_leaf),
                       frontier_to_text(tip.position.tree), tip.note);
}

std::optional<Tip> parse_tip(std::string_view text, const VerifierKey& key) {
    Tip tip;
    if (take_line(text) != kTipHeading) return std::nullopt;
    tip.file = take_line(text);
    const auto leaf = hash_from_hex(take_line(text));
    const auto gap = text.find("\n\n");
    if (!leaf || gap == std::string_view::npos) return std::nullopt;
    auto tree = frontier_from_text(text.substr(0, gap + 1));
    tip.note = text.substr(gap + 2);
    const auto note = parse_checkpoint(tip.note);
    if (!tree || !note || !note->signed_by(key)) return std::nullopt;
    if (note->checkpoint.size != tree->size() || note->checkpoint.root != tree->root()) return std::nullopt;
    tip.position.tree = std::move(*tree);
    tip.position.last_leaf = *leaf;
    return tip;
}

std::optional<Tip> read_tip(const std::filesystem::path& data_dir, const VerifierKey& key) {
    const auto octets = core::read_file(data_dir / "log.tip", kMaxTip);
    if (!octets) return std::nullopt;
    return parse_tip({reinterpret_cast<const char*>(octets->data()), octets->size()}, key);
}

core::Result<void> write_tip(const std::filesystem::path& data_dir, const Tip& tip) {
    return core::write_file_atomically(data_dir / "log.tip", core::octets_of(to_text(tip)), 0600);
}

std::string log_file_name(unsigned number) {
    return number == 1 ? std::string{"log.db"} : fmt::format("log-{}.db", number);
}

std::vector<LogFile> log_files(const std::filesystem::path& data_dir) {
    std::vector<LogFile> files;
    std::error_code failure;
    for (std::filesystem::directory_iterator entry{data_dir, failure}, end; !failure && entry != end;
         entry.increment(failure)) {
        const std::string name = entry->path().filename();
        unsigned number = 1;
        if (name != "log.db") {
            if (name.size() < 8 || !name.starts_with("log-") || !name.ends_with(".db")) continue;
            const auto parsed = parse_number<unsigned>(std::string_view{name}.substr(4, name.size() - 7));
            if (!parsed || log_file_name(*parsed) != name) continue;
            number = *parsed;
        }
        files.push_back({number, entry->path()});
    }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    return files;
}

std::optional<core::WallTime> parse_time(std::string_view text) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00.000000000Z";
    if (text.size() != kForm.size()) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return std::nullopt;
    }
    const auto part = [&](std::size_t from, std::size_t count) {
        return *parse_number<int>(text.substr(from, count));
    };
    using namespace std::chrono;
    const year_month_day date{year{part(0, 4)}, month{static_cast<unsigned>(part(5, 2))},
                              day{static_cast<unsigned>(part(8, 2))}};
    if (!date.ok() || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 59) return std::nullopt;
    return sys_days{date} + hours{part(11, 2)} + minutes{part(14, 2)} + seconds{part(17, 2)} +
           nanoseconds{part(20, 9)};
}

std::optional<std::uint64_t> number_in(const boost::json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (!value) return std::nullopt;
    if (const auto* number = value->if_int64(); number && *number >= 0)
        return static_cast<std::uint64_t>(*number);
    if (const auto* number = value->if_uint64()) return *number;
    return std::nullopt;
}

std::string_view text_in(const boost::json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    const auto* text = value ? value->if_string() : nullptr;
    return text ? std::string_view{*text} : std::string_view{};
}

const boost::json::object& object_in(const boost::json::object& object, std::string_view key) {
    static const boost::json::object none;
    const auto* value = object.if_contains(key);
    const auto* inner = value ? value->if_object() : nullptr;
    return inner ? *inner : none;
}

}  // namespace crosspatch::record
