// Labels of channels that are raised for a time, and lowered again. control.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "crosspatch/app/control.hpp"
#include "src/app/crossing_facts.hpp"

namespace crosspatch::app {
namespace {

using core::Error;
using policy::Sensitivity;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kShortest = 1s;
constexpr std::chrono::milliseconds kLongest = 24h * 366;

// Who may: an administrator without an agency, and the commanding roles of the channel's own.
bool may_label(const api::Actor& actor, const bridge::Channel& channel) {
    if (actor.role == "administrator" && actor.agency.empty()) return true;
    return actor.agency == channel.agency && (actor.role == "dispatcher" || actor.role == "supervisor");
}

core::Result<void> check(const api::Gateway::Label& wanted, std::optional<Sensitivity> label,
                         const bridge::Channel& channel) {
    if (!label)
        return core::unexpected(
            Error::Code::Invalid,
            fmt::format("'{}' is not a label; RED, AMBER+STRICT, AMBER, GREEN or CLEAR", wanted.label));
    if (*label > channel.sensitivity)
        return core::unexpected(
            Error::Code::Invalid,
            fmt::format(
                "'{}' is {} by its configuration; by command it can only be more restricted than that",
                channel.id, policy::word(channel.sensitivity)));
    if (wanted.lasts && (*wanted.lasts < kShortest || *wanted.lasts > kLongest))
        return core::unexpected(Error::Code::Invalid, "a label is raised for one second to one year");
    return {};
}

}  // namespace

// Straight into the workers' queues, as cuts are: whatever control does, what may not cross any more has stopped.
core::Result<void> Control::set_label(std::string_view id, const Label& wanted, const api::Actor& actor,
                                      const std::string& reason) {
    const std::shared_ptr<const Directory> directory = directory_.load();
    if (!directory) return core::unexpected(Error::Code::Unavailable, "the daemon is still starting");
    const bridge::Channel* channel = find_channel(*directory->config, id);
    if (!channel) return core::unexpected(Error::Code::NotFound, fmt::format("there is no channel '{}'", id));
    if (!may_label(actor, *channel))
        return core::unexpected(
            Error::Code::NotPermitted,
            fmt::format("{} may not change the label of '{}'; dispatchers and supervisors "
                        "of agency '{}' may",
                        actor.name, id, channel->agency));
    const std::optional<Sensitivity> label = policy::sensitivity_of(wanted.label);
    if (auto good = check(wanted, label, *channel); !good) return good;
    std::optional<RaisedLabel> raised;
    if (*label < channel->sensitivity)
        raised = RaisedLabel{.label = *label,
                             .at = core::wall_now(),
                             .at_mono = core::monotonic_now(),
                             .lasts = wanted.lasts,
                             .by = actor.name};
    bool posted = false;
    for (std::size_t number = 0; number < crew_.size(); ++number)
        posted |= crew_.worker(number).post(
            media::Worker::Lane::Direct,
            [exchange = switchboard_.exchanges()[number], index = directory->channels.at(channel->id),
             is_raised = raised.has_value(), to = *label](core::Time now) {
                exchange->set_label(index, is_raised ? std::optional{to} : std::nullopt, now);
            });
    if (!posted)  // one that had no room is told again by note_label()
        return core::unexpected(Error::Code::Busy, "the media worker does not take commands now; try again");
    boost::asio::post(loop_, [this, name = channel->id, raised = std::move(raised), actor, reason] {
        note_label(name, raised, actor, reason);
    });
    return {};
}

// On record, and in control's own state, after the fact.
void Control::note_label(const std::string& id, std::optional<RaisedLabel> raised, const api::Actor& actor,
                         const std::string& reason) {
    const bridge::Channel* channel = find_channel(*estate_.config, id);
    if (!channel) return;  // a reload came between
    record::Entry entry{.type = "channel.labelled",
                        .actor = actor_json(actor),
                        .object = {{"kind", "channel"}, {"id", id}, {"channel", id}},
                        .urgent = true};
    entry.detail["label"] = policy::word(raised ? raised->label : channel->sensitivity);
    entry.detail["configured"] = policy::word(channel->sensitivity);
    if (raised && raised->lasts) entry.detail["lasts_ms"] = raised->lasts->count();
    if (!reason.empty()) entry.personal.push_back({"reason", reason});
    log_.info(
        entry.type, "what is said there is labelled otherwise now",
        {{"channel", id}, {"label", std::string{entry.detail["label"].as_string()}}, {"by", actor.name}});
    if (raised)
        orders_.raise(id, std::move(*raised));
    else
        orders_.lower(id);
    keep_orders();
    apply_labels();
    chronicle_.publish(std::move(entry));
}

// Tells the workers what is raised now: a command may have overtaken another, or a channel is new.
void Control::apply_labels() {
    for (const bridge::Channel& channel : estate_.config->channels) {
        const auto raised = orders_.labels().find(channel.id);
        const bool is_raised = raised != orders_.labels().end();
        if (!is_raised && !labelled_.contains(channel.id)) continue;
        if (is_raised) labelled_.insert(channel.id);
        post_all([index = estate_.channels.of(channel.id),
                  label = is_raised ? std::optional{raised->second.label} : std::nullopt](
                     bridge::Exchange& exchange, core::Time now) { exchange.set_label(index, label, now); });
    }
}

void Control::end_labels(core::Time now) {
    std::vector<std::string> over;
    for (const auto& [id, raised] : orders_.labels())
        if (raised.over(now)) over.push_back(id);
    for (const std::string& id : over) {
        orders_.lower(id);
        const bridge::Channel* channel = find_channel(*estate_.config, id);
        if (!channel) continue;
        record::Entry entry{.type = "channel.labelled",
                            .object = {{"kind", "channel"}, {"id", id}, {"channel", id}}};
        entry.detail["label"] = policy::word(channel->sensitivity);
        entry.detail["configured"] = policy::word(channel->sensitivity);
        entry.detail["by"] = "time";
        log_.info(entry.type, "the time of the raised label is over", {{"channel", id}});
        chronicle_.publish(std::move(entry));
    }
    if (over.empty()) return;
    keep_orders();
    apply_labels();
}

Sensitivity Control::label_of(const bridge::Channel& channel) const {
    const auto raised = orders_.labels().find(channel.id);
    return raised == orders_.labels().end() ? channel.sensitivity
                                            : std::min(channel.sensitivity, raised->second.label);
}

}  // namespace crosspatch::app
