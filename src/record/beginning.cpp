#include <fmt/format.h>

#include "examine.hpp"

namespace crosspatch::record {

namespace json = boost::json;

namespace {

// Chooses among what the newest file, the tip and older files say.
class Search {
public:
    Search(const std::filesystem::path& data_dir, const VerifierKey& key)
        : files_{log_files(data_dir)}, tip_{read_tip(data_dir, key)}, key_{key} {}

    Beginning run() {
        if (files_.empty()) {
            begin_without_files();
        } else {
            auto newest = examine(files_.back().path, key_, tip_);
            begin_after(newest, files_.size() - 1);
        }
        return std::move(beginning_);
    }

private:
    using State = Examined::State;

    void begin_without_files() {
        if (!tip_) {
            beginning_.file = log_file_name(1);
            beginning_.create = true;
            return;
        }
        go_on_in_new_file(2, tip_->position, tip_->file, fmt::format("{} is missing", tip_->file));
    }

    void begin_after(Examined& newest, std::size_t index) {
        const std::string name = files_[index].path.filename();
        if (!newest.log.empty() && origin(newest.log) != key_.name) {
            beginning_.foreign_log = newest.log;
            return;
        }
        if (newest.state == State::Empty && index == files_.size() - 1) return begin_in_empty(name);
        if (newest.state == State::Sound && tip_ && tip_->position.size() > newest.position->size()) {
            newest.state = State::Damaged;
            newest.what = fmt::format("it ends at record {} but a checkpoint over {} records was signed",
                                      newest.position->size() - 1, tip_->position.size());
        }
        if (newest.state == State::Sound) {
            beginning_.file = name;
            beginning_.position = std::move(*newest.position);
            if (newest.left_open) beginning_.findings.push_back(unclean_end(name, newest.signed_size));
            return;
        }
        const auto best = furthest(newest, index);
        go_on_in_new_file(files_.back().number + 1, best, name, fmt::format("{}: {}", name, newest.what));
    }

    // A file that a crash left behind before its first record: it is used, and its first record says after
    // what.
    void begin_in_empty(const std::string& name) {
        beginning_.file = name;
        if (files_.size() == 1 && !tip_) return;
        Examined before;
        before.what = "it is missing";
        std::string previous = tip_ ? tip_->file : log_file_name(1);
        if (files_.size() > 1) {
            previous = files_[files_.size() - 2].path.filename();
            before = examine(files_[files_.size() - 2].path, key_, tip_);
        }
        if (before.what.empty()) before.what = "it was given up";
        const auto best = files_.size() > 1 ? furthest(before, files_.size() - 2) : tip_->position;
        continue_from(best, previous, fmt::format("{}: {}", previous, before.what));
    }

    Position furthest(const Examined& file, std::size_t index) {
        Position best = file.position.value_or(Position{});
        if (tip_ && tip_->position.size() > best.size()) best = tip_->position;
        // Neither: an older file at least says how far the log had come when it was given up.
        while (best.size() == 0 && index-- > 0) {
            best = examine(files_[index].path, key_, std::nullopt).position.value_or(Position{});
        }
        return best;
    }

    void go_on_in_new_file(unsigned number, const Position& from, const std::string& previous,
                           const std::string& cause) {
        beginning_.file = log_file_name(number);
        beginning_.create = true;
        continue_from(from, previous, cause);
    }

    void continue_from(const Position& from, const std::string& previous, const std::string& cause) {
        beginning_.continues = true;
        beginning_.position = from;
        beginning_.previous = previous;
        beginning_.findings.push_back(continuation(from, previous, beginning_.file, cause));
    }

    json::object unclean_end(const std::string& name, std::uint64_t signed_size) const {
        const auto& position = beginning_.position;
        return {{"cause", "the daemon did not end by itself"},
                {"file", name},
                {"size", position.size()},
                {"root", to_hex(position.tree.root())},
                {"signed_size", signed_size},
                {"last_time", core::rfc3339(position.newest)}};
    }

    std::vector<LogFile> files_;
    std::optional<Tip> tip_;
    const VerifierKey& key_;
    Beginning beginning_;
};

}  // namespace

Beginning find_beginning(const std::filesystem::path& data_dir, const VerifierKey& key) {
    return Search{data_dir, key}.run();
}

}  // namespace crosspatch::record
