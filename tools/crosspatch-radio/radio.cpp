#include "radio.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <random>

#include "keys.hpp"

namespace crosspatch::radio {
namespace {
using namespace std::chrono_literals;
constexpr auto kCaptureStep = 5ms;   // how often the microphone is looked at
constexpr auto kLongestSleep = 10s;  // a stamp that is older than this is a wall clock that was set
constexpr auto kHearOut = 2s;  // after the last word, without --for: what the other side still has to say

std::uint32_t random_word() { return std::random_device{}(); }

core::Unexpected<core::Error> no_descriptor(const char* what) {
    return core::unexpected(core::Error::Code::Exhausted,
                            fmt::format("the system gives no {}: too many open files?", what));
}

core::Result<core::UniqueFd> open_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    // Blocked before PortAudio starts its threads, so that theirs are too.
    sigprocmask(SIG_BLOCK, &set, nullptr);
    core::UniqueFd fd{::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)};
    if (!fd) return no_descriptor("signal descriptor");
    return fd;
}
}  // namespace

core::Result<std::unique_ptr<Radio>> Radio::open(const Options& options) {
    auto keys = read_keys(options);
    if (!keys) return core::Unexpected{keys.error()};
    auto sockets = open_sockets(options);
    if (!sockets) return core::Unexpected{sockets.error()};
    auto signals = open_signals();
    if (!signals) return core::Unexpected{signals.error()};
    core::UniqueFd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
    if (!timer) return no_descriptor("timer");
    std::unique_ptr<Radio> radio{
        new Radio{options, std::move(*sockets), std::move(*keys), std::move(timer), std::move(*signals)}};
    if (options.floor) radio->open_handset();
    radio->open_key();
    if (auto opened = radio->open_sound(); !opened) return core::Unexpected{opened.error()};
    return radio;
}

core::Result<Radio::Crypto> Radio::read_keys(const Options& options) {
    const auto suite = *rtp::suite_named(options.suite);
    if (suite == rtp::Suite::None)
        return Crypto{rtp::SrtpSender{suite, nullptr}, rtp::SrtpReceiver{suite, {}}};
    const auto send = read_master_key("--send-key", suite, options.send_key);
    if (!send) return core::Unexpected{send.error()};
    const auto receive = read_master_key("--receive-key", suite, options.receive_key);
    if (!receive) return core::Unexpected{receive.error()};
    return Crypto{rtp::SrtpSender{suite, &*send}, rtp::SrtpReceiver{suite, std::span{&*receive, 1}}};
}

core::Result<Radio::Sockets> Radio::open_sockets(const Options& options) {
    auto media = media::open_udp(options.local);
    if (!media) return core::Unexpected{media.error()};
    Sockets sockets{std::move(*media), {}, {}};
    if (options.floor && options.floor->port) {
        auto floor = media::open_udp(options.local.with_port(0));
        if (!floor) return core::Unexpected{floor.error()};
        sockets.floor = std::move(*floor);
    }
    if (options.rtcp != Rtcp::NextPort) return sockets;
    const auto local = media::local_address(sockets.media.get());
    auto rtcp = media::open_udp(local.with_port(static_cast<std::uint16_t>(local.port() + 1)));
    if (!rtcp) return core::Unexpected{rtcp.error()};
    sockets.rtcp = std::move(*rtcp);
    return sockets;
}

Sender::Start Radio::random_start(const Options& options) {
    return {options.ssrc.value_or(random_word()), static_cast<std::uint16_t>(random_word() & 0x7FFF),
            random_word()};
}

