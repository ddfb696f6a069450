// The Prometheus text of control.hpp: names and labels are contract.md's.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "crosspatch/app/control.hpp"

namespace crosspatch::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

class Page {
public:
    MetricFamily& family(const std::string& name, const std::string& help, MetricType type) {
        families_.push_back({"crosspatch_" + name, help, type, {}});
        return families_.back();
    }
    static void counter(MetricFamily& family, std::uint64_t value, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = static_cast<double>(value);
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
    std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

private:
    std::vector<MetricFamily> families_;
};

void add_delays(Page& page, const std::string& name, const std::string& help,
                const media::DelayHistogram& delays) {
    using namespace std::chrono_literals;
    ClientMetric metric;
    for (const std::chrono::microseconds limit :
         {100us, 256us, 512us, 1024us, 2048us, 4096us, 8192us, 16384us, 32768us, 65536us})
        metric.histogram.bucket.push_back({delays.at_most(limit), static_cast<double>(limit.count()) / 1e6});
    metric.histogram.sample_count = delays.count();
    metric.histogram.sample_sum = static_cast<double>(delays.sum().count()) / 1e6;
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
void add_decisions(MetricFamily& family, const std::string& outcome, floor::Message message,
                   const bridge::Exchange::Counters::ByCause& counters) {
    for (std::size_t i = 0; i < counters.size(); ++i) {
        const auto cause = static_cast<floor::Cause>(i);
        if (floor::message(cause) != message) continue;
        Page::counter(family, counters[i].read(),
                      {{"outcome", outcome}, {"cause", std::string{floor::phrase(cause)}}});
    }
}

}  // namespace

// Endpoints are read from a table that control replaces whole; their counters may be read by anybody.
std::string Control::metrics() const {
    Page page;
    const std::shared_ptr<const Figures> figures = figures_.load();
    if (figures) {
        for (const Figures::Family& from : figures->families) {
            MetricFamily& to =
                page.family(from.name, from.help, from.gauge ? MetricType::Gauge : MetricType::Counter);
            for (const auto& [labels, value] : from.values) {
                Labels named;
                for (const auto& [name, text] : *labels) named.push_back({name, text});
                from.gauge ? Page::gauge(to, value, std::move(named))
                           : Page::counter(to, static_cast<std::uint64_t>(value), std::move(named));
            }
        }
    }
    add_delays(page, "media_delay_seconds", "Kernel receive stamp of a packet to the return of its last send",
               worker_.delays());
    add_delays(page, "floor_decision_seconds", "A press to its answer", exchange_.decisions_took());
    add_delays(page, "access_time_seconds", "A press to its first packet out", exchange_.access_times());
    const bridge::Exchange::Counters& floor = exchange_.counters();
    MetricFamily& decisions =
        page.family("floor_decisions_total", "What the floor decided", MetricType::Counter);
    Page::counter(decisions, floor.granted.read(), {{"outcome", "granted"}});
    Page::counter(decisions, floor.queued.read(), {{"outcome", "queued"}});
    add_decisions(decisions, "denied", floor::Message::Deny, floor.denied);
    add_decisions(decisions, "revoked", floor::Message::Revoke, floor.revoked);
    page.one_counter("talkspurts_total", "Talkspurts carried", floor.talkspurts.read());
    page.one_counter("concealed_frames_total", "Frames that were lost and replaced", floor.concealed.read());
    page.one_counter("reports_lost_total", "Reports that found control's queue full",
                     floor.reports_lost.read());
    page.one_counter("worker_loops_total", "Wake-ups of the media worker", worker_.counters().loops.read());
    page.one_gauge("worker_busy_ratio", "Share of the last second in which the media worker did not wait",
                   static_cast<double>(busy_permille_.load()) / 1000);
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

// Once a second, on control: what only control may look at, as plain numbers.
void Control::refresh_figures() {
    const std::uint64_t busy = worker_.counters().busy_us.read();
    const core::Time now = core::monotonic_now();
    const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now - busy_since_).count();
    if (passed > 0)
        busy_permille_ =
            static_cast<std::uint32_t>((busy - busy_before_) * 1000 / static_cast<std::uint64_t>(passed));
    busy_before_ = busy;
    busy_since_ = now;
    auto figures = std::make_shared<Figures>();
    auto& families = figures->families;
    families = {{"packets_received_total", "Authentic RTP packets", false, {}},
                {"octets_received_total", "Octets of authentic RTP packets", false, {}},
                {"packets_sent_total", "RTP packets", false, {}},
                {"octets_sent_total", "Octets of RTP packets", false, {}},
                {"packets_dropped_total", "Packets that went no further, by cause", false, {}},
                {"loss_ratio", "Loss of our stream as the radio reports it", true, {}},
                {"jitter_seconds", "Interarrival jitter of the radio's stream", true, {}},
                {"policy_denials_total", "Crossings that policy refused", false, {}},
                {"bridges_open", "Bridges that are open", true, {}},
                {"recordings_open", "Recordings being written", true, {}}};
    const auto shared = [](Figures::Labels labels) {
        return std::make_shared<const Figures::Labels>(std::move(labels));
    };
    for (const std::size_t family : {0U, 1U, 2U, 3U, 5U, 6U})
        families[family].values.reserve(estate_.radios.size());
    for (const auto& [index, radio] : estate_.radios) {
        const auto labels = shared({{"endpoint", radio->settings.id}, {"channel", radio->settings.channel}});
        const auto& in = radio->media->source.counters();
        const auto& out = radio->media->sink.counters();
        families[0].values.emplace_back(labels, in.packets.read());
        families[1].values.emplace_back(labels, in.octets.read());
        families[2].values.emplace_back(labels, out.packets.read());
        families[3].values.emplace_back(labels, out.octets.read());
        for (std::size_t i = 0; i < media::kDrops; ++i) {
            const auto cause = static_cast<media::Drop>(i);
            const std::uint64_t count =
                in.dropped.read(cause) + (cause == media::Drop::Reserved ? out.refused.read() : 0);
            if (count == 0) continue;
            Figures::Labels with_cause = *labels;
            with_cause.emplace_back("cause", media::name_of(cause));
            families[4].values.emplace_back(shared(std::move(with_cause)), count);
        }
        families[5].values.emplace_back(labels, radio->media->sink.reported_loss() / 100.0);
        families[6].values.emplace_back(labels, static_cast<double>(in.jitter_us.read()) / 1e6);
    }
    for (std::size_t i = 0; i < media::kDrops; ++i)
        if (const auto count = worker_.counters().dropped.read(static_cast<media::Drop>(i)); count > 0)
            families[4].values.emplace_back(
                shared(
                    {{"endpoint", ""}, {"cause", std::string{media::name_of(static_cast<media::Drop>(i))}}}),
                static_cast<double>(count));
    const auto& sent = worker_.sent();
    for (const auto& [cause, count] : {std::pair{"send_would_block", sent.would_block.read()},
                                       std::pair{"send_unreachable", sent.unreachable.read()},
                                       std::pair{"send_failed", sent.failed.read()}})
        if (count > 0)
            families[4].values.emplace_back(shared({{"endpoint", ""}, {"cause", cause}}),
                                            static_cast<double>(count));
    for (const auto& [channel, count] : chronicle_.policy_denials())
        families[7].values.emplace_back(shared({{"channel", estate_.channels.name(channel)}}),
                                        static_cast<double>(count));
    double open = 0;
    for (const auto& [id, state] : bridge_states_) open += state.open ? 1 : 0;
    families[8].values.emplace_back(shared({}), open);
    families[9].values.emplace_back(shared({}), 0);
    figures_.store(std::move(figures));
}

}  // namespace crosspatch::app
