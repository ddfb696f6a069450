#include "crosspatch/rtp/index_journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include "crosspatch/core/unique_fd.hpp"
#include "src/rtp/index_slot.hpp"

namespace crosspatch::rtp {
namespace {

using core::Error;

// Slot n of image 0 or 1. Pages of the two images take turns: no disk sector or page holds copies of both.
constexpr std::size_t kPage = 4096;
constexpr std::size_t kSlotsPerPage = kPage / kSlotSize;
off_t place_of(std::size_t slot, unsigned image) {
    const auto page = slot / kSlotsPerPage * 2 + image;
    return static_cast<off_t>(page * kPage + slot % kSlotsPerPage * kSlotSize);
}

core::Unexpected<Error> io_error(const std::filesystem::path& file, std::string_view tried) {
    const int reason = errno;
    return core::unexpected(Error::Code::Io, fmt::format("{}: cannot {}: {}", file.string(), tried,
                                                         std::generic_category().message(reason)));
}

core::Result<void> write_all(int descriptor, std::span<const std::byte> octets, off_t at,
                             const std::filesystem::path& file) {
    while (!octets.empty()) {
        const auto written = pwrite(descriptor, octets.data(), octets.size(), at);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return io_error(file, "write");
        octets = octets.subspan(static_cast<std::size_t>(written));
        at += written;
    }
    return {};
}

core::Unexpected<Error> in_use(const std::filesystem::path& file) {
    return core::unexpected(
        Error::Code::Busy,
        fmt::format("{}: another crosspatchd uses it; two with the same keys would give away what is "
                    "said. Stop the other one first",
                    file.string()));
}

core::Result<core::UniqueFd> open_locked(const std::filesystem::path& file) {
    core::UniqueFd descriptor{
        open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)};
    if (descriptor.get() < 0) return io_error(file, "open it (a plain file of mode 0600 belongs here)");
    struct stat status {};
    if (fstat(descriptor.get(), &status) != 0) return io_error(file, "look at it");
    if (!S_ISREG(status.st_mode)) {
        return core::unexpected(Error::Code::Invalid,
                                fmt::format("{}: not a plain file; move it away", file.string()));
    }
    if (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return io_error(file, "lock it");
        return in_use(file);
    }
    // Another daemon may have put a new file in place between open() and flock(): then this lock guards
    // nothing.
    struct stat named {};
    if (lstat(file.c_str(), &named) != 0 || named.st_ino != status.st_ino || named.st_dev != status.st_dev) {
        return in_use(file);
    }
    return descriptor;
}

core::Result<void> sync_directory(const std::filesystem::path& file) {
    const auto directory = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
    const core::UniqueFd descriptor{open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (descriptor.get() < 0 || fsync(descriptor.get()) != 0)
        return io_error(directory, "sync the directory");
    return {};
}

}  // namespace

struct IndexJournal::Impl {
    using Key = std::tuple<IndexRecord::Kind, KeyFingerprint, std::uint32_t>;
    struct Entry {
        std::optional<IndexRecord> record;  // nothing: the slot is free
        std::array<bool, 2> behind{};       // this image does not have the latest yet
    };

    static Key key_of(const IndexRecord& record) { return {record.kind, record.key, record.ssrc}; }

    core::Result<void> load();
    void adopt(const std::array<SlotReading, 2>& copies);
    IndexRecord& entry_for(const IndexRecord& record);
    core::Result<void> write_image(int descriptor, unsigned image, bool whole,
                                   const std::filesystem::path& to) const;

