// The Prometheus text of control.hpp: names and labels are contract.md's.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>

#include "crosspatch/app/control.hpp"

namespace crosspatch::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// The text, family by family, so that only one of them is in memory.
class Page {
public:
    // To be filled before the next one is asked for.
    MetricFamily& family(const std::string& name, const std::string& help, MetricType type) {
        write();
        pending_.push_back({"crosspatch_" + name, help, type, {}});
        return pending_.back();
    }
    static void counter(MetricFamily& family, std::uint64_t value, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = static_cast<double>(value);
        family.metric.push_back(std::move(metric));
    }
    static void seconds(MetricFamily& family, core::Duration time, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = std::chrono::duration<double>(time).count();
        family.metric.push_back(std::move(metric));
    }
    static void gauge(MetricFamily& family, double value, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.gauge.value = value;
        family.metric.push_back(std::move(metric));
    }
    void one_counter(const std::string& name, const std::string& help, std::uint64_t value) {
        counter(family(name, help, MetricType::Counter), value);
    }
    void one_gauge(const std::string& name, const std::string& help, double value) {
        gauge(family(name, help, MetricType::Gauge), value);
    }
    std::string text() {
        write();
        return std::move(text_).str();
    }

private:
    void write() {
        prometheus::TextSerializer{}.Serialize(text_, pending_);
        pending_.clear();
    }
    std::ostringstream text_;
    std::vector<MetricFamily> pending_;
};

// One histogram of what several workers have measured.
void add_delays(Page& page, const std::string& name, const std::string& help,
                const std::vector<const media::DelayHistogram*>& parts) {
    using namespace std::chrono_literals;
    ClientMetric metric;
    const auto sum = [&](auto&& of) {
        std::uint64_t total = 0;
        for (const media::DelayHistogram* part : parts) total += static_cast<std::uint64_t>(of(*part));
        return total;
    };
    for (const std::chrono::microseconds limit :
         {100us, 256us, 512us, 1024us, 2048us, 4096us, 8192us, 16384us, 32768us, 65536us})
        metric.histogram.bucket.push_back({sum([&](const auto& part) { return part.at_most(limit); }),
                                           static_cast<double>(limit.count()) / 1e6});
    metric.histogram.sample_count = sum([](const auto& part) { return part.count(); });
    metric.histogram.sample_sum =
        static_cast<double>(sum([](const auto& part) { return part.sum().count(); })) / 1e6;
    metric.histogram.bucket.push_back(
        {metric.histogram.sample_count, std::numeric_limits<double>::infinity()});
    page.family(name, help, MetricType::Histogram).metric.push_back(std::move(metric));
}

void add_commits(Page& page, const record::LogFigures& figures) {
    ClientMetric metric;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < record::LogFigures::kCommitBounds.size(); ++i) {
        below += figures.commit_times[i].read();
        metric.histogram.bucket.push_back({below, record::LogFigures::kCommitBounds[i]});
    }
    metric.histogram.sample_count = figures.commits.read();
    metric.histogram.sample_sum = static_cast<double>(figures.commit_microseconds.read()) / 1e6;
    metric.histogram.bucket.push_back(
        {metric.histogram.sample_count, std::numeric_limits<double>::infinity()});
    page.family("log_commit_seconds", "How long a commit of the log takes", MetricType::Histogram)
        .metric.push_back(std::move(metric));
}

// A cause is named by its phrase, as on record: numbers are shared. All stand there from the start, so that a
// first increase is seen as one.
template <typename Read>
void add_decisions(MetricFamily& family, const std::string& outcome, floor::Message message, Read&& read) {
    for (std::size_t i = 0; i < floor::kCauses; ++i) {
        const auto cause = static_cast<floor::Cause>(i);
        if (floor::message(cause) != message) continue;
        Page::counter(family, read(i), {{"outcome", outcome}, {"cause", std::string{floor::phrase(cause)}}});
    }
}

constexpr std::array<const char*, media::Worker::kStages> kStageNames{"receive", "open", "decide", "carry",
                                                                      "send"};

