// Our cost per packet beside the bare cost of its parts (SRTP, codec, system calls), interleaved in one run.
//
// "ours" is Source::open_rtp(), Talkspurt::carry() and Outbox::flush(); "parts" calls the same SRTP, the same codecs and
// sendmmsg() straight, with nothing in between. Thread CPU time; medians of 9 rounds.
//
// `bench_media_talkspurt relay` leaves out what does not begin so.
// `bench_media_talkspurt ours|untapped|parts LISTENERS SUITE PACKETS [pcmu]` does one kind of work only, for callgrind: two
// runs of different lengths or numbers of listeners tell what one packet more or one listener more costs; `untapped` is ours
// without the copy for who looks through it for loops.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "crosspatch/codec/rates.hpp"
#include "tests/bench/talk_path.hpp"

namespace {

using namespace crosspatch;
constexpr std::size_t kRounds = 9;
constexpr std::size_t kPackets = 400;       // a round
constexpr std::size_t kMostWaiting = 1000;  // datagrams in the receiver's buffer, before it is drained

struct Work {
    const char* name;
    codec::Format from;
    codec::Format to;
    std::size_t listeners;
    double
        gain_db{};  // a gain makes one codec a transcoding: Opus is relayed between all its rates otherwise
};

class Bench {
public:
    Bench(const Work& work, rtp::Suite suite)
        : work_{work}, suite_{suite}, radio_{work.from, suite, 1}, send_key_{bench::make_key(suite, 9)} {
        socket_ = std::move(*media::open_udp(*core::Address::parse("127.0.0.1:0", true)));
        receiver_ = std::move(*media::open_udp(*core::Address::parse("127.0.0.1:0", true)));
        const core::Address to = media::local_address(receiver_.get());
        talker_ = bench::make_endpoint(0, work.from, suite, radio_.key(), send_key_, socket_.get(), to);
        codecs_.stock(maker_.make(needs()));
        talkspurt_.reserve(work.listeners);
        for (std::size_t i = 0; i < work.listeners; ++i) {
            keys_.push_back(
                std::make_unique<rtp::MasterKey>(bench::make_key(suite, static_cast<std::uint8_t>(20 + i))));
            listeners_.push_back(bench::make_endpoint(static_cast<std::uint32_t>(i + 1), work.to, suite,
                                                      radio_.key(), *keys_.back(), socket_.get(), to));
        }
        // The same again for the bare parts.
        bare_receiver_ = std::make_unique<rtp::SrtpReceiver>(suite, std::span{&radio_.key(), 1});
        for (std::size_t i = 0; i < work.listeners; ++i) {
            bare_senders_.push_back(std::make_unique<rtp::SrtpSender>(suite, keys_[i].get()));
            bare_senders_.back()->begin(static_cast<std::uint32_t>(0x900000 + i), {1, 1});
            bare_senders_.back()->set_reserved(bare_senders_.back()->ssrc(), rtp::SrtpSender::unrecorded());
        }
        const codec::Rates rates = codec::working_rates(work.from, work.to);
        decoder_ = codec::make_decoder(work.from);
        decoder_->start(rates.decode);
        encoder_ = codec::make_encoder(work.to);
        encoder_->start(rates.encode, work.to);
    }

    // One kind of work and nothing else.
    void run_only(std::string_view what, std::size_t count) {
        number_ = what == "untapped" ? 0 : 1;
        const auto packets = radio_.packets(count);
        measure(packets, [&](auto octets) { what == "parts" ? bare(octets) : carry(octets); });
    }

    void run() {
        std::vector<double> ours;
        std::vector<double> parts;
        for (std::size_t round = 0; round < kRounds; ++round) {
            const auto packets = radio_.packets(kPackets);
            ours.push_back(measure(packets, [&](auto octets) { carry(octets); }));
            parts.push_back(measure(packets, [&](auto octets) { bare(octets); }));
        }
        std::sort(ours.begin(), ours.end());
        std::sort(parts.begin(), parts.end());
        const double median = ours[kRounds / 2];
        const double bare_median = parts[kRounds / 2];
        fmt::print("{:<24} {:<24} {:>9.2f} {:>9.2f} {:>7.2f}   {:.2f}-{:.2f}\n", work_.name,
                   rtp::info(suite_).name, median, bare_median, median / bare_median,
                   ours.front() / parts.back(), ours.back() / parts.front());
    }

private:
    media::CodecPool::Needs needs() const {
        media::CodecPool::Needs needs;
        needs.encoder(work_.to);
        needs.decoder(work_.from);
        return needs;
    }

    template <typename Do>
    double measure(const std::vector<std::vector<std::byte>>& packets, Do&& one) {
        double spent = 0;
        const std::size_t chunk = std::max<std::size_t>(1, kMostWaiting / work_.listeners / 2);
        for (std::size_t at = 0; at < packets.size(); at += chunk) {
            const double before = bench::thread_cpu_us();
            for (std::size_t i = at; i < std::min(at + chunk, packets.size()); ++i) {
                std::copy(packets[i].begin(), packets[i].end(), buffer_.begin());
                one(std::span{buffer_}.first(packets[i].size()));
            }
            spent += bench::thread_cpu_us() - before;
            bench::drain(receiver_.get());
            tap_.read([](const media::Tap::Item&) {});
        }
        return spent / static_cast<double>(packets.size());
    }

