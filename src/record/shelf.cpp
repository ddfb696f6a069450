#include "shelf.hpp"

#include <utility>

#include "crosspatch/core/time_text.hpp"

namespace crosspatch::record {

using core::Unexpected;
using sqlite::Failure;

Shelf::Shelf(std::filesystem::path data_dir, const SigningKey& key, std::string vfs, Beginning beginning)
    : data_dir_{std::move(data_dir)},
      key_{key},
      vfs_{std::move(vfs)},
      file_{std::move(beginning.file)},
      create_{beginning.create},
      position_{std::move(beginning.position)} {}

sqlite::Result<void> Shelf::ready() {
    if (store_) return {};
    const auto path = data_dir_ / file_;
    const Store::Owner owner{log_id(key_.public_key()), key_.verifier().to_string()};
    auto store = create_ ? Store::create(path, owner, vfs_) : Store::open(path, owner, vfs_);
    if (!store) return Unexpected<Failure>{store.error()};
    create_ = false;
    if (auto marked = store->mark_open(true); !marked) {
        store->abandon();
        return marked;
    }
    store_.emplace(std::move(*store));
    return {};
}

sqlite::Result<void> Shelf::add(std::span<const Line> lines, Position after) {
    auto done = store_->add(lines);
    if (done) position_ = std::move(after);
    return done;
}

sqlite::Result<void> Shelf::tidy() { return store_ ? store_->tidy() : sqlite::Result<void>{}; }

sqlite::Result<void> Shelf::sign() {
    if (position_.size() == signed_size_) return {};
    const auto verifier = key_.verifier();
    const auto note = sign_checkpoint({verifier.name, position_.size(), position_.tree.root()}, key_);
    auto done = store_->add_checkpoint(position_.size(), note, frontier_to_text(position_.tree),
                                       core::rfc3339(position_.newest));
    if (!done) return done;
    signed_size_ = position_.size();
    // The tip is a help for a later start; the log stands without it.
    (void)write_tip(data_dir_, {file_, position_, note});
    return {};
}

sqlite::Result<void> Shelf::close() {
    if (!store_) return {};
    auto done = store_->close();
    if (!done) store_->abandon();
    store_.reset();
    return done;
}

boost::json::object Shelf::give_up(const std::string& cause) {
    if (store_) store_->abandon();
    store_.reset();
    const auto previous = file_;
    const auto there = log_files(data_dir_);
    file_ = log_file_name(there.empty() ? 2 : there.back().number + 1);
    create_ = true;
    return continuation(position_, previous, file_, cause);
}

}  // namespace crosspatch::record