void add_talk(Page& page, const Estate& estate, const Chronicle& chronicle) {
    MetricFamily& doublings = page.family(
        "floor_doublings_total", "Presses denied because somebody talked already", MetricType::Counter);
    for (const auto& [channel, count] : chronicle.doublings())
        Page::counter(doublings, count, {{"channel", estate.channels.name(channel)}});
    MetricFamily& times =
        page.family("talk_seconds_total", "How long talkspurts lasted, by the talker's channel and agency",
                    MetricType::Counter);
    for (const bridge::Channel& channel : estate.config->channels) {
        const auto index = estate.channels.find(channel.id);
        const auto time = index ? chronicle.talk_times().find(*index) : chronicle.talk_times().end();
        if (time == chronicle.talk_times().end()) continue;
        Page::seconds(times, time->second, {{"channel", channel.id}, {"agency", channel.agency}});
    }
}

template <typename Read>
void add_gauge_by_worker(Page& page, const std::string& name, const std::string& help, std::size_t workers,
                         Read&& read) {
    MetricFamily& family = page.family(name, help, MetricType::Gauge);
    for (std::size_t number = 0; number < workers; ++number)
        Page::gauge(family, read(number), {{"worker", std::to_string(number)}});
}

void add_workers(Page& page, const media::Crew& crew) {
    MetricFamily& loops =
        page.family("worker_loops_total", "Wake-ups of a media worker", MetricType::Counter);
    for (std::size_t number = 0; number < crew.size(); ++number)
        Page::counter(loops, crew.worker(number).counters().loops.read(),
                      {{"worker", std::to_string(number)}});
    MetricFamily& handed =
        page.family("worker_handed_on_total", "Datagrams of the shared port for channels of another worker",
                    MetricType::Counter);
    Page::counter(handed, crew.worker(0).counters().handed_on.read());
    MetricFamily& tapped = page.family(
        "worker_tap_left_out_total",
        "What a worker carried and nobody looked through for loops, for lack of room", MetricType::Counter);
    for (std::size_t number = 0; number < crew.size(); ++number)
        Page::counter(tapped, crew.worker(number).tap().left_out(), {{"worker", std::to_string(number)}});
    MetricFamily& stages =
        page.family("worker_stage_seconds", "Where a packet's time goes; one batch in 64 is measured",
                    MetricType::Summary);
    for (std::size_t number = 0; number < crew.size(); ++number)
        for (std::size_t stage = 0; stage < media::Worker::kStages; ++stage) {
            const media::Worker::StageTime& time = crew.worker(number).counters().stages[stage];
            ClientMetric metric;
            metric.label = {{"worker", std::to_string(number)}, {"stage", kStageNames[stage]}};
            metric.summary.sample_count = time.times.read();
            metric.summary.sample_sum = static_cast<double>(time.nanoseconds.read()) / 1e9;
            stages.metric.push_back(std::move(metric));
        }
}

// One number of each radio.
template <typename Read>
void add_of_each(Page& page, const std::string& name, const std::string& help, MetricType type,
                 const Radios& radios, Read&& read) {
    MetricFamily& family = page.family(name, help, type);
    family.metric.reserve(radios.size());
    for (const auto& [index, radio] : radios) {
        Labels labels{{"endpoint", radio->settings.id}, {"channel", radio->settings.channel}};
        if constexpr (std::is_floating_point_v<decltype(read(*radio->media))>)
            Page::gauge(family, read(*radio->media), std::move(labels));
        else
            Page::counter(family, read(*radio->media), std::move(labels));
    }
}

