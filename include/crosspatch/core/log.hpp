#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace crosspatch::core {

// The daemon's log for technicians: standard error, one line an event; journald fields where systemd reads
// it.
//
// Shape    `2026-11-22T16:02:40.123Z warning endpoint.moved: the radio's address changed endpoint="ng-roip"
// to="…"`;
//          every value is escaped, so an event is one line whatever it carries; of a value 4,096 octets are
//          shown.
// Errors   never throws; a line that cannot be written is lost and counted.
// Thread   any but the media workers, which never log.
class Log {
public:
    enum class Level { Debug, Info, Notice, Warning, Error };
    using Field = std::pair<std::string_view, std::string>;

    explicit Log(Level least = Level::Info);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    // `event` is a name of contract.md's list or `area.what`; `text` says in words what happened and what
    // would help.
    void write(Level level, std::string_view event, std::string_view text,
               std::initializer_list<Field> fields = {});
    void info(std::string_view event, std::string_view text, std::initializer_list<Field> fields = {}) {
        write(Level::Info, event, text, fields);
    }
    void warning(std::string_view event, std::string_view text, std::initializer_list<Field> fields = {}) {
        write(Level::Warning, event, text, fields);
    }
    void error(std::string_view event, std::string_view text, std::initializer_list<Field> fields = {}) {
        write(Level::Error, event, text, fields);
    }
    // Lines that could not be written since the start.
    std::uint64_t lost() const;

private:
    struct Sink;
    std::unique_ptr<Sink> sink_;
    Level least_;
};

}  // namespace crosspatch::core