    std::filesystem::path file;
    core::UniqueFd descriptor;
    std::vector<Entry> slots;
    std::map<Key, std::size_t> places;
    std::vector<std::size_t> free;
    std::uint64_t generation{};  // of the last sync
    unsigned next_image{};
    bool dirty{};
    bool failed{};
    Damage damage;
};

core::Result<void> IndexJournal::Impl::load() {
    struct stat status {};
    if (fstat(descriptor.get(), &status) != 0) return io_error(file, "look at it");
    std::vector<std::byte> octets(static_cast<std::size_t>(status.st_size));
    for (std::size_t done = 0; done < octets.size();) {
        const auto got =
            pread(descriptor.get(), octets.data() + done, octets.size() - done, static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_error(file, "read it");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    const auto pairs = (octets.size() + 2 * kPage - 1) / (2 * kPage);
    octets.resize(pairs * 2 * kPage);  // a file cut short lacks copies, not sense
    for (std::size_t slot = 0; slot < pairs * kSlotsPerPage; ++slot) {
        std::array<SlotReading, 2> copies;
        for (unsigned image = 0; image < 2; ++image) {
            const auto at = static_cast<std::size_t>(place_of(slot, image));
            copies[image] = read_slot(std::span{octets}.subspan(at).first<kSlotSize>());
        }
        adopt(copies);
    }
    return {};
}

// The later of two sound copies holds: a limit only ever rises, and what a damaged copy said is not lost
// while the other one stands.
void IndexJournal::Impl::adopt(const std::array<SlotReading, 2>& copies) {
    using State = SlotReading::State;
    const auto slot = slots.size();
    Entry& entry = slots.emplace_back();
    const SlotReading* latest = nullptr;
    std::size_t damaged = 0;
    for (const auto& copy : copies) {
        damaged += static_cast<std::size_t>(copy.state == State::Damaged);
        if (copy.state == State::Sound && (!latest || copy.generation > latest->generation)) latest = &copy;
    }
    damage.copies += damaged;
    if (damaged > 0 && !latest) ++damage.lost;
    if (latest) {
        generation = std::max(generation, latest->generation);
        entry.record = latest->record;
    }
    if (entry.record) {
        const auto [place, added] = places.emplace(key_of(*entry.record), slot);
        if (added) return;
        // One record in two slots: it was forgotten, came back, and the disk missed the first half.
        IndexLimits& kept = slots[place->second].record->limits;
        kept = {std::max(kept.rtp, entry.record->limits.rtp), std::max(kept.rtcp, entry.record->limits.rtcp)};
        entry.record.reset();
    }
    free.push_back(slot);
}

IndexRecord& IndexJournal::Impl::entry_for(const IndexRecord& record) {
    const auto [place, added] = places.try_emplace(key_of(record), 0);
    if (added) {
        if (free.empty()) {
            free.push_back(slots.size());
            slots.emplace_back();
        }
        place->second = free.back();
        free.pop_back();
        slots[place->second].record = record;
    }
    Entry& entry = slots[place->second];
    entry.behind = {true, true};
    dirty = true;
    return *entry.record;
}

core::Result<void> IndexJournal::Impl::write_image(int to, unsigned image, bool whole,
                                                   const std::filesystem::path& name) const {
    std::array<std::byte, kPage> page;
    for (std::size_t first = 0; first < slots.size(); first += kSlotsPerPage) {
        const auto end = std::min(first + kSlotsPerPage, slots.size());
        bool any = whole;
        for (auto slot = first; slot < end; ++slot) any |= slots[slot].behind[image];
        if (!any) continue;
        // Neighbours go along: this image may have them older, never newer.
        page.fill(std::byte{});
        for (auto slot = first; slot < end; ++slot) {
            write_slot(std::span{page}.subspan((slot - first) * kSlotSize).first<kSlotSize>(),
                       slots[slot].record, generation + 1);
        }
        if (auto written = write_all(to, page, place_of(first, image), name); !written) return written;
    }
    return {};
}

IndexJournal::IndexJournal(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
IndexJournal::~IndexJournal() = default;
IndexJournal::IndexJournal(IndexJournal&&) noexcept = default;
IndexJournal& IndexJournal::operator=(IndexJournal&&) noexcept = default;

core::Result<IndexJournal> IndexJournal::open(const std::filesystem::path& file) {
    auto impl = std::make_unique<Impl>();
    impl->file = file;
    auto descriptor = open_locked(file);
    if (!descriptor) return core::Unexpected{descriptor.error()};
    impl->descriptor = std::move(*descriptor);
    if (auto loaded = impl->load(); !loaded) return core::Unexpected{loaded.error()};
    IndexJournal journal{std::move(impl)};
    // What a killed daemon had written may be in the page cache only, and its images may differ. A new file
    // settles both. Where that fails the records are good to read, and sync() says that nothing is promised.
    static_cast<void>(journal.rebuild());
    return journal;
}

const IndexJournal::Damage& IndexJournal::damage() const { return impl_->damage; }

std::vector<IndexRecord> IndexJournal::records() const {
    std::vector<IndexRecord> records;
    records.reserve(impl_->places.size());
    for (const auto& [key, slot] : impl_->places) records.push_back(*impl_->slots[slot].record);
    return records;
}

std::optional<IndexRecord> IndexJournal::find(IndexRecord::Kind kind, const KeyFingerprint& key,
                                              std::uint32_t ssrc) const {
    const auto found = impl_->places.find({kind, key, ssrc});
    if (found == impl_->places.end()) return std::nullopt;
    return impl_->slots[found->second].record;
}

std::vector<IndexRecord> IndexJournal::find(IndexRecord::Kind kind, const KeyFingerprint& key) const {
    std::vector<IndexRecord> records;
    for (auto it = impl_->places.lower_bound({kind, key, 0}); it != impl_->places.end(); ++it) {
        const IndexRecord& record = *impl_->slots[it->second].record;
        if (record.kind != kind || record.key != key) break;
        records.push_back(record);
    }
    std::stable_sort(records.begin(), records.end(),
                     [](const auto& a, const auto& b) { return a.limits.rtp > b.limits.rtp; });
    return records;
}

void IndexJournal::update(const IndexRecord& record) {
    IndexRecord& kept = impl_->entry_for(record);
    kept.limits = {std::max(kept.limits.rtp, record.limits.rtp),
                   std::max(kept.limits.rtcp, record.limits.rtcp)};
    if (!record.address && record.floor_port == 0) return;
    for (auto it = impl_->places.lower_bound({record.kind, record.key, 0}); it != impl_->places.end(); ++it) {
        const auto& [kind, key, ssrc] = it->first;
        if (kind != record.kind || key != record.key) break;
        auto& other = impl_->slots[it->second];
        const bool has_address = record.address && other.record->address;
        const bool has_port = record.floor_port != 0 && other.record->floor_port != 0;
        if (!has_address && !has_port) continue;
        if (has_address) other.record->address = {};
        if (has_port) other.record->floor_port = 0;
        other.behind = {true, true};
    }
    if (record.address) kept.address = record.address;
    if (record.floor_port != 0) kept.floor_port = record.floor_port;
}

void IndexJournal::settle(const IndexRecord& record) {
    IndexRecord& kept = impl_->entry_for(record);
    kept.limits = record.limits;
    if (record.address) kept.address = record.address;
    if (record.floor_port != 0) kept.floor_port = record.floor_port;
}

void IndexJournal::forget(const KeyFingerprint& key) {
    for (const auto kind : {IndexRecord::Kind::Send, IndexRecord::Kind::Receive}) {
        auto it = impl_->places.lower_bound({kind, key, 0});
        while (it != impl_->places.end() && std::get<IndexRecord::Kind>(it->first) == kind &&
               std::get<KeyFingerprint>(it->first) == key) {
            impl_->slots[it->second] = {std::nullopt, {true, true}};
            impl_->free.push_back(it->second);
            impl_->dirty = true;
            it = impl_->places.erase(it);
        }
    }
}

std::size_t IndexJournal::retire(std::span<const KeyFingerprint> in_use, std::size_t most) {
    const std::set<KeyFingerprint> used(in_use.begin(), in_use.end());
    std::set<KeyFingerprint> retired;
    std::size_t records = 0;
    for (const auto& [place, slot] : impl_->places) {
        const auto& key = std::get<KeyFingerprint>(place);
        if (used.contains(key)) continue;
        retired.insert(key);
        ++records;
    }
    if (records <= most) return 0;
    for (const KeyFingerprint& key : retired) forget(key);
    return records;
}

bool IndexJournal::dirty() const { return impl_->dirty; }

core::Result<void> IndexJournal::sync() {
    if (impl_->failed) {
        return core::unexpected(Error::Code::Io,
                                fmt::format("{}: an earlier write failed; what it holds is not known "
                                            "until a new file takes its place",
                                            impl_->file.string()));
    }
    const auto image = impl_->next_image;
    auto done = impl_->write_image(impl_->descriptor.get(), image, false, impl_->file);
    if (done && fdatasync(impl_->descriptor.get()) != 0) done = io_error(impl_->file, "make it durable");
    if (!done) {
        // After a failed sync the kernel may call unwritten pages clean: asking again would prove nothing.
        impl_->failed = true;
        return done;
    }
    ++impl_->generation;
    impl_->next_image = 1 - image;
    for (auto& slot : impl_->slots) slot.behind[image] = false;
    impl_->dirty = false;
    return {};
}

core::Result<void> IndexJournal::rebuild() {
    impl_->failed = true;  // until everything below is done
    auto fresh = impl_->file;
    fresh += ".new";
    unlink(fresh.c_str());
    auto descriptor = open_locked(fresh);
    if (!descriptor) return core::Unexpected{descriptor.error()};
    for (unsigned image = 0; image < 2; ++image) {
        if (auto done = impl_->write_image(descriptor->get(), image, true, fresh); !done) return done;
    }
    if (fsync(descriptor->get()) != 0) return io_error(fresh, "make it durable");
    if (rename(fresh.c_str(), impl_->file.c_str()) != 0)
        return io_error(impl_->file, "put the new file in place");
    impl_->descriptor = std::move(*descriptor);  // with its lock, whatever comes of the rest
    if (auto done = sync_directory(impl_->file); !done) return done;
    ++impl_->generation;
    for (auto& slot : impl_->slots) slot.behind = {false, false};
    impl_->dirty = false;
    impl_->failed = false;
    return {};
}

}  // namespace crosspatch::rtp
