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

std::chrono::nanoseconds wall_clock() { return core::wall_now().time_since_epoch(); }

}  // namespace

struct Worker::Events {
    std::array<epoll_event, kEvents> list;
};

Worker::Worker()
    : epoll_{epoll_create1(EPOLL_CLOEXEC)},
      scratch_{std::make_unique<Scratch>()},
      reports_{randombytes_random()},
      events_{std::make_unique<Events>()} {
    if (!epoll_) throw std::system_error{errno, std::generic_category(), "cannot create an event loop"};
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.fd(), &event) != 0)
        throw std::system_error{errno, std::generic_category(), "cannot watch an eventfd"};
    carried_.reserve(ReceiveBatch::kDatagrams);
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
    ports_.push_back(std::make_unique<Port>(port));
    epoll_event event{.events = EPOLLIN, .data = {.ptr = ports_.back().get()}};
    // Only a lack of memory in the kernel can refuse it; the port then stays silent, which its endpoint shows as down.
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, port.fd, &event);
}

void Worker::unwatch(int fd) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    const auto found =
        std::find_if(ports_.begin(), ports_.end(), [&](const auto& port) { return port->fd == fd; });
    if (found == ports_.end()) return;
    closed_.push_back(std::move(*found));
    ports_.erase(found);
}

void Worker::run(Gate& gate) {
    core::Time busy_since = core::monotonic_now();
    while (!stopping_.load(std::memory_order_acquire)) {
        std::optional<core::Time> until = reports_.next();
        if (const auto next = gate.next_deadline(); next && (!until || *next < *until)) until = next;
        counters_.busy_us += static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(core::monotonic_now() - busy_since)
                .count());
        const std::size_t ready = poll(until);
        busy_since = now_ = core::monotonic_now();
        ++counters_.loops;
        drain_sockets(gate, ready);
        run_tasks();
        now_ = core::monotonic_now();
        gate.advance(now_);
        send_reports(gate);
        flush();
        closed_.clear();
    }
    run_tasks();
    flush();
}

std::size_t Worker::poll(std::optional<core::Time> until) {
    core::Duration left{};
    if (until) left = std::max(*until - core::monotonic_now(), core::Duration::zero());
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
            if (port)
                more |= read(*port, gate);
            else
                wake_.drain();
        }
        if (!more) return;
        ready = poll(core::Time{});  // what is readable right now
        now_ = core::monotonic_now();
    }
}

// True if there may be more to read.
bool Worker::read(const Port& port, Gate& gate) {
    for (std::size_t i = 0; i < kBatchesPerRead; ++i) {
        const std::span<Datagram> batch = batch_.receive(port.fd);
        if (batch.empty()) return false;
        const auto wall_now = wall_clock();
        for (Datagram& datagram : batch) handle(port, datagram, gate, wall_now);
        flush();
        if (batch.size() < ReceiveBatch::kDatagrams) return false;
        now_ = core::monotonic_now();
    }
    return true;
}

void Worker::handle(const Port& port, Datagram& datagram, Gate& gate, std::chrono::nanoseconds wall_now) {
    ++counters_.datagrams;
    Endpoint* endpoint = port.endpoint ? port.endpoint : demux_.find(datagram.octets, datagram.from);
    if (!endpoint) return counters_.dropped(Drop::UnknownSource);
    const rtp::DatagramKind kind = rtp::classify(datagram.octets);
    if (kind == rtp::DatagramKind::Rtcp) {
        const auto compound = endpoint->source.open_rtcp(datagram, now_);
        if (!compound) return;
        gate.heard(*endpoint, now_);
        return on_rtcp(*endpoint, *compound, gate);
    }
    if (kind != rtp::DatagramKind::Rtp || port.rtcp_only)
        return endpoint->source.counters().dropped(Drop::NotRtp);
    const auto packet = endpoint->source.open_rtp(datagram, now_, wall_now);
    if (!packet) return;
    gate.heard(*endpoint, now_);
    Talkspurt* talkspurt = gate.pass(*endpoint, *packet, now_);
    if (!talkspurt) return;
    talkspurt->carry(*packet, now_);
    carried_.push_back({talkspurt, packet->received});
}

void Worker::on_rtcp(Endpoint& endpoint, std::span<const std::byte> compound, Gate& gate) {
    bool bye = false;
    rtp::Reception* reception = endpoint.source.reception();
    const auto parsed = rtp::parse_compound(
        compound,
        rtp::Overload{
            [&](const rtp::SenderReport& report) {
                if (reception && reception->ssrc() == report.ssrc)
                    reception->on_sender_report(report.ntp, now_);
            },
            [&](const rtp::ReportBlock& block) { endpoint.sink.on_report(block, core::wall_now()); },
            [&](const rtp::Bye& message) { bye |= reception && message.ssrcs.contains(reception->ssrc()); }});
    if (!parsed) return endpoint.source.counters().dropped(Drop::BadRtcp);
    if (bye) gate.left(endpoint, now_);
}

// Sends what the batch caused, and measures how long that took from the kernel's receive stamp on.
void Worker::flush() {
    outbox_.flush();
    if (carried_.empty()) return;
    const auto wall_now = wall_clock();
    const core::Time sent = core::monotonic_now();
    for (const Carried& carried : carried_) {
        carried.talkspurt->mark_sent(sent);
        if (carried.received.count() == 0) continue;
        delays_.add(wall_now - carried.received);
        carried.talkspurt->delays().add(wall_now - carried.received);
    }
    carried_.clear();
}

void Worker::run_tasks() {
    // Direct first: a cut never waits behind configuration.
    for (auto* lane : {&lanes_[1], &lanes_[0]})
        while (auto task = lane->pop()) (*task)(now_);
}

void Worker::send_reports(Gate& gate) {
    while (Endpoint* endpoint = reports_.pop(now_)) {
        gate.tend(*endpoint, now_);
        endpoint->send_report(outbox_, now_, core::wall_now());
    }
}

}  // namespace crosspatch::media