Radio::Radio(const Options& options, Sockets sockets, Crypto crypto, core::UniqueFd timer,
             core::UniqueFd signals)
    : options_{options},
      sockets_{std::move(sockets)},
      rtcp_remote_{options.rtcp == Rtcp::NextPort
                       ? options.remote.with_port(static_cast<std::uint16_t>(options.remote.port() + 1))
                       : options.remote},
      floor_remote_{sockets_.floor ? options.remote.with_port(*options.floor->port) : rtcp_remote_},
      timer_{std::move(timer)},
      signals_{std::move(signals)},
      now_{core::monotonic_now()},
      wall_{core::wall_now()},
      start_{now_},
      started_{wall_},
      sender_{options.format,         options.payload_type,  options.ptime,
              std::move(crypto.seal), random_start(options), now_},
      play_{options.format, options.buffer,
            [this](core::Time at, std::span<const std::int16_t> samples) { heard(at, samples); }},
      listener_{options.payload_type, options.format.clock, sender_.ssrc(), std::move(crypto.open), play_},
      schedule_{now_, random_word()},
      cutter_{sender_.frame_samples()},
      next_capture_{now_} {
    if (options.run_for) end_ = start_ + *options.run_for;
}

void Radio::open_handset() {
    const int fd = sockets_.floor  ? sockets_.floor.get()
                   : sockets_.rtcp ? sockets_.rtcp.get()
                                   : sockets_.media.get();
    handset_.emplace(*options_.floor, sender_.ssrc(), start_, [this, fd](const rtp::FloorMessage& message) {
        send(fd, floor_remote_, sender_.floor_message(message));
    });
    listener_.hear_apps([this](const rtp::App& app, std::optional<std::uint64_t> order, core::Time now) {
        handset_->on_app(app, order, now);
    });
}

void Radio::open_key() {
    const auto transmit = [this](std::span<const std::byte> packet) {
        send(sockets_.media.get(), options_.remote, packet);
    };
    if (options_.air_ground) {
        key_ = &air_ground_.emplace(*options_.air_ground, start_, sender_, transmit);
        listener_.expect_soundless(rtp::ed137::kKeepAlive);
        listener_.hear_headers([this](const rtp::Header& header) { air_ground_->on_packet(header, now_); });
    }
    if (options_.event) {
        key_ = &event_.emplace(*options_.event, options_.format.clock, sender_, transmit);
        listener_.expect_soundless(options_.event->payload_type);
    }
    if (!options_.vox) return;
    press_is_new_ = true;
    if (options_.ptt == Ptt::None) open_microphone_.emplace(sender_.frame_samples(), options_.ptime, start_);
}

core::Result<void> Radio::open_sound() {
    const auto rate = options_.format.rate;
    if (!options_.write.empty()) {
        auto wav = WavWriter::open(options_.write, rate);
        if (!wav) return core::Unexpected{wav.error()};
        wav_ = std::move(*wav);
    }
    if (!options_.talk.empty()) {
        auto samples = read_wav(options_.talk, rate);
        if (!samples) return core::Unexpected{samples.error()};
        file_.emplace(std::move(*samples), sender_.frame_samples(), options_.ptime, options_.repeat,
                      options_.gap, start_ + options_.talk_after);
    }
    if (options_.device.empty()) return {};
    auto sound = SoundSystem::open();
    if (!sound) return core::Unexpected{sound.error()};
    sound_ = std::move(*sound);
    auto card = SoundCard::open(*sound_, options_.device, rate, options_.ptt != Ptt::None, !options_.mute);
    if (!card) return core::Unexpected{card.error()};
    card_ = std::move(*card);
    if (options_.ptt == Ptt::Always) press(true);
    if (options_.ptt == Ptt::Space && !(terminal_ = Terminal::open()))
        return core::unexpected(
            core::Error::Code::Unavailable,
            "--ptt space needs a terminal as standard input; use --ptt always, or --talk FILE");
    return {};
}

core::Result<void> Radio::run() {
    look_at_clocks();
    report(
        false);  // at once, so that a gateway that learns addresses knows where a radio is that only listens
    if (terminal_) std::fputs("space: talk and stop talking; q: end\n", stderr);
    while (!stop_ && !finished()) {
        wait();
        look_at_clocks();
        talk();
        play_.play(now_);
        if (handset_) handset_->on_time(now_);
        if (key_) key_->on_time(now_);
        if (schedule_.is_due(now_)) report(false);
    }
    if (handset_) handset_->key(false, now_);
    if (key_) key_->end(now_);
    report(true);
    if (wav_) return wav_->close(position_of(std::min(now_, end_.value_or(now_))));
    return {};
}

