#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/core/config.hpp"
#include "crosspatch/policy/facts.hpp"

namespace crosspatch::bridge {

// What jurisdiction gives or denies on a bridge. Emergency is the floor taken by an `{emergency: true}` rule of its
// `preemption`, Preempt by the other ones; Command switches radios of the other agencies off and on while it is open.
enum class Right : std::uint8_t { Open, Close, Preempt, Emergency, Command };
inline constexpr std::array<std::string_view, 5> kRights{"open", "close", "preempt", "emergency", "command"};
std::string_view word(Right right);

// What kind of incident a bridge serves. None: it serves none, and no word of a rule names that.
// Source   OASIS CAP 1.2 §3.2.2, category.
enum class IncidentKind : std::uint8_t {
    Geo,
    Met,
    Safety,
    Security,
    Rescue,
    Fire,
    Health,
    Env,
    Transport,
    Infra,
    Cbrne,
    Other,
    None
};
inline constexpr std::array<std::string_view, 12> kIncidentKinds{"geo",       "met",   "safety", "security",
                                                                 "rescue",    "fire",  "health", "env",
                                                                 "transport", "infra", "cbrne",  "other"};

using RightSet = std::bitset<kRights.size()>;
using RoleSet = std::bitset<policy::kRoles.size()>;
using IncidentSet = std::bitset<kIncidentKinds.size() + 1>;

struct JurisdictionRule {
    std::string id;
    bool allows{true};
    RightSet rights;                    // `may`
    std::vector<std::string> agencies;  // in order, each once; none: the agencies on the bridge
    RoleSet roles{RoleSet{}.set()};     // as policy::kRoles has them
    std::vector<std::string> places;    // in order, each once; none: any, and bridges without one
    std::vector<std::string> bridges;   // the same; none: any
    IncidentSet incidents{IncidentSet{}.set()};
    std::string reason;  // of a rule that denies; may be empty
    core::config::Mark mark;
    std::string path;  // `jurisdiction[2]`

    bool names(Right right) const { return rights.test(static_cast<std::size_t>(right)); }
    // Its conditions on bridges and places hold there.
    bool fits(std::string_view bridge, std::string_view place) const;
};
using JurisdictionRules = std::vector<std::shared_ptr<const JurisdictionRule>>;

// An answer, and why.
struct Verdict {
    enum class Because : std::uint8_t {
        Rule,         // `rule` says so
        Reserved,     // `rule` gives it to others, and nothing to him
        OwnAgency,    // either side closes alone, whatever rules say
        NotOnBridge,  // only agencies on the bridge can have it
        Nobody,       // no rule speaks of it: nobody has it
        Usual         // no rule speaks of it: who has it without rules
    };
    bool allowed{};
    Because because{Because::Usual};
    const JurisdictionRule* rule{};

    bool operator==(const Verdict&) const = default;
};

// Who may do what on one bridge: the rules that concern it, compiled.
//
// Shape    the first rule that names the right and matches who asks decides. Where none does: `open`, `preempt` and
//          `command` are refused if a rule that allows speaks of them there, for it gives them to others; `close` and
//          `emergency` are only ever taken away by a rule that denies. Then what is usual: dispatchers and supervisors of
//          the agencies on the bridge open and close, and so does an administrator without an agency; the floor is taken
//          as `preemption` says; nobody commands. A Verdict points into the rules, which the object shares.
// Thread   immutable: any.
// Source   src/bridge/README.md, Jurisdiction.
class Jurisdiction {
public:
    Jurisdiction() = default;
    // Of `all`, those that fit `bridge` at `place` (empty: none). `agencies`: those with a channel on it.
    Jurisdiction(std::string_view bridge, std::string place, std::vector<std::string> agencies,
                 const JurisdictionRules& all);

    // `agency` is empty for whoever belongs to none; a role that is none of policy::kRoles may nothing.
    Verdict decide(Right right, std::string_view agency, std::string_view role,
                   IncidentKind incident = IncidentKind::None) const;

    const JurisdictionRules& rules() const { return rules_; }
    const std::string& place() const { return place_; }
    const std::vector<std::string>& agencies() const { return agencies_; }
    // Those, and others that a rule names: who may have rights there, in order.
    std::vector<std::string> concerned() const;
    bool is_on(std::string_view agency) const;
    // Whether the rule's condition on agencies holds for this one here.
    bool matches(const JurisdictionRule& rule, std::string_view agency) const;

private:
    JurisdictionRules rules_;
    std::string place_;
    std::vector<std::string> agencies_;  // in order
};

// Dispatchers and supervisors.
bool is_commanding(std::string_view role);

// `rule 'stadium-police' gives it to dispatcher, supervisor of metro-pd`: the Verdict in words, without its answer.
std::string explain(const Verdict& verdict, Right right);

}  // namespace crosspatch::bridge
