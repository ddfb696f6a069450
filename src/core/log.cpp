#include "crosspatch/core/log.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time.hpp"

namespace crosspatch::core {
namespace {

constexpr std::size_t kMaxValue = 4'096;  // octets of one value; a log is not where inputs are kept

struct LevelName {
    std::string_view name;
    int priority;  // RFC 5424 §6.2.1, as journald counts
};
constexpr std::array<LevelName, 5> kLevels{
    {{"debug", 7}, {"info", 6}, {"notice", 5}, {"warning", 4}, {"error", 3}}};

const LevelName& name_of(Log::Level level) { return kLevels.at(static_cast<std::size_t>(level)); }

// systemd.exec(5), $JOURNAL_STREAM: device and inode of the stream that systemd gave us. If standard error
// has been sent elsewhere since, it is not the journal; without a journal sd_journal_sendv() says success and
// the line is gone.
bool error_stream_is_the_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (!stream || fstat(STDERR_FILENO, &status) != 0) return false;
    return stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

std::string escaped(std::string_view value) {
    if (value.size() <= kMaxValue) return escape(value);
    return escape(value.substr(0, kMaxValue)) + fmt::format("… ({} octets)", value.size());
}

// Names are ours and are what they are in every event; this only keeps a slip from breaking the line.
std::string plain_name(std::string_view name, bool capitals) {
    std::string plain;
    for (const char c : name) {
        const bool small = c >= 'a' && c <= 'z';
        const bool other = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (small && capitals) {
            plain += static_cast<char>(c - 'a' + 'A');
        } else {
            plain += small || other || (c == '.' && !capitals) ? c : '_';
        }
    }
    return plain;
}

std::string message(std::string_view event, std::string_view text, std::initializer_list<Log::Field> fields) {
    std::string line = plain_name(event, false) + ": " + escaped(text);
    for (const auto& [name, value] : fields) {
        line += fmt::format(" {}=\"{}\"", plain_name(name, false), escaped(value));
    }
    return line;
}

bool write_line(std::string_view line) {
    while (true) {
        const auto count = ::write(STDERR_FILENO, line.data(), line.size());
        if (count >= 0) {
            line.remove_prefix(static_cast<std::size_t>(count));
            if (line.empty()) return true;
        } else if (errno != EINTR) {
            return false;
        }
    }
}

bool send_to_journal(Log::Level level, std::string_view event, const std::string& message,
                     std::initializer_list<Log::Field> fields) {
    std::vector<std::string> assignments{"MESSAGE=" + message,
                                         fmt::format("PRIORITY={}", name_of(level).priority),
                                         "CROSSPATCH_EVENT=" + plain_name(event, false)};
    for (const auto& [name, value] : fields) {
        assignments.push_back("CROSSPATCH_" + plain_name(name, true) + '=' + escaped(value));
    }
    std::vector<iovec> parts;
    for (std::string& assignment : assignments) parts.push_back({assignment.data(), assignment.size()});
    return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

}  // namespace

struct Log::Sink {
    bool journal{error_stream_is_the_journal()};
    std::mutex one_line_at_a_time;
    std::uint64_t lost{};
};

Log::Log(Level least) : sink_{std::make_unique<Sink>()}, least_{least} {}
Log::~Log() = default;

void Log::write(Level level, std::string_view event, std::string_view text,
                std::initializer_list<Field> fields) {
    if (level < least_) return;
    bool written = false;
    try {
        const std::string said = message(event, text, fields);
        if (sink_->journal) {
            written = send_to_journal(level, event, said, fields);
        } else {
            const std::string line =
                fmt::format("{} {} {}\n", rfc3339(wall_now(), 3), name_of(level).name, said);
            const std::lock_guard guard{sink_->one_line_at_a_time};
            written = write_line(line);
        }
    } catch (...) {
        // No memory for the line: a log may not be what ends the daemon.
    }
    if (written) return;
    const std::lock_guard guard{sink_->one_line_at_a_time};
    ++sink_->lost;
}

std::uint64_t Log::lost() const {
    const std::lock_guard guard{sink_->one_line_at_a_time};
    return sink_->lost;
}

}  // namespace crosspatch::core
