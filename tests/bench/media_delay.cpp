// The gateway delay, kernel receive stamp to return of the last send, through a real Worker: one talker relayed to ten
// listeners at 50 and at 500 packets a second.
#include <fmt/format.h>

#include <cmath>
#include <thread>

#include "tests/bench/talk_path.hpp"

namespace {

using namespace crosspatch;

// Passes everything to one talkspurt.
class Open : public media::Gate {
public:
    Open(media::Talkspurt& talkspurt, std::vector<std::unique_ptr<media::Endpoint>>& listeners)
        : talkspurt_{talkspurt}, listeners_{listeners} {}
    media::Talkspurt* pass(media::Endpoint& from, const media::Packet& packet, core::Time now) override {
        if (!talkspurt_.running()) {
            talkspurt_.start(from, packet, now);
            for (const auto& listener : listeners_) talkspurt_.add(*listener, 0, 0);
            talkspurt_.arrange(now);
        }
        return &talkspurt_;
    }
    void signalled(media::Endpoint&, const rtp::App&, std::optional<std::uint32_t>, core::Time) override {}
    void left(media::Endpoint&, core::Time) override {}
    void heard(media::Endpoint&, core::Time) override {}
    void tend(media::Endpoint&, core::Time) override {}
    void advance(core::Time now) override { talkspurt_.advance(now); }
    std::optional<core::Time> next_deadline() override { return talkspurt_.deadline(); }

private:
    media::Talkspurt& talkspurt_;
    std::vector<std::unique_ptr<media::Endpoint>>& listeners_;
};

void run(unsigned packets_a_second) {
    constexpr auto kSuite = rtp::Suite::Aes256Gcm;
    const codec::Format opus = codec::opus();
    bench::Radio radio{opus, kSuite, 1};
    const rtp::MasterKey key = bench::make_key(kSuite, 9);
    const auto local = *core::Address::parse("127.0.0.1:0", true);
    core::UniqueFd in = std::move(*media::open_udp(local));
    core::UniqueFd from = std::move(*media::open_udp(local));
    core::UniqueFd to = std::move(*media::open_udp(local));
    auto talker =
        bench::make_endpoint(0, opus, kSuite, radio.key(), key, in.get(), media::local_address(from.get()));
    std::vector<std::unique_ptr<media::Endpoint>> listeners;
    for (std::uint32_t i = 1; i <= 10; ++i)
        listeners.push_back(bench::make_endpoint(i, opus, kSuite, radio.key(), key, in.get(),
                                                 media::local_address(to.get())));

    media::Worker worker;
    media::Talkspurt talkspurt{worker.talk_path()};
    talkspurt.reserve(10);
    Open gate{talkspurt, listeners};
    std::thread thread{[&] { worker.run(gate); }};
    worker.post(media::Worker::Lane::Control, [&](core::Time) {
        worker.watch({in.get(), talker.get(), false});
    });

    const auto packets = radio.packets(packets_a_second * 4);
    sockaddr_storage address;
    const socklen_t length = media::local_address(in.get()).fill(address);
    auto due = std::chrono::steady_clock::now() + std::chrono::milliseconds{100};
    for (const auto& packet : packets) {
        std::this_thread::sleep_until(due);
        due += std::chrono::microseconds{1'000'000 / packets_a_second};
        sendto(from.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&address),
               length);
        bench::drain(to.get());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    worker.stop();
    thread.join();
    const media::DelayHistogram& delays = worker.delays();
    fmt::print(
        "{:>5} packets/s  10 listeners  {:>6} measured  p50 {:>6} us  p99 {:>6} us  max bucket {:>6} us  {} "
        "loops\n",
        packets_a_second, delays.count(), delays.quantile(0.5).count(), delays.quantile(0.99).count(),
        delays.quantile(1.0).count(), worker.counters().loops.read());
    talkspurt.finish();
}

}  // namespace

int main() {
    run(50);
    run(500);
}
