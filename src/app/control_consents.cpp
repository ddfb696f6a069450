// Consents: given, revoked, reminded of, and brought back after a restart. control.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "crosspatch/app/control.hpp"
#include "crosspatch/bridge/terms.hpp"
#include "crosspatch/core/file.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "src/app/told_consents.hpp"

namespace crosspatch::app {

using boost::json::array;
using boost::json::object;
using boost::json::value;
using core::Error;

namespace {

// With which the gateway signs for the agency; where there is none, what to do instead.
core::Result<std::shared_ptr<const record::SigningKey>> kept_key(const LoadedKeys& keys,
                                                                 const std::string& agency,
                                                                 const std::string& bridge) {
    if (const auto lost = keys.lost.find(agency); lost != keys.lost.end())
        return core::unexpected(
            Error::Code::Invalid,
            fmt::format("the key of agency '{0}' is missing, {1}: bring the file back from the backup and "
                        "reload, or give the agency a new key by `crosspatchctl key rotate {0}`",
                        agency, lost->second.string()));
    const auto key = keys.kept.find(agency);
    if (key == keys.kept.end())
        return core::unexpected(
            Error::Code::Invalid,
            fmt::format(
                "agency '{}' keeps its key itself: sign there what `crosspatchctl bridge terms {} --json` "
                "prints, by `crosspatchctl consent sign`, and hand in that",
                agency, bridge));
    return key->second;
}

}  // namespace

bool Control::kept() const {
    return cuts_noted_ == cuts_made_ && keeper_->waiting(core::monotonic_now()) == core::Duration{};
}

void Control::read_consents(const std::filesystem::path& file) {
    constexpr std::size_t kLongest = 64 << 20;
    const auto octets = core::read_file(file, kLongest);
    if (!octets && octets.error().code == Error::Code::NotFound)
        return recover_consents(fmt::format("{} is gone", file.string()));
    // It may be good: a daemon that cannot read it does not start, rather than forget what was revoked.
    if (!octets) throw std::runtime_error{octets.error().context};
    const std::string_view text{reinterpret_cast<const char*>(octets->data()), octets->size()};
    auto consents = bridge::Consents::parse(text, record_.id(), wall(), core::monotonic_now());
    if (consents) {
        consents_ = std::move(*consents);
        if (consents_.standing_unknown())
            record_alarm(
                "consents.lost", true,
                "the list of consents was lost at a start that failed, and the log could not be read "
                "either: no standing consent counts, bridges that need one stay closed until the "
                "agencies give it again");
        return;
    }
    const auto aside = put_aside(file);
    recover_consents(fmt::format("{} could not be read{}: {}", file.string(),
                                 aside ? " and is now " + *aside : "", consents.error().context));
}

// Nothing counts any more that was given, and what the log knows of is used up or taken back.
void Control::recover_consents(const std::string& why) {
    if (first_start_) return;
    ToldConsents told = read_told_consents(record_.data_dir());
    for (const auto& [agency, key] : told.keys) consents_.recall_key(agency, key);
    for (const std::string& agency : told.kept) consents_.note_kept(agency);
    for (const auto& [of, at] : told.revoked)
        consents_.refuse_older(of.first, of.second, at, wall(), core::monotonic_now());
    std::erase_if(told.given, [&](const auto& one) { return one.expires <= wall(); });
    if (told.given.empty() && told.withdrawn.empty() && told.whole) return;  // nothing was lost
    consents_.forget(told.given, told.whole, wall(), core::monotonic_now());
    for (const auto& [bridge, agency] : told.withdrawn) consents_.withdraw(bridge, agency);
    record_alarm(
        "consents.lost", true,
        fmt::format("{}. No consent that was given before counts any more{}: bridges that need one stay "
                    "closed until the agencies give it again",
                    why,
                    told.whole
                        ? ""
                        : ", and since the log could not be read either, no standing one, and none that "
                          "begins before this start is taken"));
}

core::Result<object> Control::terms(std::string_view id, const api::Actor& actor) {
    const bridge::Bridge* bridge = bridge_config(id);
    if (!bridge || !may_see(actor, *bridge))
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no bridge '{}'", id));
    array agencies;
    for (const std::string& agency : bridge->agencies) agencies.push_back(agency_key_json(agency));
    const Config& config = *estate_.config;
    return object{{"id", bridge->id},
                  {"bridge", bridge->id},
                  {"gateway", record_.id()},
                  {"agreement", bridge->agreement},
                  {"agencies", std::move(agencies)},
                  {"terms", bridge->terms},
                  {"document", bridge::terms_of(*bridge, config.channels, *config.names,
                                                config.gateway.record.recordings)}};
}

// The consent that a request brings, or that the gateway signs for it. Says what may not be, not yet whether it is good.
core::Result<record::SignedConsent> Control::read_yes(const bridge::Bridge& bridge, const object& body,
                                                      const api::Actor& actor, record::Entry& entry) const {
    if (body.contains("statement") || body.contains("signature")) {
        // The signature is the agency's word; whoever may open the bridge may hand it in.
        if (const auto allowed = may_hand_in(bridge, actor); !allowed)
            return core::Unexpected{allowed.error()};
        entry.detail["refusal"] = "malformed";
        return record::read_consent(body);
    }
    const auto text = [&](const char* key) {
        const value* found = body.if_contains(key);
        return found && found->is_string() ? std::string{found->get_string()} : std::string{};
    };
    const std::string agency = body.contains("agency") ? text("agency") : actor.agency;
    entry.detail["refusal"] = "not_permitted";
    if (actor.agency.empty() || actor.agency != agency || !commands(actor))
        return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("{} may not consent for agency '{}': its dispatchers and supervisors do, as "
                        "gateway.operators names them",
                        actor.name, record::quoted(agency)));
    entry.detail["refusal"] = "malformed";
    const auto key = kept_key(keys_, agency, bridge.id);
    if (!key) return core::Unexpected{key.error()};
    for (const auto& pair : body)
        if (pair.key() != "agency" && pair.key() != "expires")
            return core::unexpected(
                Error::Code::Invalid,
                fmt::format("'{}' does not belong here: a consent is {{agency, expires}} or "
                            "{{statement, signature}}",
                            record::quoted(pair.key())));
    const auto expires = core::from_rfc3339(text("expires"));
    if (!expires)
        return core::unexpected(Error::Code::Invalid,
                                "'expires' is not a time; write it as 2026-11-22T16:00:00Z");
    const auto now = std::chrono::floor<std::chrono::seconds>(wall());
    if (*expires <= now)
        return core::unexpected(Error::Code::Invalid,
                                fmt::format("'expires' is past: now it is {}", core::rfc3339(now, 0)));
    entry.detail.erase("refusal");
    return record::sign({.id = record::new_consent_id(),
                         .gateway = record_.id(),
                         .bridge = bridge.id,
                         .agency = agency,
                         .not_before = now,
                         .expires = *expires,
                         .agreement = bridge.agreement,
                         .terms = bridge.terms},
                        **key);
}