void Radio::look_at_clocks() {
    now_ = core::monotonic_now();
    wall_ = core::wall_now();
}

void Radio::wait() {
    arm();
    std::array<pollfd, 6> waited{{{sockets_.media.get(), POLLIN, 0},
                                  {timer_.get(), POLLIN, 0},
                                  {signals_.get(), POLLIN, 0},
                                  {sockets_.rtcp ? sockets_.rtcp.get() : -1, POLLIN, 0},
                                  {terminal_ ? terminal_->fd() : -1, POLLIN, 0},
                                  {sockets_.floor ? sockets_.floor.get() : -1, POLLIN, 0}}};
    ::poll(waited.data(), waited.size(), -1);
    look_at_clocks();
    if (waited[0].revents) receive(sockets_.media.get(), options_.remote);
    if (waited[2].revents) read_signals();
    if (waited[3].revents) receive(sockets_.rtcp.get(), rtcp_remote_);
    if (waited[5].revents) receive(sockets_.floor.get(), floor_remote_);
    if (waited[4].revents & POLLIN) read_keyboard();
    if (waited[4].revents & (POLLHUP | POLLERR)) stop_ = true;
}

// Sets the timer to whatever comes first.
void Radio::arm() {
    auto first = schedule_.due();
    const auto sooner = [&](std::optional<core::Time> time) {
        if (time) first = std::min(first, *time);
    };
    sooner(end_);
    sooner(play_.next());
    if (handset_) sooner(handset_->next());
    if (key_) sooner(key_->next());
    sooner(next_words());
    if (file_ && !file_->next() && !end_) sooner(now_ + 100ms);
    if (card_ && options_.ptt != Ptt::None) sooner(next_capture_);
    const auto since_boot =
        std::max<std::int64_t>(std::chrono::nanoseconds{first.time_since_epoch()}.count(), 1);
    itimerspec spec{};
    spec.it_value.tv_sec = since_boot / 1'000'000'000;
    spec.it_value.tv_nsec = since_boot % 1'000'000'000;
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void Radio::read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) stop_ = true;
}

void Radio::read_keyboard() {
    while (const auto key = terminal_->read()) {
        if (*key == Terminal::Key::Quit) stop_ = true;
        if (*key == Terminal::Key::Space) press(!pressed_);
    }
}

void Radio::press(bool down) {
    pressed_ = down;
    if (!options_.vox) {  // whose sound goes on
        press_is_new_ = down;
        cutter_.clear();
    }
    if (handset_) handset_->key(down, now_);
    if (key_) down ? key_->press(now_) : key_->let_go(now_);
    if (terminal_) std::fputs(down ? "talking\n" : "listening\n", stderr);
}

void Radio::receive(int fd, const core::Address& from) {
    for (auto batch = batch_.receive(fd); !batch.empty(); batch = batch_.receive(fd)) {
        for (const media::Datagram& datagram : batch) {
            if (datagram.from != from)
                listener_.refuse("foreign_source");
            else if (datagram.truncated)
                listener_.refuse("too_long");
            else
                listen(datagram);
        }
        if (batch.size() < media::ReceiveBatch::kDatagrams) return;
    }
}

void Radio::listen(const media::Datagram& datagram) {
    // The kernel's stamp says when it came; this program may have been busy or asleep since. What had its
    // turn before is played before, so that what is heard does not depend on that.
    const core::WallTime came{datagram.received};
    const auto arrival = now_ - std::clamp<core::Duration>(wall_ - came, 0s, kLongestSleep);
    play_.play(arrival);
    const auto before = listener_.counters().packets;
    listener_.on_datagram(datagram.octets, arrival, came);
    if (handset_ && listener_.counters().packets > before) handset_->on_media(now_);
}

void Radio::talk() {
    if (options_.listen_only) return;
    while (const auto frame = next_frame()) send_frame(frame->samples, frame->first);
    talk_microphone();
}

