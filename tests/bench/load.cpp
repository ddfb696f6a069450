// Talkers and listeners around a gateway: says what the schedule of a work file asks for, counts what arrives, and
// measures how long each packet took from its send call to the kernel's stamp at the listener's socket.
//
//   load_generator WORK [--first-index N] [--closed] [--slice SECONDS] [--limit SECONDS]
//     --first-index   packet index of every talker's first packet, so that one gateway can be run against several times
//     --closed        each packet waits until all listeners have the one before, whatever the clock says
//     --slice         delays of each so many seconds apart, too
//     --limit         gives up after so long (the schedule's length and 10 s)
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <queue>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "tests/bench/load_listener.hpp"
#include "tests/bench/load_report.hpp"
#include "tests/bench/load_talker.hpp"

namespace {

using namespace crosspatch;
using bench::Ear;
using bench::Stamp;
using bench::Tally;
using namespace std::chrono_literals;

class Load {
public:
    Load(const bench::Work& work, std::uint64_t first_index) : work_{work} {
        work.gateway.fill(gateway_);
        make_spurts();
        for (std::size_t i = 0; i < work.endpoints.size(); ++i)
            ears_.push_back(std::make_unique<Ear>(work, i, spurts_));
        talkers_.resize(work.endpoints.size());
        for (std::size_t i = 0; i < spurts_.size(); ++i) {
            const std::size_t talker = spurts_[i].plan->talker;
            if (!talkers_[talker])
                talkers_[talker] = std::make_unique<bench::Talker>(
                    work.endpoints[talker], static_cast<std::uint32_t>(talker), first_index);
            for (const std::size_t listener : spurts_[i].listeners) ears_[listener]->expect(i);
        }
        open_sockets();
    }

