#include "crosspatch/bridge/consents.hpp"

#include <algorithm>
#include <cassert>

namespace crosspatch::bridge {
namespace {

bool is_on(const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

const record::PublicKey* key_of(const AgencyKeys& keys, const std::string& agency) {
    const auto found = keys.find(agency);
    return found == keys.end() ? nullptr : &found->second;
}

// What has come between a consent and its bridge; nothing if it stands as it was given.
std::optional<ConsentEnd> overtaken(const Consents::Given& given, const Bridge& bridge,
                                    const AgencyKeys& keys) {
    const record::ConsentStatement& statement = given.consent.statement;
    if (given.elsewhere) return ConsentEnd::Gateway;
    const record::PublicKey* key = key_of(keys, statement.agency);
    if (!key || *key != given.key) return ConsentEnd::Key;
    if (!is_on(bridge.agencies, statement.agency)) return ConsentEnd::Bridge;
    if (statement.terms != bridge.terms) return ConsentEnd::Terms;
    if (statement.agreement != bridge.agreement) return ConsentEnd::Agreement;
    return std::nullopt;
}

}  // namespace

core::Time Consents::Given::reminder() const {
    return until - std::min<core::Duration>(kReminder, (until - from) / 10);
}

std::optional<ConsentRefusal> Consents::judge(const record::SignedConsent& consent,
                                              const ConsentFacts& facts) const {
    using Refusal = ConsentRefusal;
    const record::ConsentStatement& statement = consent.statement;
    if (statement.gateway != facts.log) return Refusal::OtherGateway;
    if (statement.bridge != facts.bridge.id) return Refusal::OtherBridge;
    const record::PublicKey* key = key_of(facts.keys, statement.agency);
    if (!key || !is_on(facts.bridge.agencies, statement.agency)) return Refusal::NotOnBridge;
    // Before anything that only the agency is to learn.
    if (!record::verifies(consent, *key)) return Refusal::Forged;
    if (const auto spent = spent_.find(statement.id); spent != spent_.end())
        return spent->second.revoked ? Refusal::Revoked : Refusal::Replayed;
    const auto same = [&](const Given& given) { return given.consent.statement.id == statement.id; };
    if (std::any_of(given_.begin(), given_.end(), same)) return Refusal::Replayed;
    if (statement.not_before < forgotten_before_) return Refusal::Forgotten;
    const auto revoked = revoked_.find({statement.bridge, statement.agency});
    if (!facts.signed_now && revoked != revoked_.end() && statement.not_before <= revoked->second.at)
        return Refusal::SignedBeforeRevocation;
    if (statement.expires <= facts.wall) return Refusal::Expired;
    // From its own beginning, too: a revocation is remembered for that long.
    if (statement.expires - std::min(facts.wall, statement.not_before) > kLongest) return Refusal::TooLong;
    if (statement.terms != facts.bridge.terms) return Refusal::OtherTerms;
    if (statement.agreement != facts.bridge.agreement) return Refusal::OtherAgreement;
    const auto of_agency = [&](const Given& given) {
        const record::ConsentStatement& other = given.consent.statement;
        return other.bridge == statement.bridge && other.agency == statement.agency &&
               facts.now < given.until;
    };
    if (static_cast<std::size_t>(std::count_if(given_.begin(), given_.end(), of_agency)) >= kMostOfAgency)
        return Refusal::TooManyOfAgency;
    if (given_.size() + spent_.size() >= kMost) return Refusal::TooMany;
    return std::nullopt;
}

void Consents::accept(record::SignedConsent consent, const ConsentFacts& facts) {
    assert(!judge(consent, facts));
    const record::PublicKey& key = facts.keys.at(consent.statement.agency);
    Given given{.consent = std::move(consent), .key = key};
    const record::ConsentStatement& statement = given.consent.statement;
    given.from = facts.now + std::max(statement.not_before - facts.wall, core::WallTime::duration{});
    given.until = facts.now + (statement.expires - facts.wall);
    given_.push_back(std::move(given));
}

bool Consents::stands(const Bridge& bridge, const std::string& agency) const {
    return !standing_unknown_ && is_on(bridge.standing_consent, agency) &&
           !withdrawn_.contains({standing_of(bridge), agency});
}

const Consents::Given* Consents::given(const Bridge& bridge, const std::string& agency,
                                       const AgencyKeys& keys, core::Time now) const {
    const Given* best = nullptr;
    for (const Given& one : given_) {
        const record::ConsentStatement& statement = one.consent.statement;
        if (statement.bridge != bridge.id || statement.agency != agency || now >= one.until) continue;
        if (overtaken(one, bridge, keys)) continue;
        const auto rank = [&](const Given& given) { return std::pair{given.from <= now, given.until}; };
        if (!best || rank(one) > rank(*best)) best = &one;
    }
    return best;
}

std::size_t Consents::counting(const std::string& agency, const std::vector<Bridge>& bridges,
                               const AgencyKeys& keys, core::Time now) const {
    const auto counts = [&](const Given& one) {
        const record::ConsentStatement& statement = one.consent.statement;
        if (statement.agency != agency || now < one.from || now >= one.until) return false;
        const auto bridge = std::find_if(bridges.begin(), bridges.end(),
                                         [&](const Bridge& of) { return of.id == statement.bridge; });
        return bridge != bridges.end() && !overtaken(one, *bridge, keys);
    };
    return static_cast<std::size_t>(std::count_if(given_.begin(), given_.end(), counts));
}

std::vector<std::string> Consents::missing(const Bridge& bridge, const AgencyKeys& keys,
                                           core::Time now) const {
    std::vector<std::string> missing;
    for (const std::string& agency : bridge.agencies) {
        if (stands(bridge, agency, keys)) continue;
        const Given* one = given(bridge, agency, keys, now);
        if (!one || now < one->from) missing.push_back(agency);
    }
    return missing;
}

void Consents::spend(const Given& given, ConsentEnd because) {
    const record::ConsentStatement& statement = given.consent.statement;
    spent_[statement.id] = {statement.expires, given.until, because == ConsentEnd::Revoked};
}

void Consents::refuse_older(const std::string& bridge, const std::string& agency, core::WallTime at,
                            core::WallTime wall, core::Time now) {
    if (at + kLongest <= wall) return;
    Revocation& revocation = revoked_[{bridge, agency}];
    if (at >= revocation.at) revocation = {at, now + (at + kLongest - wall)};
    if (revoked_.size() <= kMostRevocations) return;
    // No room: the oldest holds for everybody from now on. That refuses too much rather than too little.
    const auto older = [](const auto& one, const auto& other) { return one.second.at < other.second.at; };
    const auto oldest = std::min_element(revoked_.begin(), revoked_.end(), older);
    forgotten_before_ = std::max(forgotten_before_, oldest->second.at + std::chrono::nanoseconds{1});
    revoked_.erase(oldest);
}

std::vector<Consents::Ended> Consents::revoke(const Bridge& bridge, const std::string& agency,
                                              core::WallTime wall, core::Time now) {
    std::vector<Ended> ended;
    refuse_older(bridge.id, agency, wall, wall, now);
    if (is_on(bridge.standing_consent, agency)) withdraw(standing_of(bridge), agency);
    std::erase_if(given_, [&](const Given& one) {
        const record::ConsentStatement& statement = one.consent.statement;
        if (statement.bridge != bridge.id || statement.agency != agency) return false;
        spend(one, ConsentEnd::Revoked);
        ended.push_back({one, ConsentEnd::Revoked});
        return true;
    });
    return ended;
}

bool Consents::withdraw_unknown(const std::vector<Bridge>& bridges, const std::vector<Bridge>& templates) {
    if (!std::exchange(standing_unknown_, false)) return false;
    for (const Bridge& bridge : bridges)
        for (const std::string& agency : bridge.standing_consent) withdraw(standing_of(bridge), agency);
    for (const Bridge& pattern : templates)
        for (const std::string& agency : pattern.standing_consent)
            withdraw(standing_of_template(pattern.id), agency);
    return true;
}

std::string Consents::standing_of(const Bridge& bridge) {
    return bridge.made_from.empty() ? bridge.id : standing_of_template(bridge.made_from);
}

std::vector<Consents::Ended> Consents::settle(const std::vector<Bridge>& bridges, const AgencyKeys& keys,
                                              core::Time now, const std::vector<Bridge>& templates) {
    const auto find = [&](const std::string& id) {
        return std::find_if(bridges.begin(), bridges.end(), [&](const Bridge& one) { return one.id == id; });
    };
    std::vector<Ended> ended;
    std::erase_if(given_, [&](const Given& one) {
        const auto bridge = find(one.consent.statement.bridge);
        std::optional<ConsentEnd> because =
            bridge == bridges.end() ? std::optional{one.elsewhere ? ConsentEnd::Gateway : ConsentEnd::Bridge}
                                    : overtaken(one, *bridge, keys);
        if (now >= one.until) because = ConsentEnd::Time;
        if (!because) return false;
        if (*because != ConsentEnd::Time) spend(one, *because);
        ended.push_back({one, *because});
        return true;
    });
    std::erase_if(spent_, [&](const auto& one) { return now >= one.second.until; });
    std::erase_if(revoked_, [&](const auto& one) { return now >= one.second.until; });
    std::erase_if(withdrawn_, [&](const auto& one) {
        const auto stands = [&](const Bridge& bridge, const std::string& name) {
            return name == one.first && is_on(bridge.standing_consent, one.second);
        };
        return std::none_of(bridges.begin(), bridges.end(),
                            [&](const Bridge& bridge) { return stands(bridge, standing_of(bridge)); }) &&
               std::none_of(templates.begin(), templates.end(), [&](const Bridge& pattern) {
                   return stands(pattern, standing_of_template(pattern.id));
               });
    });
    return ended;
}

std::optional<core::Time> Consents::next_end() const {
    std::optional<core::Time> next;
    for (const Given& one : given_) next = std::min(next.value_or(one.until), one.until);
    for (const auto& [id, one] : spent_) next = std::min(next.value_or(one.until), one.until);
    for (const auto& [of, one] : revoked_) next = std::min(next.value_or(one.until), one.until);
    return next;
}

std::vector<std::string> Consents::unrecorded_keys(const AgencyKeys& keys, core::WallTime wall) {
    std::vector<std::string> changed;
    for (const auto& [agency, key] : keys) {
        const auto before = recorded_.find(agency);
        if (before != recorded_.end() && before->second.key == key) continue;
        recorded_[agency] = {key, wall};
        changed.push_back(agency);
    }
    return changed;
}

void Consents::forget(const std::vector<record::ConsentStatement>& spent, bool all_known, core::WallTime wall,
                      core::Time now) {
    for (const record::ConsentStatement& one : spent)
        if (one.expires > wall && spent_.size() < kMost)
            spent_[one.id] = {one.expires, now + (one.expires - wall), false};
    if (all_known) return;
    forgotten_before_ = wall;
    standing_unknown_ = true;
}

}  // namespace crosspatch::bridge
