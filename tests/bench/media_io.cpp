// What the system's ways to send and receive cost a packet on loopback: thread CPU time, medians of interleaved rounds.
//
// Sending goes to L listeners, a socket each, or to one; what is sent is taken out of the listeners' buffers between two
// rounds, outside the measurement. The cost of sending on loopback has the delivery into the receiver's buffer in it.
// What the gateway does today is `sendmmsg 64` and `recvmmsg 32`; src/media/README.md says what follows from the figures.
#include <fmt/format.h>
#include <netinet/udp.h>

#ifdef CROSSPATCH_LIBURING
#include <liburing.h>
#endif

#include <algorithm>
#include <functional>
#include <string>

#include "tests/bench/talk_path.hpp"

namespace {

using namespace crosspatch;
constexpr std::size_t kRounds = 15;
constexpr std::size_t kPackets = 512;  // a round
constexpr std::size_t kOctets = 108;   // an Opus packet of 80 octets with header and tag
constexpr std::size_t kListeners = 64;

core::UniqueFd open_port() { return std::move(*media::open_udp(*core::Address::parse("127.0.0.1:0", true))); }

// Packets that wait to be sent, as the Outbox has them.
class Batch {
public:
    explicit Batch(const std::vector<sockaddr_storage>& to) {
        for (std::size_t i = 0; i < kPackets; ++i) {
            vectors_[i] = {octets_[i].data(), kOctets};
            headers_[i].msg_hdr = {const_cast<sockaddr_storage*>(&to[i % to.size()]),
                                   sizeof(sockaddr_in),
                                   &vectors_[i],
                                   1,
                                   nullptr,
                                   0,
                                   0};
        }
    }
    mmsghdr* headers(std::size_t from = 0) { return headers_.data() + from; }
    iovec* vectors(std::size_t from = 0) { return vectors_.data() + from; }
    const std::byte* octets(std::size_t i) const { return octets_[i].data(); }

private:
    std::array<std::array<std::byte, 1280>, kPackets> octets_{};
    std::array<iovec, kPackets> vectors_{};
    std::array<mmsghdr, kPackets> headers_{};
};

class Bench {
public:
    Bench() {
        for (std::size_t i = 0; i < kListeners; ++i) {
            listeners_.push_back(open_port());
            media::local_address(listeners_.back().get()).fill(many_.emplace_back());
        }
        one_ = {many_.front()};
        for (const sockaddr_storage& to : many_) {
            connected_.push_back(open_port());
            connect(connected_.back().get(), reinterpret_cast<const sockaddr*>(&to), sizeof(sockaddr_in));
        }
    }

    void run() {
        send_ways("many", many_);
        send_ways("one", one_);
        add("one", "UDP_SEGMENT 16", [this] { segments(16); });
        add("one", "UDP_SEGMENT 32", [this] { segments(32); });
        measure(
            "send to", sends_, [this] { drain_all(); }, [] {});
        receive_ways();
        measure(
            "receive", receives_, [this] { drain_all(); }, [this] { fill(); });
    }

private:
    struct Way {
        std::string to;
        std::string name;
        std::function<void()> work;
        std::vector<double> rounds;
    };

    void add(const char* to, const std::string& name, std::function<void()> work) {
        sends_.push_back({to, name, std::move(work), {}});
    }

    void send_ways(const char* name, const std::vector<sockaddr_storage>& to) {
        batches_.push_back(std::make_unique<Batch>(to));
        Batch* batch = batches_.back().get();
        add(name, "sendto", [this, batch] {
            for (std::size_t i = 0; i < kPackets; ++i) sendmsg(from_.get(), &batch->headers(i)->msg_hdr, 0);
        });
        add(name, "connected send", [this, batch, all = to.size()] {
            for (std::size_t i = 0; i < kPackets; ++i)
                send(connected_[i % all].get(), batch->octets(i), kOctets, 0);
        });
        for (const std::size_t size : {8, 32, 64, 128, 256})
            add(name, fmt::format("sendmmsg {}", size), [this, batch, size] {
                for (std::size_t i = 0; i < kPackets; i += size)
                    sendmmsg(from_.get(), batch->headers(i), static_cast<unsigned>(size), 0);
            });
#ifdef CROSSPATCH_LIBURING
        add(name, "io_uring 64", [this, batch] { uring_.send(from_.get(), *batch); });
#endif
    }

