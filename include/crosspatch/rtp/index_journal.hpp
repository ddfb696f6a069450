#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "crosspatch/core/address.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/rtp/srtp_limits.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::rtp {

// What one stream under one key must not forget over a restart.
struct IndexRecord {
    enum class Kind : std::uint8_t { Send = 1, Receive = 2 };
    Kind kind{Kind::Send};
    KeyFingerprint key{};
    std::uint32_t ssrc{};
    IndexLimits limits;
    core::Address address;       // receiving: the learned address of the source; none if it has a fixed one
    std::uint16_t floor_port{};  // receiving: the port there that its floor messages come from; 0: not known
    bool operator==(const IndexRecord&) const = default;
};

// The durable file of index limits: what keeps a restart from repeating a keystream or a packet.
//
// Shape    two images of 64-octet slots, page by page in one file, 128 octets a record. A sync writes one
//          image, the next sync the other: a torn write costs that sync and lowers nothing promised before.
// Errors   open() fails on a file that cannot be used, or that another daemon uses; damaged slots are skipped
//          and counted. After a failed sync() the file is not trusted again: rebuild() writes a new one.
// Thread   one owner, off the packet path: open(), sync() and rebuild() wait for the disk.
// Source   srtp.md §11; faults.md 3, 4, 8, 28.
class IndexJournal {
public:
    // What open() found damaged. `lost`: both copies of a slot were unreadable; whatever they promised is
    // unknown, so a stream without a record must begin under a fresh random SSRC.
    struct Damage {
        std::size_t copies{};
        std::size_t lost{};
    };

    // Opens or creates `file` (0600, not a symbolic link), locks it, reads it and writes it anew. Where that
    // cannot be written the records are good to read all the same, and sync() says no until rebuild()
    // succeeds.
    static core::Result<IndexJournal> open(const std::filesystem::path& file);
    ~IndexJournal();
    IndexJournal(IndexJournal&&) noexcept;
    IndexJournal& operator=(IndexJournal&&) noexcept;

    const Damage& damage() const;
    std::vector<IndexRecord> records() const;
    std::optional<IndexRecord> find(IndexRecord::Kind kind, const KeyFingerprint& key,
                                    std::uint32_t ssrc) const;
    // The records of one kind under one key, the highest RTP limit first: what an endpoint restores at start.
    std::vector<IndexRecord> find(IndexRecord::Kind kind, const KeyFingerprint& key) const;

    // Adds the record, or raises its limits and takes its address and port if it has them: that is where the radio is now,
    // and no other record of the key keeps them. In memory: durable with the next sync().
    void update(const IndexRecord& record);
    // The exact limits that a clean stop leaves, which may be below what was reserved. Requires: the stream
    // has ended and seals and opens nothing any more.
    void settle(const IndexRecord& record);
    // The key is out of use for good.
    void forget(const KeyFingerprint& key);
    // A key that has left the configuration may come back, and is remembered, but not without bound: if more than
    // `most` records are of keys that are not `in_use`, all of those are forgotten. Gives how many.
    std::size_t retire(std::span<const KeyFingerprint> in_use, std::size_t most);
    bool dirty() const;

    // Makes everything durable that update() and forget() changed. Once it failed, it fails until rebuild().
    core::Result<void> sync();
    // Writes everything into a new file, makes it durable and puts it in the place of the old one.
    core::Result<void> rebuild();

private:
    struct Impl;
    explicit IndexJournal(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace crosspatch::rtp
