#include "crosspatch/media/worker.hpp"

#include <sodium.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "crosspatch/rtp/packet.hpp"
#include "crosspatch/rtp/rtcp.hpp"

namespace crosspatch::media {
namespace {

constexpr std::size_t kBatchesPerRead = 4;  // 128 datagrams of one socket, then the others have their turn
constexpr std::size_t kRoundsPerLoop = 64;  // then timers run, whatever floods in
constexpr std::size_t kReportsPerLoop =
    16;  // then the sockets have their turn: a second's reports are due at once
constexpr std::uint64_t kMostJunkNs = 10'000;  // to receive a datagram and try two keys on it
constexpr std::uint32_t kSampled = 64;         // one batch in so many

std::chrono::nanoseconds wall_clock() { return core::wall_now().time_since_epoch(); }

}  // namespace

struct Worker::Events {
    std::array<epoll_event, kEvents> list;
};

class Worker::StageClock {
public:
    StageClock(Worker& worker, Stage stage)
        : time_{worker.sampling_ ? &worker.counters_.stages[static_cast<std::size_t>(stage)] : nullptr} {
        if (time_) since_ = core::monotonic_now();
    }
    void stop() {
        if (!time_) return;
        time_->nanoseconds += static_cast<std::uint64_t>((core::monotonic_now() - since_).count());
        ++time_->times;
    }

private:
    StageTime* time_;
    core::Time since_{};
};

Worker::Worker(const Options& options)
    : options_{options},
      epoll_{epoll_create1(EPOLL_CLOEXEC)},
      scratch_{std::make_unique<Scratch>()},
      reports_{randombytes_random()},
      events_{std::make_unique<Events>()} {
    if (!epoll_) throw std::system_error{errno, std::generic_category(), "cannot create an event loop"};
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.fd(), &event) != 0)
        throw std::system_error{errno, std::generic_category(), "cannot watch an eventfd"};
    carried_.reserve(std::max(ReceiveBatch::kDatagrams, Inbox::kDatagrams));
}

void Worker::meet(std::span<const std::unique_ptr<Worker>> crew) {
    for (const auto& worker : crew) crew_.push_back(worker.get());
    if (options_.number > 0) inbox_ = std::make_unique<Inbox>();
}

Worker::~Worker() = default;

bool Worker::post(Lane lane, Task task) {
    if (!lanes_[static_cast<std::size_t>(lane)].push(std::move(task))) return false;
    wake_.notify();
    return true;
}

void Worker::stop() {
    stopping_.store(true, std::memory_order_release);
    wake_.notify();
}

void Worker::watch(const Port& port) {
    auto& place = ports_[port.fd] = std::make_unique<Port>(port);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = place.get()}};
    // Only a lack of memory in the kernel can refuse it; the port then stays silent, which its endpoint shows as down.
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, port.fd, &event);
}

std::optional<Worker::Port> Worker::unwatch(int fd) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    auto found = ports_.extract(fd);
    if (found.empty()) return std::nullopt;
    closed_.push_back(std::move(found.mapped()));
    return *closed_.back();
}

void Worker::settle(core::Time now) {
    now_ = now;
    while (inbox_ && read_inbox(*gate_)) {
    }
    flush();
}

void Worker::run(Gate& gate) {
    gate_ = &gate;
    core::Time busy_since = core::monotonic_now();
    bool idle = false;
    while (!stopping_.load(std::memory_order_acquire)) {
        std::optional<core::Time> until = reports_.next();
        if (const auto next = gate.next_deadline(); next && (!until || *next < *until)) until = next;
        const core::Time before = core::monotonic_now();
        // A round of polling that found nothing is not work.
        if (!idle)
            counters_.busy_us += static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(before - busy_since).count());
        const std::size_t ready = poll(options_.busy_poll ? core::Time{} : until, before);
        busy_since = now_ = core::monotonic_now();
        idle = options_.busy_poll && ready == 0 && (!until || now_ < *until);
        if (idle) continue;
        ++counters_.loops;
        drain_sockets(gate, ready);
        if (run_tasks()) now_ = core::monotonic_now();
        gate.advance(now_);
        send_reports(gate);
        flush();
        closed_.clear();
    }
    run_tasks();
    flush();
}

