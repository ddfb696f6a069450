#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/record/consent.hpp"

namespace crosspatch::bridge {

// The public key of each agency, wherever the private one is.
using AgencyKeys = std::map<std::string, record::PublicKey>;

// What a signed consent is held against.
struct ConsentFacts {
    const std::string& log;  // id of this gateway's
    const Bridge& bridge;    // that it was handed in for
    const AgencyKeys& keys;
    core::WallTime wall;  // never earlier than the newest record's time
    core::Time now;
    bool signed_now{};  // by the gateway itself, a moment ago: nobody can have had it before
};

enum class ConsentRefusal : std::uint8_t {
    OtherGateway,
    OtherBridge,
    NotOnBridge,
    Forged,
    Revoked,
    Replayed,
    Forgotten,
    SignedBeforeRevocation,
    Expired,
    TooLong,
    OtherTerms,
    OtherAgreement,
    TooManyOfAgency,
    TooMany
};
std::string_view word(ConsentRefusal refusal);  // for records: `other_gateway`
std::string explain(ConsentRefusal refusal, const record::ConsentStatement& statement,
                    const ConsentFacts& facts);

enum class ConsentEnd : std::uint8_t { Time, Terms, Agreement, Key, Bridge, Revoked, Gateway };
std::string_view word(ConsentEnd end);  // for records: `time`, `terms`

// Who has said yes to which bridge, for how long, and which consents are used up.
//
// Shape    consents that hold, at most kMost together with the ids of those that ended, which are kept until they expire;
//          standing consents that were withdrawn; the newest key of each agency that is on record, and whose keys the gateway
//          has ever kept. Of each bridge and agency
//          the last revocation, kMostRevocations at most, until what was signed before it can hold no more.
// Time     a consent's deadlines are monotonic from its acceptance; after a restart from when it is read again.
// Errors   parse() takes a file whole or not at all; nothing counts of one that is damaged.
// Thread   control. Pure: clocks, keys and terms come from the caller.
// Source   architecture.md, Consent.
class Consents {
public:
    static constexpr std::size_t kMost = 10'000;
    static constexpr std::size_t kMostOfAgency =
        16;  // that one agency has given to one bridge, and that have not ended
    static constexpr std::size_t kMostRevocations = 10'000;
    static constexpr std::chrono::hours kLongest{24 * 366};
    static constexpr std::chrono::minutes kReminder{10};  // before the end, but at most a tenth of its length

    struct Given {
        record::SignedConsent consent;
        record::PublicKey key{};  // that its signature verifies under
        core::Time from{};        // counts from here
        core::Time until{};       // to here
        bool elsewhere{};         // it names another gateway: read from its file, and ended by settle()
        bool operator==(const Given&) const = default;

        core::Time reminder() const;
    };
    struct Ended {
        Given given;
        ConsentEnd because;
    };
    struct RecordedKey {
        record::PublicKey key{};
        core::WallTime since{};
        bool operator==(const RecordedKey&) const = default;
    };

    // Why it is not taken; nothing if it may be. Does not change anything.
    std::optional<ConsentRefusal> judge(const record::SignedConsent& consent,
                                        const ConsentFacts& facts) const;
    // Requires that judge() has nothing against it. A standing consent that was withdrawn stays so.
    void accept(record::SignedConsent consent, const ConsentFacts& facts);

    // The agencies on the bridge that do not consent now, in order.
    std::vector<std::string> missing(const Bridge& bridge, const AgencyKeys& keys, core::Time now) const;
    // The consent that counts longest for the agency; nullptr if none does or will. One that is yet to begin comes last.
    const Given* given(const Bridge& bridge, const std::string& agency, const AgencyKeys& keys,
                       core::Time now) const;
    // How many consents that the agency signed with its key count now, on these bridges.
    std::size_t counting(const std::string& agency, const std::vector<Bridge>& bridges,
                         const AgencyKeys& keys, core::Time now) const;
    // Standing consent, not withdrawn. None while nobody knows which were.
    bool stands(const Bridge& bridge, const std::string& agency) const;
    // And it counts: the agency has its key.
    bool stands(const Bridge& bridge, const std::string& agency, const AgencyKeys& keys) const {
        return keys.contains(agency) && stands(bridge, agency);
    }