    // GSO: one call, one walk through the stack, and the kernel cuts it into packets of equal size.
    void segments(std::size_t count) {
        static std::array<std::byte, 64 * kOctets> octets;
        for (std::size_t i = 0; i < kPackets; i += count) {
            iovec vector{octets.data(), count * kOctets};
            alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> control{};
            msghdr message{&one_.front(), sizeof(sockaddr_in), &vector, 1, control.data(), control.size(), 0};
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            *header = {CMSG_LEN(sizeof(std::uint16_t)), SOL_UDP, UDP_SEGMENT};
            constexpr std::uint16_t kSize = kOctets;
            std::memcpy(CMSG_DATA(header), &kSize, sizeof kSize);
            if (sendmsg(from_.get(), &message, 0) < 0) std::perror("UDP_SEGMENT");
        }
    }

    void receive_ways() {
        receives_.push_back({"", "recvmsg", [this] { receive_singly(); }, {}});
        receives_.push_back({"", "recvmmsg 32", [this] { receive_batches(); }, {}});
        receives_.push_back({"", "UDP_GRO", [this] { receive_merged(); }, {}});
    }

    void receive_singly() {
        std::array<std::byte, 2048> octets;
        sockaddr_storage from;
        iovec vector{octets.data(), octets.size()};
        alignas(cmsghdr) std::array<std::byte, 64> control;
        for (;;) {
            msghdr message{&from, sizeof from, &vector, 1, control.data(), control.size(), 0};
            if (recvmsg(listeners_[0].get(), &message, MSG_DONTWAIT) < 0) return;
        }
    }

    void receive_batches() {
        while (!batch_.receive(listeners_[0].get()).empty()) {
        }
    }

    void receive_merged() {
        static std::array<std::byte, 65536> octets;
        const int on = 1;
        const int off = 0;
        setsockopt(listeners_[0].get(), SOL_UDP, UDP_GRO, &on, sizeof on);
        while (recv(listeners_[0].get(), octets.data(), octets.size(), MSG_DONTWAIT) > 0) {
        }
        setsockopt(listeners_[0].get(), SOL_UDP, UDP_GRO, &off, sizeof off);
    }

    void fill() {
        for (std::size_t i = 0; i < kPackets; i += 64)
            sendmmsg(from_.get(), batches_.back()->headers(i), 64, 0);
    }

    void drain_all() {
        for (const auto& listener : listeners_) bench::drain(listener.get());
    }

    template <typename After, typename Before>
    void measure(const char* what, std::vector<Way>& ways, After&& after, Before&& before) {
        for (std::size_t round = 0; round < kRounds; ++round)
            for (Way& way : ways) {
                before();
                const double began = bench::thread_cpu_us();
                way.work();
                way.rounds.push_back((bench::thread_cpu_us() - began) / kPackets);
                after();
            }
        for (Way& way : ways) {
            std::sort(way.rounds.begin(), way.rounds.end());
            fmt::print("{:<8} {:<5} {:<16} {:>6.3f} us   {:.3f}-{:.3f}\n", what, way.to, way.name,
                       way.rounds[kRounds / 2], way.rounds[kRounds / 4], way.rounds[kRounds * 3 / 4]);
        }
    }

#ifdef CROSSPATCH_LIBURING
    class Uring {
    public:
        Uring() { ready_ = io_uring_queue_init(64, &ring_, 0) == 0; }
        ~Uring() {
            if (ready_) io_uring_queue_exit(&ring_);
        }
        void send(int fd, Batch& batch) {
            if (!ready_) return;
            for (std::size_t i = 0; i < kPackets; i += 64) {
                for (std::size_t j = i; j < i + 64; ++j)
                    io_uring_prep_sendmsg(io_uring_get_sqe(&ring_), fd, &batch.headers(j)->msg_hdr, 0);
                io_uring_submit_and_wait(&ring_, 64);
                io_uring_cq_advance(&ring_, 64);
            }
        }

    private:
        io_uring ring_{};
        bool ready_{};
    };
    Uring uring_;
#endif

    core::UniqueFd from_{open_port()};
    std::vector<core::UniqueFd> listeners_, connected_;
    std::vector<sockaddr_storage> many_, one_;
    std::vector<std::unique_ptr<Batch>> batches_;
    std::vector<Way> sends_, receives_;
    media::ReceiveBatch batch_;
};

}  // namespace

int main() { Bench{}.run(); }