std::size_t Worker::poll(std::optional<core::Time> until, core::Time now) {
    core::Duration left{};
    if (until) left = std::max(*until - now, core::Duration::zero());
    int ready = -1;
    if (exact_waits_) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
        const timespec wait{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
        ready = epoll_pwait2(epoll_.get(), events_->list.data(), kEvents, until ? &wait : nullptr, nullptr);
        exact_waits_ = ready >= 0 || errno != ENOSYS;
    }
    if (!exact_waits_) {  // rounded up, so that no deadline is woken for too early
        const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        ready = epoll_wait(epoll_.get(), events_->list.data(), kEvents, until ? static_cast<int>(whole) : -1);
    }
    return ready > 0 ? static_cast<std::size_t>(ready) : 0;
}

void Worker::drain_sockets(Gate& gate, std::size_t ready) {
    for (std::size_t round = 0; ready > 0 && round < kRoundsPerLoop; ++round) {
        bool more = ready == kEvents;
        for (std::size_t i = 0; i < ready; ++i) {
            const auto* port = static_cast<const Port*>(events_->list[i].data.ptr);
            if (port) {
                more |= read(*port, gate);
            } else {
                wake_.drain();
                more |= inbox_ && read_inbox(gate);
            }
        }
        if (!more) return;
        run_tasks();                       // whatever floods in: other workers may rest for it
        ready = poll(core::Time{}, now_);  // what is readable right now
        now_ = core::monotonic_now();
    }
}

// True if there may be more to read.
bool Worker::read(const Port& port, Gate& gate) {
    for (std::size_t i = 0; i < kBatchesPerRead; ++i) {
        sampling_ = ++batches_ % kSampled == 0;
        StageClock receiving{*this, Stage::Receive};
        const std::span<Datagram> batch = batch_.receive(port.fd);
        receiving.stop();
        if (batch.empty()) return false;
        const auto wall_now = wall_clock();
        const core::Time began = now_;
        std::size_t junk = 0;
        for (Datagram& datagram : batch) junk += handle(port, datagram, gate, wall_now) ? 0 : 1;
        flush();
        if (junk > 0) count_junk(junk, batch.size(), began);
        if (batch.size() < ReceiveBatch::kDatagrams) return false;
        now_ = core::monotonic_now();
    }
    return true;
}

bool Worker::read_inbox(Gate& gate) {
    sampling_ = ++batches_ % kSampled == 0;
    const auto wall_now = wall_clock();
    const core::Time began = now_;
    std::size_t junk = 0;
    std::size_t taken = 0;
    for (; taken < Inbox::kDatagrams; ++taken) {
        Inbox::Item* item = inbox_->front();
        if (!item) break;
        junk += open(*item->endpoint, item->datagram, PortUse::Media, gate, wall_now) ? 0 : 1;
        inbox_->pop();
    }
    flush();
    if (junk > 0) count_junk(junk, taken, began);
    return taken == Inbox::kDatagrams;
}

// Its share of the batch's time, as far as one that is refused may cost: what a flood takes is no talker's load, and what
// the talkers beside it take is.
void Worker::count_junk(std::size_t junk, std::size_t datagrams, core::Time began) {
    now_ = core::monotonic_now();
    const auto share = static_cast<std::uint64_t>((now_ - began).count()) * junk / datagrams;
    counters_.junk_ns += std::min(share, junk * kMostJunkNs);
}

bool Worker::handle(const Port& port, Datagram& datagram, Gate& gate, std::chrono::nanoseconds wall_now) {
    ++counters_.datagrams;
    Endpoint* endpoint = port.endpoint ? port.endpoint : demux_.find(datagram.octets, datagram.from);
    if (!endpoint) {
        counters_.dropped(Drop::UnknownSource);
        return false;
    }
    if (endpoint->worker() != options_.number) return hand_on(*endpoint, datagram);
    return open(*endpoint, datagram, port.use, gate, wall_now);
}