    // By the clock: every talker sends 50 packets a second from its start on.
    void run_paced() {
        constexpr std::size_t kGolden = 12'361;  // us: spreads any number of talkers evenly over 20 ms
        using Due = std::pair<core::Time, std::size_t>;
        std::priority_queue<Due, std::vector<Due>, std::greater<>> queue;
        const core::Time start = core::monotonic_now() + 50ms;
        for (std::size_t i = 0; i < spurts_.size(); ++i) {
            const std::chrono::microseconds apart{i * kGolden % 20'000};
            queue.emplace(start + spurts_[i].plan->start + apart, i);
        }
        collected_at_ = core::monotonic_now();
        while (!queue.empty() && core::monotonic_now() < limit_) {
            const auto [due, spurt] = queue.top();
            queue.pop();
            collect_until(due);
            send(spurt);
            if (spurts_[spurt].sent_at.size() < spurts_[spurt].plan->packets)
                queue.emplace(due + bench::kPtime, spurt);
        }
        collect_until(core::monotonic_now() + 200ms);
        for (const std::size_t listener : listening_) drain(listener);
    }

    // As fast as the gateway answers, all talkspurts side by side; but not much more than ten times as fast as
    // speech, which a gateway that reserves packet numbers on disk need not keep up with.
    void run_closed() {
        constexpr auto kLeast = 2ms;
        for (std::size_t packet = 0; core::monotonic_now() < limit_; ++packet) {
            const core::Time began = core::monotonic_now();
            bool any = false;
            for (std::size_t i = 0; i < spurts_.size(); ++i) {
                if (packet >= spurts_[i].plan->packets) continue;
                any = true;
                send(i);
                for (const std::size_t listener : spurts_[i].listeners) wait_for(listener, packet + 1);
            }
            if (!any) return;
            std::this_thread::sleep_until(began + kLeast);
        }
    }

    void limit(core::Time until) { limit_ = until; }
    const std::vector<bench::Spurt>& spurts() const { return spurts_; }
    const Tally& tally() const { return tally_; }

private:
    void make_spurts() {
        for (const auto& plan : work_.spurts) {
            bench::Spurt& spurt = spurts_.emplace_back();
            spurt.plan = &plan;
            spurt.payloads = &library_.payloads(work_.endpoints[plan.talker].format);
            spurt.listeners = work_.listeners_of(plan.talker);
            spurt.sent_at.reserve(plan.packets);
        }
    }
    void open_sockets() {
        std::unordered_map<core::Address, int> open;
        for (std::size_t i = 0; i < work_.endpoints.size(); ++i) {
            const core::Address& address = work_.endpoints[i].address;
            if (!open.contains(address)) {
                auto fd = media::open_udp(address);
                if (!fd) throw std::runtime_error{fd.error().context};
                open[address] = fd->get();
                sockets_.push_back(std::move(*fd));
            }
            fds_.push_back(open[address]);
            if (ears_[i]->expects_anything()) listening_.push_back(i);
        }
    }
    void send(std::size_t spurt) {
        const std::size_t talker = spurts_[spurt].plan->talker;
        talkers_[talker]->send(spurts_[spurt], fds_[talker], gateway_);
    }
    void drain(std::size_t listener) {
        for (media::Datagram& datagram : batch_.receive(fds_[listener]))
            ears_[listener]->take(datagram, tally_);
    }
    // Looks into every listener's socket once in 8 ms, a few at a time. Nobody waits on these sockets: waking us up
    // would be work of the gateway's that a radio somewhere else does not cause.
    void collect_until(core::Time until) {
        for (;;) {
            const core::Time now = core::monotonic_now();
            const double share = std::min(1.0, std::chrono::duration<double>(now - collected_at_) / 8ms);
            const auto owed = static_cast<std::size_t>(share * static_cast<double>(listening_.size()));
            for (std::size_t i = 0; i < owed; ++i) drain(listening_[next_++ % listening_.size()]);
            if (owed > 0) collected_at_ = now;
            if (now >= until) return;
            const auto wait = std::min<core::Duration>(until - core::monotonic_now(), 1ms);
            const timespec pause{.tv_sec = 0, .tv_nsec = std::max<std::int64_t>(wait.count(), 0)};
            nanosleep(&pause, nullptr);
        }
    }
    void wait_for(std::size_t listener, std::size_t packets) {
        constexpr int kPatienceMs = 5000;
        pollfd readable{.fd = fds_[listener], .events = POLLIN, .revents = 0};
        while (ears_[listener]->heard() < packets) {
            if (poll(&readable, 1, kPatienceMs) <= 0) return;  // lost: the tally shows it
            drain(listener);
        }
    }

    const bench::Work& work_;
    sockaddr_storage gateway_{};
    bench::Library library_;
    std::vector<bench::Spurt> spurts_;
    std::vector<std::unique_ptr<bench::Talker>> talkers_;
    std::vector<std::unique_ptr<Ear>> ears_;
    std::vector<core::UniqueFd> sockets_;
    std::vector<int> fds_;                // of each endpoint
    std::vector<std::size_t> listening_;  // endpoints that hear anything
    std::size_t next_{};
    core::Time collected_at_{};
    core::Time limit_{};
    media::ReceiveBatch batch_;
    Tally tally_;
};

struct Options {
    std::string work;
    std::uint64_t first_index{1};
    bool closed{};
    std::chrono::seconds slice{};
    std::chrono::seconds limit{};
};

Options read_options(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string word = arguments[i];
        const auto value = [&] {
            if (i + 1 == count) throw std::runtime_error{word + " needs a number"};
            return std::stoul(arguments[++i]);
        };
        if (word == "--first-index")
            options.first_index = value();
        else if (word == "--closed")
            options.closed = true;
        else if (word == "--slice")
            options.slice = std::chrono::seconds{value()};
        else if (word == "--limit")
            options.limit = std::chrono::seconds{value()};
        else if (options.work.empty())
            options.work = word;
        else
            throw std::runtime_error{"what is " + word + "?"};
    }
    if (options.work.empty()) throw std::runtime_error{"which work?"};
    return options;
}

}  // namespace

int main(int count, char** arguments) try {
    const Options options = read_options(count, arguments);
    const bench::Work work = bench::read_work(options.work);
    Load load{work, options.first_index};
    std::chrono::milliseconds longest{};
    for (const auto& spurt : work.spurts)
        longest = std::max<std::chrono::milliseconds>(longest, spurt.start + spurt.packets * bench::kPtime);
    load.limit(core::monotonic_now() +
               (options.limit.count() > 0 ? core::Duration{options.limit} : core::Duration{longest + 10s}));
    options.closed ? load.run_closed() : load.run_paced();
    bench::print_report(load.spurts(), load.tally(), options.slice);
} catch (const std::exception& error) {
    fmt::print(stderr, "load_generator: {}\n", error.what());
    return 1;
}