    // Takes back what the agency has said, standing consent included, and gives what that ended. What it signed until `wall`
    // and nobody has handed in yet is taken back, too.
    std::vector<Ended> revoke(const Bridge& bridge, const std::string& agency, core::WallTime wall,
                              core::Time now);
    // The agency took back at `at` what it had signed, whether the bridge is there still or not.
    void refuse_older(const std::string& bridge, const std::string& agency, core::WallTime at,
                      core::WallTime wall, core::Time now);
    // What a withdrawal of the bridge's standing consent is filed under. Of one that was made, its template: another one made
    // of it would bring the consent back.
    static std::string standing_of(const Bridge& bridge);
    static std::string standing_of_template(const std::string& pattern) { return "template/" + pattern; }
    // The standing consent of the agency does not count any more.
    void withdraw(const std::string& standing, const std::string& agency) {
        withdrawn_.emplace(standing, agency);
    }
    // Which standing consents were withdrawn, forget() could not say, and withdraw_unknown() has not been called since; over a
    // restart, too.
    bool standing_unknown() const { return standing_unknown_; }
    // Then none counts until the configuration gives it anew: withdraws each. False: it is known, and nothing changes.
    bool withdraw_unknown(const std::vector<Bridge>& bridges, const std::vector<Bridge>& templates = {});
    // Ends what time, other terms, another agreement, another key or a bridge that is gone have ended, and what was given to
    // another gateway; forgets ids that have expired, and withdrawals from what stands no more.
    std::vector<Ended> settle(const std::vector<Bridge>& bridges, const AgencyKeys& keys, core::Time now,
                              const std::vector<Bridge>& templates = {});
    // When settle() by time has something to do.
    std::optional<core::Time> next_end() const;
    const std::vector<Given>& all() const { return given_; }

    // The agencies whose keys are not on record yet as they are now; they count as recorded from here on.
    std::vector<std::string> unrecorded_keys(const AgencyKeys& keys, core::WallTime wall);
    const std::map<std::string, RecordedKey>& recorded_keys() const { return recorded_; }
    // What the log says of it, where the list was lost.
    void recall_key(const std::string& agency, const RecordedKey& key) { recorded_[agency] = key; }
    // Agencies whose key the gateway keeps or has kept: one that is not there any more was lost. True: this one is new.
    bool note_kept(const std::string& agency) { return kept_.insert(agency).second; }
    const std::set<std::string>& ever_kept() const { return kept_; }

    // The list was lost: what `spent` names was used before, and if the log could not tell (`all_known` is false), so may
    // have been whatever begins before `wall`, and standing consents may have been withdrawn.
    void forget(const std::vector<record::ConsentStatement>& spent, bool all_known, core::WallTime wall,
                core::Time now);

    // One line of JSON and one with its SHA-256. `log` is the id of this gateway's, as in ConsentFacts.
    std::string text() const;
    static core::Result<Consents> parse(std::string_view text, std::string_view log, core::WallTime wall,
                                        core::Time now);
    bool operator==(const Consents&) const = default;

private:
    struct Spent {
        core::WallTime expires{};
        core::Time until{};
        bool revoked{};
        bool operator==(const Spent&) const = default;
    };
    struct Revocation {
        core::WallTime at{};
        core::Time until{};  // what was signed before it has expired by then
        bool operator==(const Revocation&) const = default;
    };
    using OfBridge = std::pair<std::string, std::string>;  // bridge, agency
    void spend(const Given& given, ConsentEnd because);

    std::vector<Given> given_;
    std::map<std::string, Spent> spent_;  // by id
    std::set<OfBridge> withdrawn_;
    std::map<OfBridge, Revocation> revoked_;
    std::map<std::string, RecordedKey> recorded_;
    std::set<std::string> kept_;
    core::WallTime forgotten_before_{};
    bool standing_unknown_{};
};

// `detail` of the record of a revocation: whose, whether a standing consent was taken back, how many others and the ids of the
// first kMostIdsOnRecord. Short, whatever a file brought: a record that is too long would lose all of it.
inline constexpr std::size_t kMostIdsOnRecord = 32;
boost::json::object revocation_json(const std::string& agency, bool stood,
                                    const std::vector<Consents::Ended>& ended);

}  // namespace crosspatch::bridge