core::Result<object> Control::consent(std::string_view id, const object& body, const api::Actor& actor) {
    const bridge::Bridge* bridge = bridge_config(id);
    if (!bridge || !may_see(actor, *bridge))
        return core::unexpected(Error::Code::NotFound, fmt::format("there is no bridge '{}'", id));
    record::Entry entry{.type = "consent.given",
                        .actor = actor_json(actor),
                        .object = {{"kind", "bridge"}, {"id", bridge->id}}};
    const auto refuse = [&](Error why) -> core::Result<object> {
        entry.outcome = record::Outcome::Denied;
        entry.detail["reason"] = why.context;
        chronicle_.publish(std::move(entry));
        return core::Unexpected{std::move(why)};
    };
    auto yes = read_yes(*bridge, body, actor, entry);
    if (!yes) return refuse(yes.error());
    const record::ConsentStatement statement = yes->statement;
    entry.detail = {{"agency", statement.agency}, {"id", statement.id}};
    if (log_failing_too_long())
        return refuse({Error::Code::Unavailable,
                       "the log cannot be written, so no consent is taken; see `crosspatchctl status`"});
    const bridge::ConsentFacts facts{
        record_.id(), *bridge, agency_keys_, wall(), core::monotonic_now(), !body.contains("statement")};
    if (const auto refusal = consents_.judge(*yes, facts)) {
        entry.detail["refusal"] = bridge::word(*refusal);
        return refuse({Error::Code::Invalid, bridge::explain(*refusal, statement, facts)});
    }
    // When it was judged: an auditor holds its end against the record's time, and the writer may be slow.
    entry.time = facts.wall;
    entry.mono = facts.now;
    entry.detail["statement"] = record::to_json(statement);
    entry.detail["signature"] = core::to_base64(yes->signature);
    entry.detail["key"] = record::key_text(agency_keys_.at(statement.agency));
    consents_.accept(std::move(*yes), facts);
    keep_consents();
    bridge_states_[bridge->id].ended.erase(statement.agency);
    log_.info("consent.given", "the agency consents to the bridge",
              {{"bridge", bridge->id},
               {"agency", statement.agency},
               {"until", core::rfc3339(statement.expires, 0)}});
    chronicle_.publish(std::move(entry));
    settle_bridges();
    object answer = consent_json(*bridge, statement.agency);
    answer["id"] = statement.id;
    answer["bridge"] = bridge->id;
    const std::vector<std::string>& missing = bridge_states_[bridge->id].missing;
    answer["missing_consent"] = array(missing.begin(), missing.end());
    return answer;
}

