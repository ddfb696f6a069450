#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crosspatch/record/checkpoint.hpp"
#include "position.hpp"

namespace crosspatch::record {

// What a look at one log file found; the file itself is left as it was.
struct Examined {
    enum class State { Sound, Empty, Damaged, Newer, Locked };
    State state{State::Damaged};
    std::string what;                  // in words, unless Sound
    std::optional<Position> position;  // as far as its records verify; nothing if none does
    std::uint64_t first{};             // seq of its first record
    std::uint64_t signed_size{};       // of its newest checkpoint
    bool left_open{};                  // nobody closed it
    std::string log;                   // the log id it says it belongs to
};

// Reads the newest checkpoint and the records after it, and holds them against each other; what is older was
// covered by that checkpoint when it was signed and is crosspatch-verify's to read. `tip` serves where the
// file's own checkpoint does not.
Examined examine(const std::filesystem::path& file, const VerifierKey& key, const std::optional<Tip>& tip);

// Where the log goes on, and what has to be said about it first.
struct Beginning {
    std::string file;  // to write to
    bool create{};     // it is not there yet
    bool continues{};  // its first record says from where the log goes on
    Position position;
    std::vector<boost::json::object> findings;  // the `detail` of a `recovery` record each, in order
    std::string previous;                       // the file that is given up, if `continues`
    std::string foreign_log;                    // not empty: the files belong to this log, not to our key
};
Beginning find_beginning(const std::filesystem::path& data_dir, const VerifierKey& key);

// The `detail` of the record that begins a file after another.
boost::json::object continuation(const Position& from, const std::string& previous, const std::string& file,
                                 const std::string& cause);
// The position that such a record names; nothing if it is not one, or does not hold together.
std::optional<Position> continued_from(const boost::json::object& record);

}  // namespace crosspatch::record
