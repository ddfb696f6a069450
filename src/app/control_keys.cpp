// The keys of agencies: kept here or elsewhere, put on record, lost. control.hpp.
#include <fmt/format.h>

#include <set>
#include <utility>

#include "crosspatch/app/control.hpp"

namespace crosspatch::app {

using boost::json::array;
using boost::json::object;
using boost::json::value;

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

// An auditor checks consents against the key that the log has named before them.
void Control::record_keys() {
    bool changed = false;
    for (const auto& [agency, key] : keys_.kept) changed |= consents_.note_kept(agency);
    for (const auto& [agency, file] : keys_.lost) changed |= consents_.note_kept(agency);
    for (const std::string& agency : consents_.unrecorded_keys(agency_keys_, wall())) {
        changed = true;
        array channels;
        for (const bridge::Channel& channel : estate_.config->channels)
            if (channel.agency == agency) channels.emplace_back(channel.id);
        const object key = agency_key_json(agency);
        chronicle_.publish({.type = "key.added",
                            .object = {{"kind", "agency"}, {"id", agency}, {"channels", std::move(channels)}},
                            .detail = {{"key", key.at("key")}, {"key_kept_by", key.at("key_kept_by")}}});
    }
    if (changed) keep_consents();
}

// An alarm for each agency whose key is not where it was.
void Control::tell_lost_keys() {
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

}  // namespace crosspatch::app
