// Handsets around a gateway that press their keys: how long the first answer to each Floor Request takes.
//
//   floor_load WORK [--rate N] [--seconds N] [--first-index N]
//     --rate          Requests a second of all handsets together (1,000)
//     --seconds       how long (10)
//     --first-index   SRTCP index of every handset's first message, so that one gateway can be run against several times
//
// Every endpoint of the work file is a handset. They press one after the other, a channel at a time, and hold the key for
// a random time: who comes while another holds it is queued or denied, as the channel's queue has it.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/bench/load_handset.hpp"
#include "tests/bench/load_report.hpp"

namespace {

using namespace crosspatch;
using namespace std::chrono_literals;

struct Options {
    std::string work;
    std::uint64_t rate{1000};
    std::uint64_t seconds{10};
    std::uint64_t first_index{1};
};

class FloorLoad {
public:
    FloorLoad(const bench::Work& work, const Options& options)
        : period_{std::chrono::nanoseconds{1s} / options.rate}, presses_{options.rate * options.seconds} {
        work.gateway.fill(gateway_);
        std::map<std::string, std::vector<std::size_t>> channels;
        for (std::size_t i = 0; i < work.endpoints.size(); ++i) {
            auto fd = media::open_udp(work.endpoints[i].address);
            if (!fd) throw std::runtime_error{fd.error().context};
            sockets_.push_back(std::move(*fd));
            handsets_.push_back(
                std::make_unique<bench::Handset>(work.endpoints[i], static_cast<std::uint32_t>(i),
                                                 options.first_index, sockets_.back().get(), gateway_));
            channels[work.endpoints[i].channel].push_back(i);
        }
        if (handsets_.empty()) throw std::runtime_error{"nobody is there who could press"};
        take_turns(channels);
    }

    void run() {
        const core::Time start = core::monotonic_now() + 50ms;
        collected_at_ = core::monotonic_now();
        for (std::uint64_t press = 0; press < presses_; ++press) {
            const core::Time due = start + press * period_;
            const std::size_t who = turns_[press % turns_.size()];
            let_go_until(due);
            collect_until(due);
            handsets_[who]->key(true, answers_);
            held_.emplace(due + hold(), who);
        }
        took_ = core::monotonic_now() - start;
        let_go_until(core::Time::max());
        collect_until(core::monotonic_now() + 500ms);
        for (const auto& handset : handsets_) handset->give_up(answers_);
    }

    void print() {
        const double rate =
            static_cast<double>(answers_.requests) / std::chrono::duration<double>(took_).count();
        fmt::print(
            R"({{"handsets":{},"rate":{:.1f},"sent":{},"answered":{},"unanswered":{},"repeated":{},"granted":{},"queued":{},"denied":{},"bad":{},"answer_us":{}}})"
            "\n",
            handsets_.size(), rate, answers_.requests, answers_.us.size(), answers_.unanswered,
            answers_.repeated, answers_.granted, answers_.queued, answers_.denied, answers_.bad,
            bench::delays(answers_.us));
    }

private:
    // The first of each channel, then the second of each, so that a channel's presses are as far apart as they can be.
    void take_turns(const std::map<std::string, std::vector<std::size_t>>& channels) {
        for (std::size_t round = 0; turns_.size() < handsets_.size(); ++round)
            for (const auto& [name, members] : channels)
                if (round < members.size()) turns_.push_back(members[round]);
        channels_ = channels.size();
    }
    // From a fifth of a channel's time between two presses to twice that time: about half of them meet another's.
    core::Duration hold() {
        const core::Duration apart = period_ * channels_;
        return apart / 5 + core::Duration{random_() % (apart * 9 / 5).count()};
    }
    void let_go_until(core::Time until) {
        while (!held_.empty() && held_.top().first <= until) {
            const auto [due, who] = held_.top();
            held_.pop();
            collect_until(due);
            handsets_[who]->key(false, answers_);
        }
    }
    // Looks into every handset's socket once in 8 ms, a few at a time. Nobody waits on these sockets: waking us up
    // would be work of the gateway's that a radio somewhere else does not cause.
    void collect_until(core::Time until) {
        for (;;) {
            const core::Time now = core::monotonic_now();
            const double share = std::min(1.0, std::chrono::duration<double>(now - collected_at_) / 8ms);
            const auto owed = static_cast<std::size_t>(share * static_cast<double>(handsets_.size()));
            for (std::size_t i = 0; i < owed; ++i) drain(next_++ % handsets_.size(), now);
            if (owed > 0) collected_at_ = now;
            if (now >= until) return;
            std::this_thread::sleep_for(std::min<core::Duration>(until - now, 1ms));
        }
    }
    void drain(std::size_t who, core::Time now) {
        for (media::Datagram& datagram : batch_.receive(sockets_[who].get()))
            handsets_[who]->take(datagram, answers_);
        handsets_[who]->pass_time(now, answers_);
    }

    using Held = std::pair<core::Time, std::size_t>;  // when the key goes up, and whose

    sockaddr_storage gateway_{};
    std::chrono::nanoseconds period_;
    std::uint64_t presses_;
    std::size_t channels_{};
    std::vector<core::UniqueFd> sockets_;
    std::vector<std::unique_ptr<bench::Handset>> handsets_;
    std::vector<std::size_t> turns_;
    std::priority_queue<Held, std::vector<Held>, std::greater<>> held_;
    std::mt19937_64 random_{1};
    std::size_t next_{};
    core::Time collected_at_{};
    core::Duration took_{};
    media::ReceiveBatch batch_;
    bench::Answers answers_;
};

Options read_options(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string word = arguments[i];
        const auto number = [&] {
            if (i + 1 == count) throw std::runtime_error{word + " needs a number"};
            const auto value = std::stoul(arguments[++i]);
            if (value == 0) throw std::runtime_error{word + " needs a number above 0"};
            return value;
        };
        if (word == "--rate")
            options.rate = number();
        else if (word == "--seconds")
            options.seconds = number();
        else if (word == "--first-index")
            options.first_index = number();
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
    FloorLoad load{work, options};
    load.run();
    load.print();
} catch (const std::exception& error) {
    fmt::print(stderr, "floor_load: {}\n", error.what());
    return 1;
}
