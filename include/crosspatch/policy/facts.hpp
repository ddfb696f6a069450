#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "crosspatch/policy/names.hpp"

namespace crosspatch::policy {

enum class Kind : std::uint8_t { Voice, Text, Picture, Location };

// TLP 2.0 labels, the most restricted first.
enum class Sensitivity : std::uint8_t { Red, AmberStrict, Amber, Green, Clear };

// How an endpoint's audio is protected. Api: what travels by the API and has no SRTP (messages, pictures); no
// rule can name it, so a rule with a `suite` list does not match it.
enum class Suite : std::uint8_t { AeadAes256Gcm, AeadAes128Gcm, AesCm128HmacSha1_80, None, Api };
inline constexpr std::size_t kSuites = 5;

// The incident that a crossing belongs to: one that happens, or a drill. None: it belongs to none, and no word of
// a rule names that.
enum class Incident : std::uint8_t { Actual, Exercise, None };

// How grave that incident is, the worst first. None: there is no incident.
// Source   OASIS CAP 1.2 §3.2.2, severity.
enum class Severity : std::uint8_t { Extreme, Severe, Moderate, Minor, Unknown, None };

// `AMBER+STRICT`, `AEAD_AES_256_GCM`, `voice`: the words of the configuration, and back.
std::string_view word(Kind kind);
std::string_view word(Sensitivity sensitivity);
std::string_view word(Suite suite);
std::optional<Kind> kind_of(std::string_view word);
std::optional<Sensitivity> sensitivity_of(std::string_view word);
std::optional<Suite> suite_of(std::string_view word);  // never Api

// The roles that talkers and users have.
inline constexpr std::array<std::string_view, 7> kRoles{"guard",      "officer", "dispatcher",   "supervisor",
                                                        "technician", "auditor", "administrator"};

// A set of suites: those of a channel's listeners, or those that may hear.
class SuiteSet {
public:
    constexpr SuiteSet() = default;
    constexpr SuiteSet(std::initializer_list<Suite> suites) {
        for (const Suite suite : suites) insert(suite);
    }
    static constexpr SuiteSet all() {
        SuiteSet set;
        set.bits_ = (1U << kSuites) - 1;
        return set;
    }
    constexpr void insert(Suite suite) { bits_ |= 1U << static_cast<unsigned>(suite); }
    constexpr bool contains(Suite suite) const { return (bits_ >> static_cast<unsigned>(suite) & 1U) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    friend constexpr bool operator==(SuiteSet, SuiteSet) = default;

private:
    std::uint32_t bits_{};
};

// What a rule may look at: one thing on its way from a talker to another channel, seen from the channel whose
// list is asked. `own` is that channel; `other` is where it goes (outbound) or where it comes from (inbound).
//
// Shape    integers only, 32 octets; made once a talkspurt or message.
// Source   contract.md, "Defaults and meanings".
struct Facts {
    NameId own_agency{};
    NameId own_channel{};
    NameId other_agency{};
    NameId other_channel{};
    NameId talker{};  // known to us, never claimed from the air
    NameId role{};
    Kind kind{Kind::Voice};
    bool emergency{};
    Sensitivity sensitivity{Sensitivity::Amber};  // the source channel's
    Suite suite{Suite::AeadAes256Gcm};  // outbound: of the talker's endpoint; inbound: of the listener
    Incident incident{Incident::None};
    Severity severity{Severity::None};

    bool same_agency() const { return own_agency == other_agency; }

    // The same crossing seen from the other channel, by a listener with `listener` as its suite.
    Facts from_other_side(Suite listener) const;
};

}  // namespace crosspatch::policy
