#include "src/core/config_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>

#include "src/core/config_feed.hpp"
#include "src/core/config_words.hpp"

namespace crosspatch::core::config {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxKeys = 1'000'000;  // and as many list elements

// Builds the tree from the parser's events.
class Builder : public YAML::EventHandler {
public:
    Builder(std::string_view text, Problems& problems, Feed& feed)
        : text_{text}, problems_{problems}, feed_{feed}, marks_{text} {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) {
            throw Refused{marks_.at(mark), "",
                          "the configuration has ended before this line; a file has one document"};
        }
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override {
        start(Node::Kind::List, mark, tag, anchor, style);
    }
    void OnSequenceEnd() override { finish(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override {
        start(Node::Kind::Map, mark, tag, anchor, style);
    }
    void OnMapEnd() override {
        drop_duplicates();
        finish();
    }

    Value& root() { return root_; }
    bool any_document() const { return documents_ > 0; }
    // A document that is one `{…}` or `[…]` has an end of its own.
    bool ends_itself() const { return root_is_flow_; }
    Mark mark(const YAML::Mark& from) { return marks_.at(from); }

private:
    struct Level {
        Value value;
        Entry entry;      // of a map: the one that is being read
        bool in_value{};  // its key has been read
        bool keyless{};   // its key was refused: its value is read and dropped
    };

    std::string_view rest(const YAML::Mark& mark) const {
        return mark.is_null() ? std::string_view{}
                              : text_.substr(std::min(static_cast<std::size_t>(mark.pos), text_.size()));
    }
    Value value(Node::Kind kind, const YAML::Mark& mark) {
        Value made;
        made.kind = kind;
        made.mark = marks_.at(mark);
        feed_.progress(made.mark);
        return made;
    }
    Mark dash_before(YAML::Mark mark);
    std::string path() const;
    void check_quotes(const YAML::Mark& mark);
    void check(const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor);
    void start(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
               YAML::EmitterStyle::value style);
    void finish();
    void deliver(Value value);
    void deliver_key(Level& level, Value key);
    void drop_duplicates();

    std::string_view text_;
    Problems& problems_;
    Feed& feed_;
    Marks marks_;
    std::vector<Level> levels_;
    Value root_;
    bool root_is_flow_{};
    std::size_t documents_{};
    std::size_t keys_{};
    std::size_t elements_{};
};

// The word for nothing as it stands there (`~`, `null`): it is what a key of that name means. Empty: really
// nothing.
std::string_view word_for_nothing(std::string_view rest, bool is_key) {
    for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
        if (!rest.starts_with(word)) continue;
        const std::string_view after = rest.substr(word.size());
        // For a value that is missing yaml-cpp points at what comes after it, and that may be the key `null`.
        const bool ends =
            after.empty() || std::string_view{" \n,]}:"}.find(after[0]) != std::string_view::npos;
        const bool next_key =
            !is_key && after.substr(std::min(after.find_first_not_of(' '), after.size())).starts_with(':');
        return ends && !next_key ? word : std::string_view{};
    }
    return {};
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
    check(mark, "?", anchor);
    Value nothing = value(Node::Kind::Null, mark);
    if (!levels_.empty()) {
        const Level& level = levels_.back();
        const bool is_map = level.value.kind == Node::Kind::Map;
        nothing.text = word_for_nothing(rest(mark), is_map && !level.in_value);
        if (nothing.text.empty() && is_map && level.in_value) nothing.mark = level.entry.mark;
        if (nothing.text.empty() && !is_map) nothing.mark = dash_before(mark);
    }
    deliver(std::move(nothing));
}

// Where the list element is that has nothing in it: yaml-cpp points at what comes after.
Mark Builder::dash_before(YAML::Mark mark) {
    const std::size_t dash = text_.substr(0, static_cast<std::size_t>(mark.pos)).find_last_not_of(" \n");
    if (dash == std::string_view::npos || text_[dash] != '-') return marks_.at(mark);
    const std::string_view between = text_.substr(dash, static_cast<std::size_t>(mark.pos) - dash);
    const auto start = text_.rfind('\n', dash);
    mark.line -= static_cast<int>(std::count(between.begin(), between.end(), '\n'));
    mark.pos = static_cast<int>(dash);
    mark.column = static_cast<int>(start == std::string_view::npos ? dash : dash - start - 1);
    return marks_.at(mark);
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t) {
    Value unknown = value(Node::Kind::Null, mark);
    unknown.silent = true;
    problems_.add(unknown.mark, path(), "an alias (*name); write the value out, as often as it is needed");
    deliver(std::move(unknown));
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& text) {
    check(mark, tag, anchor);
    Value scalar = value(Node::Kind::Scalar, mark);
    scalar.quoted = tag == "!";
    if (scalar.quoted) check_quotes(mark);
    scalar.text = text;
    deliver(std::move(scalar));
}

// yaml-cpp takes the end of the file for the closing quote, and lets anything follow it.
void Builder::check_quotes(const YAML::Mark& mark) {
    const std::string_view scalar = rest(mark);
    const char quote = scalar.empty() ? '\0' : scalar[0];
    if (quote != '\'' && quote != '"') return;
    std::size_t i = 1;
    for (; i < scalar.size(); ++i) {
        const bool doubled = quote == '\'' && scalar.substr(i, 2) == "''";
        const bool escaped = quote == '"' && scalar[i] == '\\';
        if (doubled || escaped) {
            ++i;
        } else if (scalar[i] == quote) {
            break;
        }
    }
    if (i >= scalar.size()) {
        throw Refused{marks_.at(mark), path(),
                      "the quote that begins here is never closed; was the file cut off?"};
    }
    const std::string_view after = scalar.substr(i + 1, 1);
    if (!after.empty() && std::string_view{" \t\n,]}:"}.find(after[0]) == std::string_view::npos) {
        problems_.add(marks_.at(mark), path(),
                      "something follows the closing quote; leave a space or remove it");
    }
}

// A node's tag and anchor stand in front of it, and its mark is where they begin.
void Builder::check(const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
        problems_.add(marks_.at(mark), path(),
                      "an anchor (&name); anchors and aliases are not read, write values out");
    }
    const bool unspecific = tag.empty() || tag == "?" || tag == "!";
    if (!unspecific || rest(mark).substr(0, 1) == "!") {
        problems_.add(marks_.at(mark), path(), "a tag (!name); tags are not read, leave it out");
    }
}

void Builder::start(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) {
    check(mark, tag, anchor);
    if (levels_.size() >= kMaxDepth) {
        throw Refused{marks_.at(mark), path(), "more than 64 levels of lists and maps inside one another"};
    }
    if (levels_.empty()) root_is_flow_ = style == YAML::EmitterStyle::Flow;
    levels_.push_back({value(kind, mark), {}, false, false});
}

void Builder::finish() {
    feed_.progress();
    Value done = std::move(levels_.back().value);
    levels_.pop_back();
    deliver(std::move(done));
}

void Builder::deliver(Value value) {
    if (levels_.empty()) {
        root_ = std::move(value);
        return;
    }
    Level& level = levels_.back();
    if (level.value.kind == Node::Kind::List) {
        if (++elements_ > kMaxKeys) throw Refused{value.mark, path(), "more than 1,000,000 list elements"};
        level.value.list.push_back(std::move(value));
    } else if (!level.in_value) {
        deliver_key(level, std::move(value));
    } else {
        level.entry.value = std::move(value);
        if (!level.keyless) level.value.map.push_back(std::move(level.entry));
        level.entry = {};
        level.in_value = level.keyless = false;
    }
}

void Builder::deliver_key(Level& level, Value key) {
    if (++keys_ > kMaxKeys) throw Refused{key.mark, path(), "more than 1,000,000 keys"};
    if (key.kind == Node::Kind::List || key.kind == Node::Kind::Map) {
        problems_.add(key.mark, path(),
                      "a list or map where a key belongs; a value that begins with '[' or '{' is quoted");
        level.keyless = true;
    } else if (key.silent) {
        level.keyless = true;
    } else if (!key.quoted && key.text == "<<") {
        problems_.add(key.mark, path(), "a merge key (<<); write the keys out");
        level.keyless = true;
    } else if (key.text.empty()) {
        problems_.add(key.mark, path(), "a key without a name; a word belongs before the colon");
        level.keyless = true;
    }
    level.entry.key = std::move(key.text);
    level.entry.mark = key.mark;
    level.in_value = true;
}

void Builder::drop_duplicates() {
    std::vector<Entry>& map = levels_.back().value.map;
    std::vector<const Entry*> sorted;
    sorted.reserve(map.size());
    for (const Entry& entry : map) sorted.push_back(&entry);
    // Sorted by name, so that no choice of names makes this slow.
    std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->key < b->key; });
    std::vector<bool> dropped(map.size());
    const std::string here = path();
    const Entry* first = nullptr;
    for (const Entry* entry : sorted) {
        if (first && first->key == entry->key) {
            problems_.add(
                entry->mark, child_path(here, entry->key),
                fmt::format("this key stands already in line {}; keep one of the two", first->mark.line));
            dropped[static_cast<std::size_t>(entry - map.data())] = true;
        } else {
            first = entry;
        }
    }
    std::size_t index = 0;
    std::erase_if(map, [&](const Entry&) { return dropped[index++]; });
}

