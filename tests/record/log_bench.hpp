#pragma once
#include <sqlite3.h>
#include <stdlib.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "crosspatch/record/log.hpp"
#include "crosspatch/record/reader.hpp"
#include "crosspatch/record/verifier.hpp"

// What the tests of the record share: a directory of their own, a log in it, and hands to tamper with its
// files.
namespace crosspatch::record::tests {

using namespace std::chrono_literals;

// A data directory that is gone afterwards.
class Directory {
public:
    Directory() {
        std::string name = (std::filesystem::temp_directory_path() / "crosspatch-record-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error{"no temporary directory"};
        path_ = name;
    }
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

inline LogOptions options_for(const std::filesystem::path& directory) {
    LogOptions options;
    options.data_dir = directory;
    options.version = "test";
    options.binary.clear();
    options.reserve = 0;
    return options;
}

inline Entry entry(std::string type, boost::json::object detail = {}) {
    Entry out;
    out.type = std::move(type);
    out.detail = std::move(detail);
    return out;
}

// Appends and waits for the disk; what the log answered.
inline core::Result<std::uint64_t> append(Log& log, Entry what) {
    std::promise<core::Result<std::uint64_t>> answer;
    auto future = answer.get_future();
    const bool taken =
        log.append(std::move(what), [&answer](const auto& result) { answer.set_value(result); });
    if (!taken) return core::unexpected(core::Error::Code::Busy, "the queue is full");
    if (future.wait_for(30s) != std::future_status::ready)
        throw std::runtime_error{"the log does not answer"};
    return future.get();
}

inline bool wait_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 10s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

// A closed log with `count` records of type `message.sent` behind those that the log writes itself.
inline void write_log(const std::filesystem::path& directory, int count) {
    Log log{options_for(directory)};
    for (int i = 0; i < count; ++i) (void)append(log, entry("message.sent", {{"number", i}}));
}

inline Report verify(const std::filesystem::path& path, std::optional<std::string> pin = {}) {
    auto report = Verifier{path, std::move(pin)}.run();
    if (!report) throw std::runtime_error{report.error().context};
    return *report;
}

// The records that a report names, in its order.
inline std::vector<std::uint64_t> named_records(const Report& report) {
    std::vector<std::uint64_t> out;
    for (const auto& problem : report.problems) {
        if (problem.record) out.push_back(*problem.record);
    }
    return out;
}

inline std::string words(const Report& report) { return to_text(report); }

// SQL on a log file, behind the log's back.
inline void tamper(const std::filesystem::path& file, const std::string& statements) {
    sqlite3* handle = nullptr;
    char* message = nullptr;
    sqlite3_open(file.c_str(), &handle);
    const int code = sqlite3_exec(handle, statements.c_str(), nullptr, nullptr, &message);
    const std::string said = message ? message : "";
    sqlite3_free(message);
    sqlite3_close(handle);
    if (code != SQLITE_OK) throw std::runtime_error{"tampering failed: " + said};
}

// All records of a directory, or those of one type.
inline std::vector<boost::json::object> records(const std::filesystem::path& directory,
                                                std::string_view type = {}) {
    Reader reader{directory};
    std::vector<boost::json::object> out;
    std::optional<std::uint64_t> after;
    for (;;) {
        auto page = reader.records(after, 1000);
        if (!page) throw std::runtime_error{page.error().context};
        const auto& items = page->at("items").as_array();
        for (const auto& item : items) {
            if (type.empty() || item.at("type").as_string() == type) out.push_back(item.as_object());
        }
        if (items.empty()) return out;
        after = std::stoull(std::string{page->at("next").as_string()});
    }
}

}  // namespace crosspatch::record::tests