void add_radios(Page& page, const Radios& radios) {
    const auto counter = [&](const char* name, const char* help, auto&& read) {
        add_of_each(page, name, help, MetricType::Counter, radios,
                    [&](const media::Endpoint& one) { return read(one).read(); });
    };
    using media::Endpoint;
    counter(
        "packets_received_total", "Authentic RTP packets",
        [](const Endpoint& one) -> auto& { return one.source.counters().packets; });
    counter(
        "octets_received_total", "Octets of authentic RTP packets",
        [](const Endpoint& one) -> auto& { return one.source.counters().octets; });
    counter(
        "packets_sent_total", "RTP packets",
        [](const Endpoint& one) -> auto& { return one.sink.counters().packets; });
    counter(
        "octets_sent_total", "Octets of RTP packets",
        [](const Endpoint& one) -> auto& { return one.sink.counters().octets; });
    add_of_each(page, "loss_ratio", "Loss of our stream as the radio reports it", MetricType::Gauge, radios,
                [](const Endpoint& one) { return one.sink.reported_loss() / 100.0; });
    add_of_each(page, "jitter_seconds", "Interarrival jitter of the radio's stream", MetricType::Gauge,
                radios, [](const Endpoint& one) {
                    return static_cast<double>(one.source.counters().jitter_us.read()) / 1e6;
                });
}

// By endpoint and cause; what belongs to no endpoint has none.
void add_drops(Page& page, const Radios& radios, const media::Crew& crew) {
    MetricFamily& family =
        page.family("packets_dropped_total", "Packets that went no further, by cause", MetricType::Counter);
    for (const auto& [index, radio] : radios) {
        const auto& dropped = radio->media->source.counters().dropped;
        for (std::size_t i = 0; i < media::kDrops; ++i) {
            const auto cause = static_cast<media::Drop>(i);
            const std::uint64_t unsealed =
                cause == media::Drop::Reserved ? radio->media->sink.counters().refused.read() : 0;
            if (const std::uint64_t count = dropped.read(cause) + unsealed; count > 0)
                Page::counter(family, count,
                              {{"endpoint", radio->settings.id},
                               {"channel", radio->settings.channel},
                               {"cause", std::string{media::name_of(cause)}}});
        }
    }
    const auto nobodys = [&](const std::string& cause, auto&& of) {
        std::uint64_t count = 0;
        for (std::size_t number = 0; number < crew.size(); ++number) count += of(crew.worker(number));
        if (count > 0) Page::counter(family, count, {{"endpoint", ""}, {"cause", cause}});
    };
    for (std::size_t i = 0; i < media::kDrops; ++i) {
        const auto cause = static_cast<media::Drop>(i);
        nobodys(std::string{media::name_of(cause)},
                [&](const media::Worker& worker) { return worker.counters().dropped.read(cause); });
    }
    nobodys("send_would_block", [](const auto& worker) { return worker.sent().would_block.read(); });
    nobodys("send_unreachable", [](const auto& worker) { return worker.sent().unreachable.read(); });
    nobodys("send_failed", [](const auto& worker) { return worker.sent().failed.read(); });
}

void add_floor(Page& page, std::span<bridge::Exchange* const> exchanges) {
    using Counters = bridge::Exchange::Counters;
    std::vector<const media::DelayHistogram*> decisions_took;
    std::vector<const media::DelayHistogram*> access_times;
    for (const bridge::Exchange* exchange : exchanges) {
        decisions_took.push_back(&exchange->decisions_took());
        access_times.push_back(&exchange->access_times());
    }
    add_delays(page, "floor_decision_seconds", "A press to its answer", decisions_took);
    add_delays(page, "access_time_seconds", "A press to its first packet out", access_times);
    const auto sum = [&](auto&& of) {
        std::uint64_t total = 0;
        for (const bridge::Exchange* exchange : exchanges) total += of(exchange->counters()).read();
        return total;
    };
    MetricFamily& decisions =
        page.family("floor_decisions_total", "What the floor decided", MetricType::Counter);
    Page::counter(decisions, sum([](const Counters& c) -> auto& { return c.granted; }),
                  {{"outcome", "granted"}});
    Page::counter(decisions, sum([](const Counters& c) -> auto& { return c.queued; }),
                  {{"outcome", "queued"}});
    add_decisions(decisions, "denied", floor::Message::Deny, [&](std::size_t cause) {
        return sum([=](const Counters& c) -> auto& { return c.denied[cause]; });
    });
    add_decisions(decisions, "revoked", floor::Message::Revoke, [&](std::size_t cause) {
        return sum([=](const Counters& c) -> auto& { return c.revoked[cause]; });
    });
    page.one_counter("talkspurts_total", "Talkspurts carried",
                     sum([](const Counters& c) -> auto& { return c.talkspurts; }));
    page.one_counter("concealed_frames_total", "Frames that were lost and replaced",
                     sum([](const Counters& c) -> auto& { return c.concealed; }));
    page.one_counter("talkspurts_shed_total",
                     "Talkspurts that were cut off because a worker could not carry them",
                     sum([](const Counters& c) -> auto& { return c.shed; }));
    page.one_counter("talker_tones_left_out_total", "Tones to talkers that were left out: too many play",
                     sum([](const Counters& c) -> auto& { return c.tones_left_out; }));
    page.one_counter("reports_lost_total", "Reports that found control's queue full",
                     sum([](const Counters& c) -> auto& { return c.reports_lost; }));
}

}  // namespace