// Of the node that comes next.
std::string Builder::path() const {
    std::string path;
    for (const Level& level : levels_) {
        if (level.value.kind == Node::Kind::List) {
            path = child_path(path, level.value.list.size());
        } else if (level.in_value) {
            path = child_path(path, level.entry.key);
        }
    }
    return path;
}

std::string_view line_of(std::string_view text, std::size_t number) {
    for (; number > 1; --number) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    return text.substr(0, text.find('\n'));
}

bool parse(std::string_view text, Feed& feed, Builder& builder, Problems& problems) {
    try {
        std::istream stream{&feed};
        YAML::Parser parser{stream};
        while (parser.HandleNextDocument(builder)) {
        }
        return true;
    } catch (const Refused& refused) {
        problems.add(refused.mark, refused.path, refused.text);
    } catch (const YAML::Exception& failure) {
        const Mark mark = builder.mark(failure.mark);
        problems.add(mark, "", explained(failure.msg, line_of(text, mark.line)));
    }
    return false;
}

Mark end_of(std::string_view text) {
    const auto line = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    const auto start = text.rfind('\n');
    const std::string_view last = start == std::string_view::npos ? text : text.substr(start + 1);
    const auto characters = std::count_if(
        last.begin(), last.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    return {line, static_cast<std::size_t>(characters) + 1};
}

}  // namespace

std::unique_ptr<Value> read_tree(std::string_view text, Problems& problems) {
    Feed feed{text};
    Builder builder{text, problems, feed};
    bool readable = parse(text, feed, builder, problems);
    if (readable && !builder.any_document()) {
        problems.add({}, "", "the file is empty");
        readable = false;
    }
    const bool closed = readable ? builder.ends_itself() : text.ends_with('}') || text.ends_with(']');
    if (!text.empty() && text.back() != '\n' && !closed) {
        problems.add(end_of(text), "",
                     "the last line has no end; was the file cut off? If not, end it with a new line");
        readable = false;
    }
    if (readable) return std::make_unique<Value>(std::move(builder.root()));
    auto nothing = std::make_unique<Value>();
    nothing->silent = true;
    return nothing;
}

}  // namespace crosspatch::core::config
