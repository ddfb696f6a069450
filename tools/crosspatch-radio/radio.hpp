#pragma once
#include <sys/signalfd.h>

#include <memory>
#include <optional>
#include <vector>

#include "air_ground.hpp"
#include "crosspatch/core/address.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/core/unique_fd.hpp"
#include "crosspatch/media/socket.hpp"
#include "crosspatch/rtp/rtcp_schedule.hpp"
#include "event_sender.hpp"
#include "handset.hpp"
#include "listener.hpp"
#include "options.hpp"
#include "playout.hpp"
#include "sender.hpp"
#include "sound_card.hpp"
#include "talk.hpp"
#include "terminal.hpp"
#include "wav.hpp"

namespace crosspatch::radio {

// A radio: talks a file or a microphone, plays or writes what it hears, and reports by RTCP.
//
// Shape    one event loop over sockets, a timer, signals and the keyboard.
// Time     reads the clocks once a turn and passes them on.
// Errors   open() says what could not be had and what would help; run() fails if what was heard could not be
// written. Thread   one, besides the sound card's.
class Radio {
public:
    // Everything that the report is made of, once the radio has ended.
    struct Summary {
        core::WallTime started;
        core::Time start;
        core::Duration ran;
        const Sender& sender;
        const Listener& listener;
        const PlayOut& play;
        std::uint64_t unsent;  // refused by the system or by nobody listening
        std::optional<std::uint64_t> card_overruns;
        const Handset* handset;       // none without --ptt mcptt
        const AirGround* air_ground;  // none without --ptt ed137
        const EventSender* event;     // none without --ptt event
    };

    static core::Result<std::unique_ptr<Radio>> open(const Options& options);
    // Until the time is over, everything was talked and heard out, or SIGINT, SIGTERM or `q` came.
    core::Result<void> run();
    Summary summary() const;

private:
    struct Sockets {
        core::UniqueFd media;
        core::UniqueFd rtcp;   // only with Rtcp::NextPort
        core::UniqueFd floor;  // only with --ptt mcptt:PORT
    };
    struct Crypto {
        rtp::SrtpSender seal;
        rtp::SrtpReceiver open;
    };
    static core::Result<Sockets> open_sockets(const Options& options);
    static core::Result<Crypto> read_keys(const Options& options);
    static Sender::Start random_start(const Options& options);
    Radio(const Options& options, Sockets sockets, Crypto crypto, core::UniqueFd timer,
          core::UniqueFd signals);
    core::Result<void> open_sound();

    void wait();
    void arm();
    void read_signals();
    void read_keyboard();
    void press(bool down);
    void open_handset();
    void open_key();
    std::optional<FileTalk::Frame> next_frame();
    std::optional<FileTalk::Frame> press_for_frame();
    std::optional<core::Time> next_words() const;
    bool is_turn_over() const { return file_pressed_ && file_->is_at_start(); }
    void receive(int fd, const core::Address& from);
    void listen(const media::Datagram& datagram);
    void talk();
    void talk_microphone();
    void send_frame(std::span<const std::int16_t> frame, bool first);
    void report(bool leaving);
    void send(int fd, const core::Address& to, std::span<const std::byte> packet);
    void heard(core::Time at, std::span<const std::int16_t> samples);
    std::uint64_t position_of(core::Time at) const;
    bool finished() const;
    void look_at_clocks();

    Options options_;
    Sockets sockets_;
    core::Address rtcp_remote_;
    core::Address floor_remote_;
    core::UniqueFd timer_;
    core::UniqueFd signals_;
    core::Time now_;
    core::WallTime wall_;
    const core::Time start_;
    const core::WallTime started_;
    std::optional<core::Time> end_;

    Sender sender_;
    PlayOut play_;
    Listener listener_;
    rtp::RtcpSchedule schedule_;
    media::ReceiveBatch batch_;
    std::optional<FileTalk> file_;
    std::optional<OpenMicrophone> open_microphone_;  // --ptt vox without a real one
    std::optional<Handset> handset_;
    std::optional<AirGround> air_ground_;
    std::optional<EventSender> event_;
    Key* key_{};  // one of these two, if there is one
    std::optional<WavWriter> wav_;
    std::unique_ptr<SoundSystem> sound_;
    std::unique_ptr<SoundCard> card_;
    std::unique_ptr<Terminal> terminal_;
    FrameCutter cutter_;
    core::Time next_capture_;
    bool pressed_{};
    bool press_is_new_{};
    bool file_pressed_{};  // the key is down for the file
    std::vector<std::int16_t> silence_;
    bool stop_{};
    std::uint64_t unsent_{};
};

}  // namespace crosspatch::radio
