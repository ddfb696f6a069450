#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/bridge/talker_tone.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/floor/request.hpp"
#include "crosspatch/media/carrier_watch.hpp"
#include "crosspatch/media/endpoint.hpp"
#include "crosspatch/media/mark.hpp"
#include "crosspatch/media/vox_input.hpp"
#include "crosspatch/policy/engine.hpp"
#include "crosspatch/ptt/ed137.hpp"
#include "crosspatch/ptt/event_key.hpp"
#include "crosspatch/ptt/mcpt_server.hpp"

namespace crosspatch::bridge {

inline constexpr std::uint32_t kNowhere = 0xFFFFFFFF;

// Who is connected to what, as one worker needs it: the configuration with every name turned into an index.
//
// Shape    indices are dense and keep their meaning over reloads; an index that is free has no media endpoint, an
//          empty channel or no legs. Everything that it points to lives until the worker says that it has let go.
// Thread   made by control, then read by the worker only; never changed.
struct Topology {
    // Packets ready to be sent: a tone in the endpoint's own codec. None: it is not played.
    struct Tone {
        std::vector<std::vector<std::byte>> packets;
    };
    using Tones = std::array<Tone, kTalkerTones>;  // by TalkerTone
    // What talkspurts cost, in microseconds of CPU for each second of talk: estimates for Admission.
    struct Loads {
        static constexpr std::size_t kMost = 64;  // what is beyond shares the last number
        std::vector<std::uint32_t>
            encoding;  // of each distinct kind of group: codec, settings, packet time, rate
        std::vector<std::uint32_t> decoding;  // of each distinct format that is talked in
    };
    struct Endpoint {
        media::Endpoint* media{};
        std::uint32_t channel{kNowhere};
        policy::NameId talker{};
        policy::NameId role{};
        policy::Suite suite{policy::Suite::None};
        floor::Signal signal{floor::Signal::Media};
        std::uint8_t priority{};
        bool talks{};  // the endpoint's direction, seen from the radio
        bool listens{};
        bool reports{};  // RTCP is on: silence for 15 s means that the radio is gone
        bool half_duplex{};
        bool shared{};                                 // has a `path`: what it hears may have been said here
        std::uint8_t talks_in{};                       // its format, in loads
        std::shared_ptr<const Tones> tones;            // nothing: none of them
        std::shared_ptr<media::VoxInput> vox;          // nothing but for `ptt: vox`
        std::shared_ptr<media::CarrierWatch> carrier;  // nothing but with `floor.dead_carrier`
        std::shared_ptr<ptt::McptServer> floor_messages;  // nothing but for `ptt: mcptt`
        std::shared_ptr<ptt::EventKey> event_key;         // nothing but for `ptt: event`
        std::shared_ptr<media::PreRoll> pre_roll;         // of that key
        std::shared_ptr<ptt::Ed137> ed137;                // nothing but for `ptt: ed137`
        std::string_view identity;                        // of the talker, as floor messages name him
        std::string_view talker_id;                       // the same as the configuration does
        // What the talker may claim.
        bool may_emergency{};
        bool may_imminent_peril{};
        bool may_broadcast{};
    };
    struct Channel {
        policy::NameId id{};
        policy::NameId agency{};
        std::string_view agency_id;
        policy::Sensitivity sensitivity{policy::Sensitivity::Amber};
        floor::Settings floor;
        const policy::RuleList* outbound{};
        const policy::RuleList* inbound{};
        const media::Mark* mark{};        // before what its talkers say elsewhere, where that is announced
        const media::Mark* clear_mark{};  // the same of a talker without encryption
        std::vector<std::uint32_t> endpoints;
        std::vector<std::uint32_t> messaged;  // of these, those with floor messages
        std::vector<std::uint32_t> on_air;    // of these, those of ED-137
        std::vector<std::uint32_t> bridges;   // those that it is on
        policy::SuiteSet suites;              // of its listeners
        std::size_t reach{};                  // endpoints that may hear a talker here, all bridges open
        std::uint32_t listening{};            // load of its listeners' packets
        std::uint32_t telling{};              // a floor message to each of `messaged`, in nanoseconds
        std::vector<std::uint64_t> groups;  // by format that is talked in: the groups that its listeners need
    };
    struct Leg {
        std::uint32_t channel{kNowhere};
        bool talks{};    // heard by the others
        bool listens{};  // hears the others
        double gain_db{};
    };
    struct Preemption {
        std::vector<policy::NameId> roles;
        policy::NameId agency{};
        policy::NameId over_agency{};
        std::vector<policy::NameId> over_roles;
        bool emergency{};
    };
    // Whom jurisdiction does not let take the floor, by rules of preemption that ask for an emergency or by the others.
    struct Barred {
        policy::NameId agency{};
        policy::NameId role{};
        bool emergency{};
        bool operator==(const Barred&) const = default;
    };
    struct Bridge {
        std::vector<Leg> legs;
        floor::WhenBusy when_busy{floor::WhenBusy::Skip};
        std::vector<Preemption> preemption;
        std::vector<Barred> barred;
        std::vector<Ceiling<policy::NameId>> ceilings;
        std::optional<policy::Sensitivity>
            sensitivity;  // the most restricted that may cross it; nothing: any
    };

    std::vector<Endpoint> endpoints;
    std::vector<Channel> channels;
    std::vector<Bridge> bridges;
    Loads loads;
    // What the rule lists and names point into.
    std::shared_ptr<const void> configuration;
};

}  // namespace crosspatch::bridge
