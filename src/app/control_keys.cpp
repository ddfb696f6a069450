// The keys of agencies: kept here or elsewhere, put on record, lost. control.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>
#include <utility>

#include "crosspatch/app/control.hpp"
#include "crosspatch/core/time_text.hpp"

namespace crosspatch::app {

using boost::json::array;
using boost::json::object;
using boost::json::value;
using core::Error;

// Agencies that are to have a key here already. Where neither the list nor the log could say who had, all are.
std::set<std::string> Control::ever_kept(const Config& config) const {
    std::set<std::string> ever = consents_.ever_kept();
    if (consents_.standing_unknown())
        for (const bridge::Agency& agency : config.agencies) ever.insert(agency.id);
    return ever;
}

object Control::agency_key_json(const std::string& agency) const {
    const auto key = agency_keys_.find(agency);
    const bool here = keys_.kept.contains(agency) || keys_.lost.contains(agency);
    return {{"id", agency},
            {"key", key == agency_keys_.end() ? value(nullptr) : value(record::key_text(key->second))},
            {"key_kept_by", here ? "gateway" : "agency"}};
}

// An auditor checks consents against the key that the log has named before them. `by`: who gave an agency another one.
void Control::record_keys(const api::Actor* by, const std::string& reason) {
    bool changed = false;
    for (const auto& [agency, key] : keys_.kept) changed |= consents_.note_kept(agency);
    for (const auto& [agency, file] : keys_.lost) changed |= consents_.note_kept(agency);
    const auto before = consents_.recorded_keys();
    for (const std::string& agency : consents_.unrecorded_keys(agency_keys_, wall())) {
        changed = true;
        array channels;
        for (const bridge::Channel& channel : estate_.config->channels)
            if (channel.agency == agency) channels.emplace_back(channel.id);
        record::Entry entry{
            .object = {{"kind", "agency"}, {"id", agency}, {"channels", std::move(channels)}}};
        if (by) entry.actor = actor_json(*by);
        if (!reason.empty()) entry.personal.push_back({"reason", reason});
        if (const auto old = before.find(agency); old != before.end()) {
            entry.type = "key.revoked";
            entry.detail = {{"key", record::key_text(old->second.key)}};
            chronicle_.publish(record::Entry{entry});
        }
        const object key = agency_key_json(agency);
        entry.type = "key.added";
        entry.detail = {{"key", key.at("key")}, {"key_kept_by", key.at("key_kept_by")}};
        chronicle_.publish(std::move(entry));
    }
    if (changed) keep_consents();
}

// An alarm for each agency whose key is not where it was.
void Control::tell_lost_keys() {
    for (const std::string& what : keys_.left)
        log_.warning("key.old_left", "an old key that was replaced is still on the disk: remove it",
                     {{"why", what}});
    for (const auto& [agency, file] : keys_.lost)
        record_alarm(
            std::string{kLostKeyAlarm} + agency, true,
            fmt::format("the key of agency '{0}' is missing, and none of its consents counts: bring {1} back "
                        "from the backup and reload, or give the agency a new key by `crosspatchctl key "
                        "rotate {0}`",
                        agency, file.string()));
    std::vector<std::string> over;
    for (const auto& [name, alarm] : alarms_)
        if (name.starts_with(kLostKeyAlarm) && !keys_.lost.contains(name.substr(kLostKeyAlarm.size())))
            over.push_back(name);
    for (const std::string& name : over) record_alarm(name, false, "");
}

array Control::keys(const api::Actor& actor) {
    const core::Time now = core::monotonic_now();
    array items;
    for (const bridge::Agency& agency : estate_.config->agencies) {
        std::int64_t standing = 0;
        bool known = actor.agency.empty() || actor.agency == agency.id;
        for (const bridge::Bridge& bridge : estate_.config->bridges) {
            const auto& on = bridge.agencies;
            if (std::find(on.begin(), on.end(), agency.id) == on.end()) continue;
            standing += consents_.stands(bridge, agency.id, agency_keys_) ? 1 : 0;
            known = known || may_see(actor, bridge);
        }
        if (!known) continue;
        object one = agency_key_json(agency.id);
        const auto key = agency_keys_.find(agency.id);
        const auto recorded = consents_.recorded_keys().find(agency.id);
        const bool has = key != agency_keys_.end();
        one["fingerprint"] = has ? value(record::fingerprint(key->second)) : value(nullptr);
        one["state"] = has ? "in_use" : "lost";
        one["since"] = has && recorded != consents_.recorded_keys().end()
                           ? value(core::rfc3339(recorded->second.since, 0))
                           : value(nullptr);
        one["consents"] = consents_.counting(agency.id, estate_.config->bridges, agency_keys_, now);
        one["standing"] = standing;
        items.push_back(std::move(one));
    }
    return items;
}

core::Result<void> Control::may_rotate(const std::string& agency, const api::Actor& actor) const {
    const auto& agencies = estate_.config->agencies;
    const auto found =
        std::find_if(agencies.begin(), agencies.end(), [&](const auto& one) { return one.id == agency; });
    if (found == agencies.end())
        return core::unexpected(Error::Code::NotFound,
                                fmt::format("there is no agency '{}'", record::quoted(agency)));
    if (actor.agency != agency || actor.role != "supervisor")
        return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("{} may not give agency '{}' another key: its supervisors do, as gateway.operators "
                        "names them",
                        actor.name, agency));
    if (!found->key_kept_here)
        return core::unexpected(
            Error::Code::Invalid,
            fmt::format("agency '{}' keeps its key itself: make one there with `crosspatchctl key generate`, "
                        "put the line that it prints into the configuration in place of the old one, and "
                        "`crosspatchctl reload`",
                        agency));
    if (log_failing_too_long())
        return core::unexpected(
            Error::Code::Unavailable,
            "the log cannot be written, so no key is changed; see `crosspatchctl status`");
    return {};
}

