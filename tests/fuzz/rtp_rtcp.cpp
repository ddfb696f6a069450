// RTCP datagrams from any octets: a refused one says nothing, the views of an accepted one stay inside it,
// and what was read is written again and reads the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "crosspatch/rtp/rtcp.hpp"
#include "crosspatch/rtp/rtcp_builder.hpp"

using namespace crosspatch::rtp;

namespace {

using Octets = std::span<const std::byte>;

void require(bool holds) {
    if (!holds) std::abort();
}

bool lies_in(Octets part, Octets whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

std::string_view text_of(Octets octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// The items of a datagram, written again packet by packet as they come by.
class Copy {
public:
    explicit Copy(std::span<std::byte> out) : builder_{out, RtcpBuilder::Form::Reduced} {}

    void operator()(const SenderReport& report) {
        flush();
        sender_ = report;
        open_ = Open::Sender;
    }
    void operator()(const ReceiverReport& report) {
        flush();
        receiver_ = report;
        open_ = Open::Receiver;
    }
    void operator()(const ReportBlock& block) {
        require(open_ != Open::Nothing && blocks_.size() < 31);
        require(block.reporter == (open_ == Open::Sender ? sender_.ssrc : receiver_.ssrc));
        require(block.cumulative_lost >= -0x800000 && block.cumulative_lost <= 0x7FFFFF);
        blocks_.push_back(block);
    }
    void operator()(const Cname& cname) {
        flush();
        require(builder_.sdes_cname(cname.ssrc, text_of(cname.text)));
    }
    void operator()(const Bye& bye) {
        flush();
        std::vector<std::uint32_t> ssrcs;
        for (std::size_t index = 0; index < bye.ssrcs.size(); ++index) {
            ssrcs.push_back(bye.ssrcs[index]);
            require(bye.ssrcs.contains(bye.ssrcs[index]));
        }
        if (!ssrcs.empty()) require(builder_.bye(ssrcs, text_of(bye.reason)));
    }
    void operator()(const App& app) {
        flush();
        require(builder_.app(app));
    }

    Octets octets() {
        flush();
        return builder_.octets();
    }

private:
    enum class Open { Nothing, Sender, Receiver };

    void flush() {
        if (open_ == Open::Sender) require(builder_.sender_report(sender_, blocks_));
        if (open_ == Open::Receiver) require(builder_.receiver_report(receiver_.ssrc, blocks_));
        open_ = Open::Nothing;
        blocks_.clear();
    }

    RtcpBuilder builder_;
    Open open_{Open::Nothing};
    SenderReport sender_;
    ReceiverReport receiver_;
    std::vector<ReportBlock> blocks_;
};

void check_views(Octets datagram) {
    std::size_t items = 0;
    const auto done =
        parse_compound(datagram, Overload{[&](const Cname& cname) {
                                              ++items;
                                              require(lies_in(cname.text, datagram));
                                          },
                                          [&](const Bye& bye) {
                                              ++items;
                                              require(lies_in(bye.reason, datagram));
                                          },
                                          [&](const App& app) {
                                              ++items;
                                              require(lies_in(app.data, datagram));
                                              require(lies_in(std::as_bytes(std::span{app.name}), datagram));
                                          },
                                          [&](const ReportBlock&) { ++items; }});
    require(items <= datagram.size() / 4);
    if (!done) require(items == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto datagram = std::as_bytes(std::span{data, size});
    check_views(datagram);
    // Four times the room: a chunk of several becomes a packet of its own.
    std::vector<std::byte> first(kMaxPacket * 4), second(kMaxPacket * 4);
    Copy copy{first};
    if (!parse_compound(datagram, copy)) {
        require(copy.octets().empty());
        return 0;
    }
    const Octets written = copy.octets();
    if (written.empty() || written.size() > kMaxPacket) return 0;
    Copy again{second};
    require(parse_compound(written, again).has_value());
    require(std::ranges::equal(written, again.octets()));
    return 0;
}
