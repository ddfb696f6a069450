#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/policy/engine.hpp"
#include "crosspatch/policy/rule.hpp"

namespace crosspatch::policy {

// Of a configuration what policy rests on: channels with their lists, who talks and listens there, and the bridges that
// join them. For asking offline, with no daemon and no key file.
//
// Shape    a few hundred octets for each channel and endpoint, beside the rules. Names are numbers of the table that
//          read_layout() was given.
// Thread   immutable: any.
struct Layout {
    struct Endpoint {
        std::string id;
        std::string talker;
        std::string role;
        Suite suite{Suite::None};
        bool talks{true};
        bool listens{true};
    };
    struct Channel {
        std::string id;
        std::string agency;
        Sensitivity sensitivity{Sensitivity::Amber};
        RuleList outbound;
        RuleList inbound;
        std::vector<Endpoint> endpoints;

        SuiteSet talking() const;    // suites of endpoints that talk
        SuiteSet listening() const;  // and of those that listen
    };
    struct Leg {
        std::string channel;
        bool heard{true};
        bool hears{true};
    };
    struct Bridge {
        std::string id;
        std::vector<Leg> legs;
        std::optional<Sensitivity> sensitivity;  // the most restricted that may cross it; nothing: any

        bool carries(const Channel& from) const { return !sensitivity || from.sensitivity >= *sensitivity; }
    };
    std::vector<Channel> channels;
    std::vector<Bridge> bridges;

    const Channel* channel(std::string_view id) const;
    const Endpoint* endpoint(std::string_view id, const Channel** on) const;
    // Everything that may be a question's `from`, or its `to`.
    std::vector<std::string_view> names(bool with_endpoints) const;
};

// Reads the whole file's agencies, groups, channels and bridges. Other keys are not looked at: whether the file is good
// says `crosspatchd --check`.
//
// Errors   problems with rules, groups and what they name are reported at their place; what could not be read is left
//          out, so a layout of a file with problems is not used.
Layout read_layout(const core::config::Node& root, Names& names, core::WallTime now);

// Something on its way from one channel to another.
struct Passage {
    const Layout::Channel* from{};
    const Layout::Channel* to{};
    NameId talker{};
    NameId role{};
    Kind kind{Kind::Voice};
    bool emergency{};
    Suite suite{Suite::AeadAes256Gcm};  // the talker's
};

Facts facts_of(const Passage& passage, const Names& names);
// The answer of both keys for `listeners`; bridges are asked elsewhere.
Crossing decide_passage(const Passage& passage, SuiteSet listeners, const Names& names, core::WallTime now);

}  // namespace crosspatch::policy
