// SRTP streams: keys that change, packet numbers that are kept on disk. control.hpp.
#include <sodium.h>

#include <algorithm>
#include <map>
#include <utility>

#include "crosspatch/app/control.hpp"

namespace crosspatch::app {

// Streams that are new need their packet indices reserved on disk before they may send.
void Control::settle_streams(const Plan& plan) {
    for (const Plan::Rekey& rekey : plan.rekeyed)
        estate_.radios.at(rekey.index)->old_key_until = rekey.old_key_until;
    std::set<rtp::KeyFingerprint> send_keys;
    for (const endpoint::Config& config : plan.config->endpoints) {
        const std::uint32_t index = *estate_.endpoints.find(config.settings.id);
        if (config.srtp->send) send_keys.insert(config.srtp->send->fingerprint());
        if (plan.replaces(index)) record_alarm(std::string{kOverrunAlarm} + config.settings.id, false, "");
        if (plan.rekeys(index) || plan.replaces(index))
            record_alarm(std::string{kSourcesAlarm} + config.settings.id, false, "");
        if (!plan.rekeys(index)) continue;
        Radio& radio = *estate_.radios.at(index);
        radio.receive_keys.clear();
        for (const rtp::MasterKey& key : config.srtp->receive)
            radio.receive_keys.push_back(key.fingerprint());
        std::erase_if(waiting_senders_, [&](const auto& waiting) { return waiting.second.index == index; });
        if (config.srtp->send && radio.send_key != config.srtp->send->fingerprint())
            rekey_sender(config, radio);
    }
    // A sender that waits for its reservation belongs to the radio as it was, and to the key that it is to have.
    std::erase_if(waiting_senders_, [&](const auto& waiting) {
        return plan.replaces(waiting.second.index) || !send_keys.contains(waiting.first);
    });
    // Endpoints that were just built ask through their first report; ask for them now so that nothing waits for 5 s.
    post_all([](bridge::Exchange& exchange, core::Time now) { exchange.tend_all(now); });
}

// The new send key goes into use when its reservation is on disk; until then the old one goes on.
void Control::rekey_sender(const endpoint::Config& config, const Radio& radio) {
    const auto before = radio.send_key ? book_.sent(*radio.send_key) : std::nullopt;
    auto sender = std::make_shared<rtp::SrtpSender>(
        make_sender(*config.srtp, book_, before ? std::optional{before->ssrc} : std::nullopt,
                    before ? before->limits : rtp::IndexLimits{}));
    const auto wish = sender->next_wish();
    if (!wish) return;
    const rtp::IndexRecord record{.kind = rtp::IndexRecord::Kind::Send,
                                  .key = config.srtp->send->fingerprint(),
                                  .ssrc = wish->ssrc,
                                  .limits = wish->limits};
    waiting_senders_[record.key] = {radio.index, std::move(sender)};
    book_.note(record);
    keeper_->ask(record);
}

// Where the disk refused, under a fresh SSRC that needs no record: a new key must not wait for a disk. One task a worker:
// ten thousand keys may change at once.
void Control::use_new_senders(const std::vector<Keeper::Answer>& kept) {
    using Swaps = std::vector<std::pair<media::Endpoint*, std::shared_ptr<rtp::SrtpSender>>>;
    std::map<std::uint8_t, std::shared_ptr<Swaps>> by_worker;
    for (const auto& [record, durable] : kept) {
        const auto waiting = waiting_senders_.extract(record.key);
        const auto radio = estate_.radios.find(waiting.mapped().index);
        if (radio == estate_.radios.end()) continue;
        radio->second->send_key = record.key;
        rtp::SrtpSender& sender = *waiting.mapped().sender;
        if (durable)
            sender.set_reserved(record.ssrc, record.limits);
        else if (sender.begin(randombytes_random() | 1U, {randombytes_uniform(0x8000), 0}))
            sender.set_reserved(sender.ssrc(), rtp::SrtpSender::unrecorded());
        auto& swaps = by_worker[worker_of(waiting.mapped().index)];
        if (!swaps) swaps = std::make_shared<Swaps>();
        swaps->emplace_back(radio->second->media.get(), waiting.mapped().sender);
    }
    for (const auto& [worker, swaps] : by_worker)
        lend(swaps, worker,
             [exchange = switchboard_.exchanges()[worker], swaps = swaps.get()](core::Time now) {
                 for (const auto& [endpoint, sender] : *swaps) {
                     std::swap(endpoint->sink.srtp(), *sender);
                     endpoint->source.set_own_ssrc(endpoint->sink.ssrc());
                     exchange->rejoin(endpoint->index(), now);
                 }
             });
}

void Control::ask_to_keep(const bridge::Report& report, rtp::IndexRecord::Kind kind) {
    const auto found = estate_.radios.find(report.endpoint);
    if (found == estate_.radios.end()) return;
    const Radio& radio = *found->second;
    rtp::IndexRecord record{
        .kind = kind, .ssrc = report.ssrc, .limits = report.limits, .address = report.address};
    if (kind == rtp::IndexRecord::Kind::Receive) record.floor_port = report.position;
    if (kind == rtp::IndexRecord::Kind::Send) {
        if (!radio.send_key) return;
        record.key = *radio.send_key;
    } else {
        if (radio.receive_keys.empty()) return;
        record.key = radio.receive_keys.front();
    }
    book_.note(record);
    keeper_->ask(record);
}

void Control::on_kept(const std::vector<Keeper::Answer>& answers) {
    // One task a worker for all of them: ten thousand streams begin at once when the daemon starts.
    using Streams = std::vector<std::pair<media::Endpoint*, rtp::IndexRecord>>;
    std::map<std::uint8_t, Streams> durable_now;
    std::vector<Keeper::Answer> new_senders;
    for (const auto& [kept, durable] : answers) {
        const bool send = kept.kind == rtp::IndexRecord::Kind::Send;
        const auto waiting = waiting_senders_.find(kept.key);
        if (send && waiting != waiting_senders_.end() && waiting->second.sender->ssrc() == kept.ssrc) {
            new_senders.emplace_back(kept, durable);
            continue;
        }
        if (!durable) {
            unkept_.push_back(kept);
            unkept_.back().address = {};  // by then the radio may be elsewhere
            unkept_.back().floor_port = 0;
        }
        for (const Radio* radio : key_users().of(kept.kind, kept.key)) {
            if (durable)
                durable_now[worker_of(radio->index)].emplace_back(radio->media.get(), kept);
            else if (send)
                start_unrecorded(radio->index);
        }
    }
    use_new_senders(new_senders);
    for (auto& [worker, streams] : durable_now) {
        const auto lent = std::make_shared<Streams>(std::move(streams));
        lend(lent, worker, [lent = lent.get()](core::Time) {
            for (const auto& [endpoint, kept] : *lent) {
                if (kept.kind == rtp::IndexRecord::Kind::Send)
                    endpoint->sink.srtp().set_reserved(kept.ssrc, kept.limits);
                else
                    endpoint->source.srtp().confirm(kept.ssrc, kept.limits);
            }
        });
    }
    record_alarm("srtp.unrecorded", keeper_->failing(),
                 "SRTP packet numbers cannot be written to disk: is the disk full or failing? Audio goes on "
                 "under fresh "
                 "SSRCs");
}

const KeyUsers& Control::key_users() {
    if (!key_users_) key_users_.emplace(estate_.radios);
    return *key_users_;
}

// srtp.md section 11: what no disk can record goes on under a fresh random SSRC, which nobody used before.
void Control::start_unrecorded(std::uint32_t index) {
    media::Endpoint* endpoint = estate_.radios.at(index)->media.get();
    const std::uint32_t ssrc = randombytes_random() | 1U;
    const std::uint64_t start = randombytes_uniform(0x8000);
    const std::uint8_t worker = worker_of(index);
    post(worker, [exchange = switchboard_.exchanges()[worker], endpoint, ssrc, start](core::Time now) {
        rtp::SrtpSender& sender = endpoint->sink.srtp();
        const rtp::IndexLimits reserved = sender.reserved();
        if (reserved == rtp::SrtpSender::unrecorded() || sender.next().rtp + 500 < reserved.rtp)
            return;  // not yet
        if (!sender.begin(ssrc, {start, 0})) return;
        sender.set_reserved(ssrc, rtp::SrtpSender::unrecorded());
        endpoint->source.set_own_ssrc(ssrc);
        exchange->rejoin(endpoint->index(), now);
    });
}

void Control::drop_old_keys(core::Time now) {
    for (const auto& [index, radio] : estate_.radios) {
        if (!radio->old_key_until || now < *radio->old_key_until) continue;
        radio->old_key_until.reset();
        post(worker_of(index),
             [endpoint = radio->media.get()](core::Time) { endpoint->source.srtp().drop_old_key(); });
    }
}

}  // namespace crosspatch::app