// Its worker is woken when the batch is through.
bool Worker::hand_on(Endpoint& endpoint, const Datagram& datagram) {
    if (!crew_[endpoint.worker()]->inbox_->push(endpoint, datagram)) {
        counters_.dropped(Drop::InboxFull);
        return false;
    }
    ++counters_.handed_on;
    to_wake_ |= std::uint64_t{1} << endpoint.worker();
    return true;
}

bool Worker::open(Endpoint& endpoint, Datagram& datagram, PortUse port, Gate& gate,
                  std::chrono::nanoseconds wall_now) {
    const rtp::DatagramKind kind = rtp::classify(datagram.octets);
    if (kind == rtp::DatagramKind::Rtcp) {
        const auto opened = endpoint.source.open_rtcp(datagram, now_, port);
        if (!opened) return false;
        gate.heard(endpoint, now_);
        on_rtcp(endpoint, *opened, gate);
        return true;
    }
    if (kind != rtp::DatagramKind::Rtp || port != PortUse::Media) {
        endpoint.source.counters().dropped(Drop::NotRtp);
        return false;
    }
    StageClock opening{*this, Stage::Open};
    const auto packet = endpoint.source.open_rtp(datagram, now_, wall_now);
    opening.stop();
    if (!packet) return false;
    StageClock deciding{*this, Stage::Decide};
    gate.heard(endpoint, now_);
    if (packet->kind != Packet::Kind::Sound) {
        gate.beside(endpoint, *packet, now_);
        return true;
    }
    Talkspurt* talkspurt = gate.pass(endpoint, *packet, now_);
    deciding.stop();
    if (!talkspurt) return true;
    StageClock carrying{*this, Stage::Carry};
    talkspurt->carry(*packet, now_);
    carrying.stop();
    carried_.push_back({talkspurt, packet->received});
    return true;
}

void Worker::on_rtcp(Endpoint& endpoint, const Source::Rtcp& opened, Gate& gate) {
    bool bye = false;
    rtp::Reception* reception = endpoint.source.reception();
    const auto parsed = rtp::parse_compound(
        opened.compound,
        rtp::Overload{
            [&](const rtp::SenderReport& report) {
                if (reception && reception->ssrc() == report.ssrc)
                    reception->on_sender_report(report.ntp, now_);
            },
            [&](const rtp::App& message) { gate.signalled(endpoint, message, opened.index, now_); },
            [&](const rtp::ReportBlock& block) { endpoint.sink.on_report(block, core::wall_now()); },
            [&](const rtp::Bye& message) { bye |= reception && message.ssrcs.contains(reception->ssrc()); }});
    if (!parsed) return endpoint.source.counters().dropped(Drop::BadRtcp);
    if (bye) gate.left(endpoint, now_);
}

// Sends what the batch caused, and measures how long that took from the kernel's receive stamp on.
void Worker::flush() {
    StageClock sending{*this, Stage::Send};
    outbox_.flush();
    if (to_wake_ != 0)
        for (std::size_t number = 0; number < crew_.size(); ++number)
            if (to_wake_ >> number & 1) crew_[number]->wake_.notify();
    to_wake_ = 0;
    if (carried_.empty()) return;
    sending.stop();
    const auto wall_now = wall_clock();
    now_ = core::monotonic_now();
    for (const Carried& carried : carried_) {
        carried.talkspurt->mark_sent(now_);
        if (carried.received.count() == 0) continue;
        delays_.add(wall_now - carried.received);
        carried.talkspurt->delays().add(wall_now - carried.received);
    }
    carried_.clear();
}

// True if there was one.
bool Worker::run_tasks() {
    auto& [control, direct, taps] = lanes_;
    for (bool any = false;; any = true) {
        auto task = direct.pop();  // before each one of control's: a cut never waits behind configuration
        if (!task) task = taps.pop();
        if (!task) task = control.pop();
        if (!task) return any;
        (*task)(now_);
    }
}

void Worker::send_reports(Gate& gate) {
    for (std::size_t i = 0; i < kReportsPerLoop; ++i) {
        Endpoint* endpoint = reports_.pop(now_);
        if (!endpoint) return;
        gate.tend(*endpoint, now_);
        endpoint->send_report(outbox_, now_, core::wall_now());
    }
}

}  // namespace crosspatch::media