// Not while a configuration is being read, which reads the keys too.
api::Gateway::Done Control::rotate_key(std::string agency, api::Actor actor, std::string reason) {
    if (const auto allowed = may_rotate(agency, actor); !allowed) co_return core::Unexpected{allowed.error()};
    if (std::exchange(loading_, true))
        co_return core::unexpected(Error::Code::Busy, "the configuration is being read now; try again");
    using Made = core::Result<RotatedKey>;
    const auto make = [](std::filesystem::path data_dir,
                         std::string of) -> boost::asio::awaitable<std::optional<Made>> {
        co_return rotate_kept_key(data_dir, of);
    };
    const std::filesystem::path data_dir = estate_.config->gateway.data_dir;
    core::Result<object> done = core::unexpected(Error::Code::Internal, "");
    try {
        auto made =
            co_await boost::asio::co_spawn(loader_, make(data_dir, agency), boost::asio::use_awaitable);
        if (!*made) {
            done = core::unexpected(Error::Code::Unavailable,
                                    "the new key could not be put on disk, and the old one stays in use: " +
                                        made->error().context);
        } else {
            keys_.left.clear();
            if (!(*made)->left.empty()) keys_.left.push_back((*made)->left);
            use_key(agency, std::move((*made)->key), actor, reason);
            done = agency_key_json(agency);
        }
    } catch (const std::exception& error) {
        done = core::unexpected(Error::Code::Internal, error.what());
    }
    finish_loading();
    co_return done;
}

// It is on disk. What was signed with the old one ends, standing consent counts under this one.
void Control::use_key(const std::string& agency, record::SigningKey key, const api::Actor& actor,
                      const std::string& reason) {
    agency_keys_[agency] = key.public_key();
    keys_.kept[agency] = std::make_shared<const record::SigningKey>(std::move(key));
    keys_.lost.erase(agency);
    log_.info("key.added", "the agency has a new key",
              {{"agency", agency}, {"key", record::key_text(agency_keys_.at(agency))}, {"by", actor.name}});
    record_keys(&actor, reason);
    tell_lost_keys();
    settle_consents(core::monotonic_now());
    settle_bridges();
}

}  // namespace crosspatch::app