    [[gnu::noinline]] void carry(std::span<std::byte> octets) {  // a name for callgrind --toggle-collect
        now_ += std::chrono::milliseconds{20};
        media::Datagram datagram{octets, talker_->source.remote(), {}, false};
        const auto packet = talker_->source.open_rtp(datagram, now_, {});
        if (!packet) return;
        if (!talkspurt_.running()) {
            talkspurt_.start(*talker_, *packet, now_, number_);
            for (const auto& listener : listeners_) talkspurt_.add(*listener, 0, work_.gain_db);
            talkspurt_.arrange(now_);
        }
        talkspurt_.carry(*packet, now_);
        outbox_.flush();
    }

    [[gnu::noinline]] void bare(std::span<std::byte> octets) {
        const auto header = rtp::parse_header(octets);
        const auto opened = bare_receiver_->open_rtp(octets, header->size, header->ssrc, header->sequence);
        if (!opened) return;
        std::span<const std::byte> payload = opened->plaintext;
        if (!codec::same_payload(work_.from, work_.to) || work_.gain_db != 0) {
            const std::size_t count = decoder_->decode(payload, samples_);
            payload = std::span{encoded_}.first(encoder_->encode(std::span{samples_}.first(count), encoded_));
        }
        for (const auto& sender : bare_senders_) {
            const std::span<std::byte> out = bare_outbox_.prepare();
            rtp::Header fresh = *header;
            fresh.ssrc = sender->ssrc();
            fresh.sequence = static_cast<std::uint16_t>(sender->next().rtp);
            rtp::write_header(out, fresh);
            std::copy(payload.begin(), payload.end(), out.begin() + 12);
            const auto sealed =
                sender->seal_rtp(out, 12, 12 + payload.size(), sender->ssrc(), sender->next().rtp);
            bare_outbox_.commit(socket_.get(), talker_->source.remote(), *sealed);
        }
        bare_outbox_.flush();
    }

    Work work_;
    rtp::Suite suite_;
    bench::Radio radio_;
    rtp::MasterKey send_key_;
    core::UniqueFd socket_, receiver_;
    std::unique_ptr<media::Endpoint> talker_;
    std::vector<std::unique_ptr<rtp::MasterKey>> keys_;
    std::vector<std::unique_ptr<media::Endpoint>> listeners_;
    media::CodecPool::Maker maker_;
    media::CodecPool codecs_;
    media::PacketPool pool_{64};
    std::unique_ptr<media::Scratch> scratch_{std::make_unique<media::Scratch>()};
    media::Outbox outbox_, bare_outbox_;
    media::Tap tap_;
    std::uint64_t number_{1};
    const media::TalkPath path_{codecs_, pool_, *scratch_, outbox_, &tap_};
    media::Talkspurt talkspurt_{path_};
    core::Time now_{core::monotonic_now()};
    std::array<std::byte, 1280> buffer_;
    std::unique_ptr<rtp::SrtpReceiver> bare_receiver_;
    std::vector<std::unique_ptr<rtp::SrtpSender>> bare_senders_;
    std::unique_ptr<codec::Decoder> decoder_;
    std::unique_ptr<codec::Encoder> encoder_;
    std::array<std::int16_t, codec::kMaxSamples> samples_;
    std::array<std::byte, codec::kMaxPayload> encoded_;
};

}  // namespace

int main(int argc, char** argv) {
    const std::string_view only = argc == 2 ? argv[1] : "";  // works whose names begin so
    codec::Format opus16 = codec::opus();
    if (argc >= 5) {
        const Work relay{"relay", argc == 6 ? codec::pcmu() : opus16, opus16,
                         std::strtoul(argv[2], nullptr, 10)};
        const auto suite = static_cast<rtp::Suite>(std::strtoul(argv[3], nullptr, 10));
        Bench{relay, suite}.run_only(argv[1], std::strtoul(argv[4], nullptr, 10));
        return 0;
    }
    codec::Format opus8 = codec::opus();
    opus8.rate = 8000;
    opus8.bitrate = 16000;
    const Work works[] = {{"relay 1 to 1", opus16, opus16, 1},
                          {"relay 1 to 50", opus16, opus16, 50},
                          {"relay 1 to 200", opus16, opus16, 200},
                          {"relay 1 to 1000", opus16, opus16, 1000},
                          {"Opus to PCMU", opus16, codec::pcmu(), 1},
                          {"PCMU to Opus", codec::pcmu(), opus16, 1},
                          {"PCMU to Opus, 50", codec::pcmu(), opus16, 50},
                          {"Opus 16k to 8k", opus16, opus8, 1, -1},
                          {"Opus 16k to G.722", opus16, codec::g722(), 1}};
    fmt::print("{:<24} {:<24} {:>9} {:>9} {:>7}   {}\n", "work", "suite", "ours us", "parts us", "ratio",
               "spread of the ratio");
    for (const rtp::Suite suite : {rtp::Suite::Aes256Gcm, rtp::Suite::AesCm128HmacSha1_80})
        for (const Work& work : works)
            if (std::string_view{work.name}.starts_with(only)) Bench{work, suite}.run();
}