std::string Control::metrics() {
    Page page;
    add_radios(page, estate_.radios);
    add_drops(page, estate_.radios, crew_);
    MetricFamily& denials =
        page.family("policy_denials_total", "Crossings that policy refused", MetricType::Counter);
    for (const auto& [channel, count] : chronicle_.policy_denials())
        Page::counter(denials, count, {{"channel", estate_.channels.name(channel)}});
    add_talk(page, estate_, chronicle_);
    const auto open = open_bridges();
    page.one_gauge("bridges_open", "Bridges that are open",
                   static_cast<double>(std::count(open.begin(), open.end(), true)));
    page.one_gauge("recordings_open", "Recordings being written", 0);
    std::vector<const media::DelayHistogram*> delays;
    for (std::size_t number = 0; number < crew_.size(); ++number)
        delays.push_back(&crew_.worker(number).delays());
    add_delays(page, "media_delay_seconds", "Kernel receive stamp of a packet to the return of its last send",
               delays);
    add_floor(page, switchboard_.exchanges());
    add_workers(page, crew_);
    page.one_gauge("worker_realtime",
                   "Media workers run under real-time rules, in memory that stays: 1; degraded: 0",
                   rt_ == "degraded" ? 0 : 1);
    page.one_counter("worker_moves_total", "Channels that went to another media worker", moves_);
    add_gauge_by_worker(page, "worker_busy_ratio",
                        "Share of the last half second in which a media worker did not wait", crew_.size(),
                        [&](std::size_t number) { return busy_[number].all; });
    add_gauge_by_worker(page, "worker_junk_ratio",
                        "Share of the last half second that went to datagrams that were refused",
                        crew_.size(), [&](std::size_t number) { return busy_[number].junk; });
    add_gauge_by_worker(
        page, "worker_load_ratio", "Share of a CPU that the talkspurts of a worker need, as estimated",
        crew_.size(), [&](std::size_t number) {
            return static_cast<double>(switchboard_.exchanges()[number]->counters().load.read()) / 1e6;
        });
    page.one_counter("log_records_total", "Records acknowledged by the disk since the start",
                     record_.figures().records.read());
    page.one_gauge("log_queue_depth", "Records that wait for the writer",
                   static_cast<double>(record_.health().queued));
    add_commits(page, record_.figures());
    // No version without witnesses has a cosignature to count from: what waits for one is the whole log.
    if (const auto began = record_.health().began)
        page.one_gauge("log_uncosigned_seconds",
                       "Age of the oldest record that no witness has cosigned; this version has no witnesses",
                       std::chrono::duration<double>(core::wall_now() - *began).count());
    MetricFamily& build = page.family("build_info", "Version of the daemon", MetricType::Gauge);
    Page::gauge(build, 1, {{"version", CROSSPATCH_VERSION}});
    return page.text();
}

}  // namespace crosspatch::app