void Radio::talk_microphone() {
    if (!card_ || options_.ptt == Ptt::None || now_ < next_capture_) return;
    next_capture_ = now_ + kCaptureStep;
    auto captured =
        card_->captured();  // also while nobody talks, so that old sound does not wait for the button
    if (!pressed_ && options_.vox) {
        silence_.assign(captured.size(), 0);
        captured = silence_;
    } else if (!pressed_ || (handset_ && !handset_->may_talk())) {
        return;
    }
    cutter_.add(captured);
    while (const auto frame = cutter_.take()) {
        send_frame(*frame, press_is_new_);
        press_is_new_ = false;
    }
}

std::optional<FileTalk::Frame> Radio::next_frame() {
    if (open_microphone_) return open_microphone_->take(file_ ? &*file_ : nullptr, now_);
    if (!file_) return std::nullopt;
    if (handset_) return handset_->take(*file_, now_);
    return key_ ? press_for_frame() : file_->take(now_);
}

// Each turn of the file is a press, which ends when its last word has been spoken.
std::optional<FileTalk::Frame> Radio::press_for_frame() {
    if (is_turn_over()) {
        if (now_ < *file_->said_until()) return std::nullopt;
        file_pressed_ = false;
        key_->let_go(now_);
    }
    if (!file_->next() || now_ < *file_->next()) return std::nullopt;
    if (!file_pressed_) key_->press(now_);
    file_pressed_ = true;
    return file_->take(now_);
}

// When next_frame() has something to do without a message coming first.
std::optional<core::Time> Radio::next_words() const {
    if (open_microphone_) return open_microphone_->next();
    if (!file_) return std::nullopt;
    if (handset_) return handset_->next(*file_);
    return is_turn_over() ? file_->said_until() : file_->next();
}

void Radio::send_frame(std::span<const std::int16_t> frame, bool first) {
    if (const auto loss = listener_.counters().reported_loss) sender_.set_loss(*loss);
    if (key_) key_->before_sound();
    const auto packet = sender_.packet(frame, first, now_, wall_);
    if (packet.empty()) return;
    send(sockets_.media.get(), options_.remote, packet);
    if (key_) key_->after_sound(now_);
}

void Radio::report(bool leaving) {
    schedule_.sent(now_, random_word());
    if (options_.rtcp == Rtcp::Off) return;
    const int fd = sockets_.rtcp ? sockets_.rtcp.get() : sockets_.media.get();
    send(fd, rtcp_remote_, sender_.report(listener_.report(now_), leaving, now_, wall_));
}

void Radio::send(int fd, const core::Address& to, std::span<const std::byte> packet) {
    if (packet.empty()) return;
    sockaddr_storage address{};
    const auto length = to.fill(address);
    if (::sendto(fd, packet.data(), packet.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                 length) < 0)
        ++unsent_;
}

void Radio::heard(core::Time at, std::span<const std::int16_t> samples) {
    if (wav_) wav_->write(position_of(at), samples);
    if (card_) card_->play(samples);
}

std::uint64_t Radio::position_of(core::Time at) const {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(at - start_).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0)) * options_.format.rate / 1'000'000;
}

bool Radio::finished() const {
    if (end_) return now_ >= *end_;
    if (!file_ || file_->next() || card_ || (handset_ && !handset_->is_at_rest())) return false;
    // Everything was talked: stay for an answer that is under way.
    const auto said = file_->said_until();
    const auto heard = listener_.counters().last;
    return (!said || now_ - *said > kHearOut) && (!heard || wall_ - *heard > kHearOut) && !play_.next();
}

Radio::Summary Radio::summary() const {
    return {started_,
            start_,
            now_ - start_,
            sender_,
            listener_,
            play_,
            unsent_,
            card_ ? std::optional{card_->overruns()} : std::nullopt,
            handset_ ? &*handset_ : nullptr,
            air_ground_ ? &*air_ground_ : nullptr,
            event_ ? &*event_ : nullptr};
}

}  // namespace crosspatch::radio
