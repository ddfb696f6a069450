#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crosspatch/app/carrier_watches.hpp"
#include "crosspatch/app/config.hpp"
#include "crosspatch/app/orders.hpp"
#include "crosspatch/app/placement.hpp"
#include "crosspatch/app/radios.hpp"
#include "crosspatch/app/tone_book.hpp"
#include "crosspatch/bridge/switchboard.hpp"
#include "crosspatch/media/codec_pool.hpp"
#include "crosspatch/media/crew.hpp"
#include "crosspatch/media/packet_costs.hpp"

namespace crosspatch::app {

// Dense numbers for names, kept over reloads; a number is used again only when its last user is gone for
// good.
class Indices {
public:
    std::uint32_t of(const std::string& id);
    std::optional<std::uint32_t> find(const std::string& id) const;
    const std::string& name(std::uint32_t index) const;
    std::size_t size() const { return names_.size(); }
    // Frees the numbers of all others; those that it freed.
    std::vector<std::uint32_t> keep_only(const std::set<std::string>& ids);

private:
    std::map<std::string, std::uint32_t> by_id_;
    std::vector<std::string> names_;
    std::vector<std::uint32_t> free_;
};

// What talkspurts may need of the codec pools: those of each channel, wherever it lives, and of each worker besides.
struct CodecNeeds {
    std::vector<media::CodecPool::Needs> channels;
    media::CodecPool::Needs spare;
};

// What is connected now, as control owns it: the configuration in force and every object that a worker uses
// for it.
struct Estate {
    explicit Estate(std::size_t workers) : placement{workers} {}

    // What the pool of each worker needs for the channels that live there.
    std::vector<media::CodecPool::Needs> needs_by_worker() const;

    std::shared_ptr<const Config> config;
    Indices endpoints, channels, bridges;
    Radios radios;
    core::UniqueFd shared_port;
    core::Address shared_address;  // with the port that the kernel picked
    media::CodecPool::Maker codecs;
    media::PacketCosts costs;
    ToneBook tones;
    CarrierWatches carriers;
    Placement placement;
    CodecNeeds needs;
    const bridge::Topology* topology{};  // the workers', who never change it; nullptr before the first
};

// Channels on their way to other workers, with the ports and timers of their radios.
//
// Thread   made by control; carry_out() while all workers rest.
struct Relocation {
    struct Step {
        bridge::Switchboard::Move move;
        std::vector<int> ports;
        std::vector<media::Endpoint*> endpoints;
    };
    std::vector<Step> steps;
    std::vector<media::CodecPool::Needs> needs;  // of each worker afterwards

    void carry_out(media::Crew& crew, bridge::Switchboard& switchboard, core::Time now) const;
    // Shares out the codecs: when all is where it belongs.
    void deal(media::Crew& crew) const;
};
Relocation relocate(std::vector<bridge::Switchboard::Move> moves, const Radios& radios,
                    const Indices& channels);

// A change that is ready to be handed to the worker: ports are open, keys expanded, encoders made; nothing can
// fail any more.
//
// Shape    `added` are radios that are new or replace one of the same index; take_over() puts there what they
//          replace and what is gone, which lives until the worker says that it has let go.
// Thread   made and destroyed by control; carry_out() runs while all workers rest, and frees nothing of it.
struct Plan {
    explicit Plan(Placement from) : placement{std::move(from)} {}

    struct Rekey {
        std::uint32_t index;
        media::Endpoint* endpoint;
        std::unique_ptr<rtp::SrtpReceiver> receiver;  // knows the new and the old key
        std::optional<core::Time> old_key_until;
        std::shared_ptr<ptt::McptServer> floor_messages;  // if it has any
    };
    struct Standing {
        std::uint32_t endpoint;
        bridge::Exchange::Standing standing;
    };

    // Everything that is done with the workers for it, between two packets.
    void carry_out(media::Crew& crew, bridge::Switchboard& switchboard, core::Time now);
    // Control's side of it: the new objects are in force.
    void take_over(Estate& estate);
    bool rekeys(std::uint32_t endpoint) const;
    bool replaces(std::uint32_t endpoint) const;

    std::shared_ptr<const Config> config;
    bridge::Switchboard::Change change;  // the workers' as soon as it is posted
    const bridge::Topology* topology{};  // change's, for control
    Relocation relocation;
    Placement placement;
    CodecNeeds needs;
    std::vector<std::uint32_t> replaced;  // control's copy of who is gone
    media::CodecPool::Stock stock;
    std::vector<std::unique_ptr<Radio>> added;
    std::vector<std::uint32_t> removed;
    std::vector<Rekey> rekeyed;
    std::vector<std::pair<media::Endpoint*, media::Endpoint*>>
        continued;                    // from, to: what they heard goes on
    std::vector<Standing> standings;  // of endpoints that are new or have other keys
    std::vector<int> unwatched;       // ports that close
    std::vector<media::Worker::Port> watched;
    std::vector<media::Endpoint*> detached;
    std::vector<media::Endpoint*> attached;
    std::vector<std::string> bridges_removed;
    std::vector<std::uint32_t> closing;  // open bridges that may not be so by this configuration
    core::UniqueFd shared_port;          // a new one, if its address changed
    core::Address shared_address;
    bool shared_changed{};
};

// Compares `config` with what is connected; `open` are the bridges that are, by index. Fails, and changes nothing, when a
// port cannot be opened.
core::Result<std::unique_ptr<Plan>> make_plan(std::shared_ptr<const Config> config, Estate& estate,
                                              const StreamBook& book, const Orders& orders,
                                              const std::vector<bool>& open, const media::Crew& crew);

// The configuration with all names turned into indices; `radio_of` gives each endpoint's Radio.
std::unique_ptr<bridge::Topology> make_topology(std::shared_ptr<const Config> config, Estate& estate,
                                                const std::map<std::uint32_t, const Radio*>& radios);

// What talkspurts may need of the codec pool, from formats and bridges.
CodecNeeds codec_needs(const bridge::Topology& topology);

}  // namespace crosspatch::app
