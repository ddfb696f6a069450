#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/address.hpp"
#include "crosspatch/core/result.hpp"

// The configuration file as a tree of places that can be read and complained about.
//
// Each module reads its own section: it takes a Node, asks for keys, and reports what is wrong where it
// stands; it never stops at the first problem. A key that nobody asked for is unknown. Source: contract.md,
// Configuration.
namespace crosspatch::core::config {

struct Mark {
    std::size_t line{1};  // from 1
    std::size_t column{1};
    auto operator<=>(const Mark&) const = default;
};

// Everything that is wrong with one file, and what is merely doubtful.
//
// Shape    at most 1,000 of each; what comes after is counted and said in a last line.
// Thread   the one that loads the file.
class Problems {
public:
    explicit Problems(std::string file) : file_{std::move(file)} {}

    void add(Mark mark, std::string path, std::string text);
    void warn(Mark mark, std::string path, std::string text);
    bool empty() const { return problems_.empty(); }

    // `FILE:LINE:COLUMN: PATH: TEXT`, in the order of the file. Everything from the file is escaped: one
    // problem, one line.
    std::vector<std::string> lines() const;
    std::vector<std::string> warnings() const;

private:
    struct Problem {
        Mark mark;
        std::string path;
        std::string text;
    };
    std::vector<std::string> render(const std::vector<Problem>& of, std::size_t left_out) const;
    std::string file_;
    std::vector<Problem> problems_;
    std::vector<Problem> warnings_;
    std::size_t problems_left_out_{};
    std::size_t warnings_left_out_{};
};

class Map;
struct Value;  // one node of the parsed tree; private to src/core

// A place in the file: a scalar, a list or a map. A cheap value; valid while its Document lives.
class Node {
public:
    enum class Kind { Null, Scalar, List, Map };

    Kind kind() const;
    Mark mark() const;
    const std::string& path() const { return path_; }  // `channels[1].endpoints[0].codec`
    bool quoted() const;                               // scalar in '' or ""

    // Says what is wrong here, and what would be right.
    void problem(std::string text) const;
    void warning(std::string text) const;

    // The scalar's text exactly as written (`no` stays `no`); reports and returns nothing for lists, maps and
    // nothing at all.
    std::optional<std::string> text() const;
    // The elements; reports and is empty if this is not a list.
    std::vector<Node> list() const;
    // A single value counts as a list of one: `[a, b]` or `a`.
    std::vector<Node> one_or_list() const;
    // The keys; reports and is empty if this is not a map.
    Map map() const;

private:
    friend class Map;
    friend class Document;
    Node(const Value* value, std::string path, Problems* problems)
        : value_{value}, path_{std::move(path)}, problems_{problems} {}
    const Value* value_;
    std::string path_;
    Problems* problems_;
};

// The keys of a map. Asking for a key makes it known; finish() reports the rest, with the nearest known key.
class Map {
public:
    std::optional<Node> find(std::string_view key);
    // Reports the missing key at the map's own place.
    std::optional<Node> require(std::string_view key);
    // Known to the contract, but not in this version: reported as that, not as a mistake.
    void not_yet(std::string_view key, std::string_view what);
    void finish();
    const Node& node() const { return node_; }
    bool present() const;  // false if the node was not a map (already reported)
    // Every key in the order of the file, for maps whose keys are the user's own names; all of them are known
    // then.
    std::vector<std::pair<std::string, Node>> entries();

private:
    friend class Node;
    explicit Map(Node node) : node_{std::move(node)} {}
    Node node_;
    std::vector<std::string> known_;
    std::vector<std::string> refused_;
    bool all_known_{};
};

// One parsed file.
//
// Shape    at most 16 MiB, 1,000,000 keys, 64 KiB a line, depth 64; no anchors, aliases, tags or second
// documents. Errors   in `problems`. A file that cannot be read leaves root() Null, and asking it for
// anything adds no problem. Of a
//          duplicate key the first value stands, so that one run finds what else is wrong.
// Thread   the one that loads it.
class Document {
public:
    // Reads FILE: regular, not a symbolic link, not writable by others. `problems` outlives the Document.
    static Document load(const std::filesystem::path& file, Problems& problems);
    static Document parse(std::string_view text, Problems& problems);
    Document(Document&&) noexcept;
    ~Document();

    Node root() const;
    // SHA-256 of the file's octets, hex: what `config.reloaded` records.
    const std::string& digest() const { return digest_; }
    // The file's permission bits; 0 for parse().
    unsigned mode() const { return mode_; }

private:
    explicit Document(Problems& problems);
    std::unique_ptr<Value> root_;
    Problems* problems_;
    std::string digest_;
    unsigned mode_{};
};

// --- Readers of single values. Each reports its own problem, with what would be right, and then returns
// nothing. ---

std::optional<std::int64_t> integer(const Node& node, std::int64_t min,
                                    std::int64_t max);  // decimal digits only
std::optional<bool> boolean(const Node& node);          // true or false, nothing else
// `250ms`, `30s`, `10m`, `8h`; a number without a unit is refused.
std::optional<std::chrono::milliseconds> duration(const Node& node, std::chrono::milliseconds min,
                                                  std::chrono::milliseconds max);
std::optional<double> decibels(const Node& node, double min, double max);  // `-6dB`, `0dB`, `1.5dB`
std::optional<std::string> identifier(const Node& node);                   // [a-z0-9-]{1,32}
std::optional<std::string> display_name(const Node& node);                 // text.hpp, check_name()
std::optional<Address> address(const Node& node);                          // an IPv6 address must be quoted
std::optional<Address> listen_address(const Node& node);  // the same; port 0 lets the kernel pick

// One of a fixed set of words. `what` completes "is not a …": `'opuss' is not a codec; did you mean 'opus'?`
struct Word {
    std::string_view text;
    int value;
};
std::optional<int> choice(const Node& node, std::string_view what, std::span<const Word> words);
template <typename E>
std::optional<E> choice_of(const Node& node, std::string_view what, std::span<const Word> words) {
    const auto value = choice(node, what, words);
    return value ? std::optional<E>{static_cast<E>(*value)} : std::nullopt;
}

// The known word nearest to `word`, if it is near enough to have been meant.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace crosspatch::core::config