// After the fact: the workers have closed the bridge already. Perhaps a reload has taken it out of the configuration since.
void Control::note_revocation(const std::string& id, const api::Actor& actor, const std::string& reason,
                              const Config& seen) {
    // As it was when he said it: one that was made may be gone meanwhile, and its template stays.
    const bridge::Bridge* bridge = bridge_config(id);
    for (const bridge::Bridge& one : seen.bridges)
        if (!bridge && one.id == id) bridge = &one;
    const bool stood = bridge && consents_.stands(*bridge, actor.agency);
    const core::WallTime at = wall();
    const core::Time now = core::monotonic_now();
    std::vector<bridge::Consents::Ended> ended;
    if (bridge) {
        ended = consents_.revoke(*bridge, actor.agency, at, now);
        bridge_states_[id].ended[actor.agency] = bridge::ConsentEnd::Revoked;
    } else {
        consents_.refuse_older(id, actor.agency, at, at, now);
    }
    keep_consents();
    record::Entry entry{.type = "consent.revoked",
                        .actor = actor_json(actor),
                        .object = {{"kind", "bridge"}, {"id", id}},
                        .detail = bridge::revocation_json(actor.agency, stood, ended)};
    if (bridge && !bridge->made_from.empty()) entry.detail["template"] = bridge->made_from;
    entry.time = at;  // if the list of consents is lost, this says what may not be handed in any more
    entry.mono = now;
    if (!reason.empty()) entry.personal.push_back({"reason", reason});
    log_.info(entry.type, "the agency takes its consent back",
              {{"bridge", id}, {"agency", actor.agency}, {"by", actor.name}});
    chronicle_.publish(std::move(entry));
}

// Ends what is due, at a reload or when a time has come; the bridges settle by it afterwards.
void Control::settle_consents(core::Time now) {
    const bridge::Consents before = consents_;
    const auto ended =
        consents_.settle(estate_.config->bridges, agency_keys_, now, estate_.config->templates);
    for (const bridge::Consents::Ended& one : ended) {
        const record::ConsentStatement& statement = one.given.consent.statement;
        const std::string because{bridge::word(one.because)};
        record::Entry entry{
            .type = "consent.expired",
            .object = {{"kind", "bridge"}, {"id", statement.bridge}},
            .detail = {{"agency", statement.agency}, {"id", statement.id}, {"because", because}}};
        if (bridge_config(statement.bridge))
            bridge_states_[statement.bridge].ended[statement.agency] = one.because;
        log_.warning(
            "consent.expired",
            one.because == bridge::ConsentEnd::Time ? "the consent has run out; the bridge needs a new one"
            : one.because == bridge::ConsentEnd::Gateway
                ? "consents.json held a consent that was given to another gateway; it does not count "
                  "here"
                : "what the agency consented to is not so any more; it has to consent again",
            {{"bridge", statement.bridge}, {"agency", statement.agency}, {"because", because}});
        chronicle_.publish(std::move(entry));
    }
    if (consents_ != before) keep_consents();
}

// An alarm for each consent that is about to end, where nothing follows it.
void Control::remind(core::Time now) {
    std::set<std::string> due;
    for (const bridge::Consents::Given& one : consents_.all()) {
        const record::ConsentStatement& statement = one.consent.statement;
        const bridge::Bridge* bridge = bridge_config(statement.bridge);
        if (!bridge || now < one.from || now < one.reminder() ||
            consents_.stands(*bridge, statement.agency, agency_keys_) ||
            consents_.given(*bridge, statement.agency, agency_keys_, now) != &one)
            continue;
        const std::string name = fmt::format("{}{}.{}", kConsentAlarm, bridge->id, statement.agency);
        due.insert(name);
        record_alarm(
            name, true,
            fmt::format("the consent of {0} to bridge '{1}' ends at {2}, and the bridge closes with it: "
                        "`crosspatchctl bridge consent {1}` there, or a newly signed one, before then",
                        statement.agency, bridge->id, core::rfc3339(statement.expires, 0)));
    }
    std::vector<std::string> over;
    for (const auto& [name, alarm] : alarms_)
        if (name.starts_with(kConsentAlarm) && !due.contains(name)) over.push_back(name);
    for (const std::string& name : over) record_alarm(name, false, "");
}

object Control::consent_json(const bridge::Bridge& bridge, const std::string& agency) const {
    const core::Time now = core::monotonic_now();
    const bridge::Consents::Given* given = consents_.given(bridge, agency, agency_keys_, now);
    const bool stands = consents_.stands(bridge, agency, agency_keys_);
    object one = agency_key_json(agency);
    one.erase("id");
    one["agency"] = agency;
    one["state"] = stands ? "standing" : !given ? "missing" : now < given->from ? "later" : "given";
    one["consent"] = given ? value(given->consent.statement.id) : value(nullptr);
    one["from"] = given ? value(core::rfc3339(given->consent.statement.not_before, 0)) : value(nullptr);
    one["until"] =
        given && !stands ? value(core::rfc3339(given->consent.statement.expires, 0)) : value(nullptr);
    if (given && !stands)
        one["remaining_ms"] =
            std::chrono::duration_cast<std::chrono::milliseconds>(given->until - now).count();
    const auto state = bridge_states_.find(bridge.id);
    if (!given && !stands && state != bridge_states_.end())
        if (const auto ended = state->second.ended.find(agency); ended != state->second.ended.end())
            one["ended"] = bridge::word(ended->second);
    return one;
}

}  // namespace crosspatch::app
