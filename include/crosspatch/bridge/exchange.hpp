#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "crosspatch/bridge/admission.hpp"
#include "crosspatch/bridge/loop_guard.hpp"
#include "crosspatch/bridge/pseudonym.hpp"
#include "crosspatch/bridge/report.hpp"
#include "crosspatch/bridge/tone_player.hpp"
#include "crosspatch/bridge/topology.hpp"
#include "crosspatch/core/counter.hpp"
#include "crosspatch/core/deadlines.hpp"
#include "crosspatch/core/event_fd.hpp"
#include "crosspatch/core/mpsc_queue.hpp"
#include "crosspatch/core/spsc_queue.hpp"
#include "crosspatch/floor/arbiter.hpp"
#include "crosspatch/media/echo.hpp"
#include "crosspatch/media/gate.hpp"
#include "crosspatch/media/mark.hpp"
#include "crosspatch/media/mixer.hpp"
#include "crosspatch/media/talkspurt.hpp"

namespace crosspatch::bridge {

// Which of how many exchanges, counted from 0: its worker's number.
struct Seat {
    std::uint8_t number{0};
    std::uint8_t of{1};
};

// What a channel needs on which two may be heard at once.
struct DualMedia {
    std::unique_ptr<media::Talkspurt> talkspurt;  // the second
    std::unique_ptr<media::Mixer> mixer;
};

// Who hears whom on one worker: asks floor and policy at the press, and keeps every talkspurt's listeners right while
// bridges open and close, radios come and go, and rules change with the hour.
//
// Shape    all channels and endpoints of the gateway have a place in it, but it minds only the channels that live on its
//          worker; those that an open bridge joins live on one. One Talkspurt a channel, made ahead; a press costs one
//          look at each leg of each open bridge.
// Time     `now` comes in; the wall clock is read at the press only, for rules with hours.
// Errors   none; what is refused is counted, reported and, with a tone, told to the talker.
// Thread   the worker's; the commands run as posted tasks. What Switchboard calls allocates, nothing else does.
// Source   architecture.md, Floor and Policy.
class Exchange : public media::Gate {
public:
    struct Counters {
        using ByCause = std::array<core::Counter, floor::kCauses>;
        core::Counter granted, queued, talkspurts, concealed, policy_denied, reports_lost, shed,
            tones_left_out;
        core::Counter load;  // estimated, of what is carried now: microseconds of CPU a second
        ByCause denied, revoked;
    };
    // A listener or the talker of an endpoint that is switched off hears and says nothing.
    enum class Standing { Enabled, Disabled, Revoked };

    Exchange(const media::TalkPath& path, core::MpscQueue<Report>& reports, const core::EventFd& reported,
             Seat seat = {});
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    media::Talkspurt* pass(media::Endpoint& from, const media::Packet& packet, core::Time now) override;
    void beside(media::Endpoint& from, const media::Packet& packet, core::Time now) override;
    void signalled(media::Endpoint& from, const rtp::App& message, std::optional<std::uint32_t> order,
                   core::Time now) override;
    void left(media::Endpoint& from, core::Time now) override;
    void heard(media::Endpoint& from, core::Time now) override;
    void tend(media::Endpoint& endpoint, core::Time now) override;
    void advance(core::Time now) override;
    std::optional<core::Time> next_deadline() override;

    // A talkspurt is a copy of another one, for heed_echoes() on the worker; from the thread that reads the taps. False: too
    // many wait.
    bool tell_echo(const media::FoundEcho& found) { return echoes_.push(found); }

    // --- Posted tasks. Those about channels and endpoints of other workers do nothing. ---
    // Posted behind a task: whoever reads its report may free what tasks up to this one used on this worker.
    void tell_done(std::uint64_t token, core::Time now);
    // Whoever closes it disarms it, too.
    void set_open(std::uint32_t bridge, bool open, core::Time now);
    // The next emergency on it opens it, or one that there is. What it was opened with stands: pseudonyms come first.
    void arm(std::uint32_t bridge, core::Time now);
    // What is said on the channel is as confidential as that until further notice: a label more restricted than the
    // configured one counts; nothing: the configured one. Crossings that may not be any more end here.
    void set_label(std::uint32_t channel, std::optional<policy::Sensitivity> label, core::Time now);
    // Under which pseudonyms talkers are known over that bridge from now on: before it is opened.
    void set_pseudonyms(std::uint32_t bridge, std::shared_ptr<const PseudonymKeys> keys);
    void set_standing(std::uint32_t endpoint, Standing standing, core::Time now);
    // The endpoint's sending stream has changed (new key, new SSRC): what it hears goes on from where that stands.
    void rejoin(std::uint32_t endpoint, core::Time now);
    // Asks every endpoint's SRTP streams what ought to be kept on disk, without waiting for their next report.
    void tend_all(core::Time now);
    // Every new floor except emergency is refused: the log cannot be written (`record.on_failure: refuse`).
    void refuse_floors(bool refuse, core::Time now);
    // How much of the last half second the worker was busy, and how much it may be: new floors are refused above that, and
    // when even those that are there are too much, some are cut off, lowest priority first, emergencies last.
    void measured(double busy, double most, core::Time now);
    // Ends what is a copy of what was carried before, and shuts off from where it comes again and again.
    void heed_echoes(core::Time now);
    // Ends every talkspurt and refuses every further press: the daemon stops.
    void shut_down(core::Time now);

    const Counters& counters() const { return counters_; }
    // How long the answer to a press took, and from the press to its first packet out.
    const media::DelayHistogram& decisions_took() const { return decision_times_; }
    const media::DelayHistogram& access_times() const { return access_times_; }

private:
    friend class Switchboard;
    struct Far {  // a channel that a talkspurt is to be heard on
        std::uint32_t channel{kNowhere};
        std::uint32_t bridge{kNowhere};
        std::array<double, policy::kSuites> gain_db{};  // the leg's and both rules', by the listener's suite
        policy::SuiteSet suites;                        // of the listeners that may hear it
        policy::SuiteSet stripped;   // of these, those that hear it without signalling tones
        policy::SuiteSet announced;  // and those that hear the mark
        const media::Mark* mark{};
        policy::SuiteSet hidden;       // and those that may not know who talks
        std::array<char, 80> alias{};  // as floor messages name the talker to these
        std::uint8_t alias_size{};

        media::Treatment treatment(policy::Suite suite) const {
            media::Treatment made{gain_db[static_cast<std::size_t>(suite)], stripped.contains(suite)};
            if (mark && announced.contains(suite)) {
                made.mark = mark;
                made.mark_for = channel;
            }
            return made;
        }
    };
    static constexpr std::size_t kMostUnsaid = 16;
    static constexpr std::uint32_t kSecond = 0x80000000;
    // 10 ms packets use up the 256 numbers that a silent stream has reserved in 2.5 s.
    static constexpr std::chrono::milliseconds kWishes{250};
    struct ChannelState {
        std::unique_ptr<media::Talkspurt> talkspurt;
        std::vector<Far> far;  // of the talkspurt that this channel's talker has
        std::uint32_t talker{kNowhere};
        std::uint64_t number{};
        std::uint64_t load{};  // as admitted
        core::Time pressed{};
        core::Time decide_again{core::Time::max()};  // a rule with hours may answer differently then
        bool came_up{};  // the talkspurt came out of the queue, and has not reached for its far channels yet
        bool follows{};  // is in follow_
        core::Time wishes_at{};  // the listeners' reservations are looked at then
    };
    // What a channel has that lets two be heard (`override: both_heard`): the second talkspurt of who is at home on it, and
    // the sum of the two that are heard on it.
    struct Dual {
        ChannelState second;
        std::unique_ptr<media::Mixer> mixer;
        core::Time wishes_at{};
    };
    struct EndpointState {
        Standing standing{Standing::Enabled};
        bool up{};
        std::uint64_t loops_seen{};
        LoopGuard loops;
        bool many_sources{};     // as reported
        bool overruns{};         // the same: sends without a floor that it had
        floor::Cause revoked{};  // why its last talkspurt was ended for it
        core::Time revoked_at{};
        core::Time asked_at{};      // its last floor message
        core::Time asking_since{};  // the second that `asked` counts in
        std::uint8_t asked{};
        floor::Class asked_level{};  // the highest in that second
        floor::Class claimed{};      // the highest that its press has claimed, with a right to it or without
        bool session_lost{};         // ED-137: reports may have come since then, but no packet
        floor::Class over_at{};      // the class that its key stood for when that was over
        bool key_is_over{};  // what its key is down for has been refused or ended: it has to go up first
        bool broadcasts{};   // its press is a broadcast call
        std::uint64_t sent_on_air{};  // ED-137: packets sent to it when that was last looked at
    };

    const Topology::Endpoint& plan(std::uint32_t endpoint) const { return topology_->endpoints[endpoint]; }
    ChannelState& home(std::uint32_t endpoint) {
        return const_cast<ChannelState&>(std::as_const(*this).home(endpoint));
    }
    const ChannelState& home(std::uint32_t endpoint) const;
    bool minds(std::uint32_t channel) const { return channel < mine_.size() && mine_[channel]; }
    bool minds_endpoint(std::uint32_t endpoint) const {
        return endpoint < topology_->endpoints.size() && minds(plan(endpoint).channel);
    }
    ChannelState& talk_at(std::uint32_t place);
    static std::uint32_t channel_at(std::uint32_t place) { return place & ~kSecond; }
    std::uint32_t place_of(const ChannelState& state, std::uint32_t channel) const;
    void set_talking(std::uint32_t place, bool talking);
    std::uint64_t load_of(std::uint32_t endpoint) const;  // with far_ as collected for it
    void set_load(ChannelState& state, std::uint64_t load);
    void shed(std::uint64_t load, core::Time now);
    void tend_silent(core::Time now);

    // The Switchboard's, while all workers rest.
    void let_go(std::span<const std::uint32_t> endpoints, std::span<const std::uint32_t> channels,
                std::span<const std::uint32_t> bridges, core::Time now);
    void use(const Topology& topology);
    void close_foreign_bridges();
    void make_room();
    void cut_loose(std::span<const std::uint32_t> channels, std::span<const std::uint32_t> people,
                   core::Time now);
    void mind(std::uint32_t channel, std::unique_ptr<media::Talkspurt> talkspurt);
    void let_two_be_heard(std::uint32_t channel, DualMedia& dual);
    void restore(std::uint32_t endpoint, Standing standing, core::Time now);
    void decide_all_again(core::Time now);
    void adopt(Exchange& from, std::span<const std::uint32_t> channels, core::Time now);

    media::Talkspurt* carried_by(media::Endpoint& from, const media::Packet& packet, core::Time now);
    media::Talkspurt* pass_vox(media::Endpoint& from, const media::Packet& packet, core::Time now);
    floor::Verdict first_of_press(std::uint32_t endpoint, const media::Packet& packet, core::Time now);
    void press_in_band(std::uint32_t endpoint, const floor::Claim& claim, core::Time now);
    bool may_claim(std::uint32_t endpoint, floor::Class level) const;
    void press(std::uint32_t endpoint, const floor::Claim& claim, bool tell, core::Time now);
    void decide_press(std::uint32_t endpoint, const floor::Claim& claim, bool tell, bool opened,
                      core::Time now);
    floor::WhenBusy when_busy(std::uint32_t endpoint) const;

    // Bridges of `opens: on_emergency`: exchange_emergency.cpp.
    bool opens_for(std::uint32_t endpoint, std::uint32_t bridge, const floor::Claim& claim) const;
    bool open_for_emergency(std::uint32_t endpoint, const floor::Claim& claim, core::Time now);
    void bring_together(std::uint32_t endpoint, core::Time now);
    void say_unsaid();

    // Keys beside the sound, ED-137 and telephone events: exchange_keys.cpp.
    media::Talkspurt* pass_keyed(media::Endpoint& from, const media::Packet& packet, core::Time now);
    void keep_for_key(media::Endpoint& from, const media::Packet& packet, core::Time now);
    void play_kept(media::Endpoint& from, std::uint32_t since, core::Time now);
    bool key_is_down(std::uint32_t endpoint) const;
    floor::Verdict talk_by_key(std::uint32_t endpoint, bool dtx, core::Time now);
    void press_key(std::uint32_t endpoint, floor::Class level, core::Time now);
    void report_key(std::uint32_t endpoint, floor::Class level, core::Time now);
    void release_key(std::uint32_t endpoint, core::Time now);
    void end_key(std::uint32_t endpoint);
    floor::Class counted(std::uint32_t endpoint, floor::Class level) const;
    void begin_anew(std::uint32_t endpoint, core::Time now);
    void note_lost(std::uint32_t endpoint, core::Time now);
    void heed_event(media::Endpoint& from, const media::Packet& packet, core::Time now);
    void heed_extension(media::Endpoint& from, const media::Packet& packet, core::Time now);
    void heed(std::uint32_t endpoint, const ptt::Ed137::Changes& changes, core::Time now);
    void answer_key(const floor::Decision& decision, core::Time now);
    void follow_channel(std::uint32_t endpoint, core::Time now);
    void show_on_air(std::uint32_t endpoint, core::Time now);
    void tend_key(std::uint32_t endpoint, core::Time now);

    // Floor messages of TS 24.380: exchange_messages.cpp.
    void ask(std::uint32_t endpoint, const ptt::McptServer::Heard& heard, core::Time now);
    void tell(const floor::Decision& decision);
    void tell_one(std::uint32_t endpoint, const floor::Decision& decision);
    void tell_state(std::uint32_t endpoint);
    void say(std::uint32_t endpoint, const std::optional<rtp::FloorMessage>& message);
    ptt::McptServer::Scene scene(std::uint32_t endpoint, std::optional<std::uint32_t> talker) const;
    ptt::McptServer::Scene scene(std::uint32_t endpoint) const;
    void show_queue(std::uint32_t channel, core::Time now);
    // Whoever waits on `channel` with less than `spared` need not wait any more.
    void empty_queue(std::uint32_t channel, floor::Class spared, floor::Cause cause, core::Time now);
    bool may_know(std::uint32_t endpoint, std::uint32_t talker) const;
    std::string_view name_for(std::uint32_t endpoint, std::uint32_t talker) const;
    policy::Sensitivity label(std::uint32_t channel) const;
    const Far* far_of(std::uint32_t talker, std::uint32_t channel) const;
    void hide(Far& far, std::uint32_t talker) const;
    bool claims_more(std::uint32_t endpoint, floor::Class level, bool presses);
    bool is_news(std::uint32_t endpoint, const floor::Claim& claim, core::Time now);

    void collect(std::uint32_t endpoint, const floor::Claim& claim, bool tell, core::Time now);
    void collect_leg(std::uint32_t endpoint, std::uint32_t bridge, const Topology::Leg& leg,
                     const floor::Claim& claim, bool tell, core::WallTime wall);
    bool may_preempt(const Topology::Bridge& bridge, std::uint32_t by, std::uint32_t holder,
                     const floor::Claim& claim) const;
    // Whether who presses has a right over everybody whom he would take `channel` from, or be heard beside.
    template <typename HasRightOver>
    bool may_take(std::uint32_t channel, HasRightOver&& has_right_over) const {
        const auto holder = arbiter_.holder(channel), beside = arbiter_.beside(channel);
        return holder && has_right_over(*holder) && (!beside || has_right_over(*beside));
    }
    floor::Target own_target(std::uint32_t endpoint, const floor::Claim& claim) const;
    void act(core::Time now);
    void carry_out(core::Time now);
    void follow_queue(core::Time now);
    void follow_later(std::uint32_t channel);
    void reach_far(ChannelState& state, core::Time now);
    bool some_wait_for_far(std::uint32_t channel) const;
    void act_on(const floor::Decision& decision, core::Time now);
    void take_up(const floor::Decision& granted, core::Time now);
    void carry_to_collected(ChannelState& state, core::Time now);
    void raised(std::uint32_t talker, core::Time now);
    void decide_waiting_again(std::uint32_t channel, core::Time now);
    void name_far(std::uint32_t waiting, bool may_preempt, core::Time now);
    void begin(ChannelState& state, media::Endpoint& from, const media::Packet& first, core::Time now);
    void end(ChannelState& state, const floor::Decision& decision, core::Time now);
    void decide_again(std::uint32_t channel, core::Time now);
    void note_end(const floor::Decision& released, core::Time now);
    void note_refused(std::uint32_t endpoint, core::Time now);
    void end_overrun(std::uint32_t endpoint, core::Time now);

    void let_hear(ChannelState& state, std::uint32_t channel, core::Time now);
    bool may_listen(std::uint32_t endpoint, std::uint32_t talker, policy::SuiteSet suites) const;
    void refresh_listeners(ChannelState& state, core::Time now);

    // Two on one channel: exchange_dual.cpp.
    ChannelState* talk_of(std::optional<std::uint32_t> talker);
    std::optional<media::Treatment> treatment_for(std::uint32_t endpoint, const ChannelState& state,
                                                  std::uint32_t channel) const;
    bool may_be_mixed(const ChannelState& state, std::uint32_t channel) const;
    bool hears_sum(std::uint32_t endpoint, std::uint32_t channel);
    bool hears_alone(std::uint32_t endpoint, const ChannelState& state, std::uint32_t channel);
    void mix(std::uint32_t channel, core::Time now);
    void mix_all(core::Time now);
    void seat(std::uint32_t channel, std::span<ChannelState* const> talks);
    void refresh_sum(std::uint32_t channel, core::Time now);
    void unseat(const ChannelState& state);
    void tend_sum(Dual& dual, core::Time now);
    void make_way(std::uint32_t endpoint);
    std::optional<std::uint32_t> heard_talker(std::uint32_t endpoint) const;
    void set_listening(std::uint32_t endpoint, bool listening, core::Time now);
    // Names those who heard the talkspurt and are `chosen`, in pieces: at its end, or before they are taken out of it.
    template <typename Chosen>
    void tell_listeners(const ChannelState& state, Chosen&& chosen, core::Time now) {
        Report piece = report(Report::Kind::Listeners, now);
        piece.talkspurt = state.number;
        piece.endpoint = state.talker;
        const auto tell = [&](const media::Talkspurt& heard) {
            for (const media::Listener& listener : heard.listeners()) {
                if (!listener.heard || !chosen(listener)) continue;
                piece.listed[piece.listed_count++] = listener.endpoint->index();
                if (piece.listed_count < Report::kListed) continue;
                send(piece);
                piece.listed_count = 0;
            }
        };
        tell(*state.talkspurt);
        for (const std::uint32_t channel : mixing_)
            if (duals_[channel]->mixer->has_said(*state.talkspurt)) tell(duals_[channel]->mixer->mixed());
        if (piece.listed_count > 0) send(piece);
    }
    void cue(const floor::Decision& decision, core::Time now);
    void play(TalkerTone tone, std::uint32_t endpoint, core::Time now);

    void heed_echo(const media::FoundEcho& echo, core::Time now);
    bool is_shut_off(std::uint32_t endpoint, const floor::Claim& claim, core::Time now) const;

    void wish_to_send(media::Endpoint& endpoint, core::Time now);
    void wish_to_receive(media::Endpoint& endpoint, core::Time now);
    void watch_sources(media::Endpoint& endpoint, core::Time now);

    Report report(Report::Kind kind, core::Time now) const;
    bool send(const Report& report);
    void list_open(Report& made) const;
    void send(Report::Kind kind, const floor::Decision& decision, core::Time now);

    const media::TalkPath& path_;
    core::MpscQueue<Report>& reports_;
    const core::EventFd& reported_;
    const Seat seat_;
    const Topology nothing_;
    const Topology* topology_{&nothing_};
    std::vector<bool> mine_;              // by channel
    std::vector<std::uint32_t> talking_;  // channels whose talker has the floor; with kSecond: in `duals_`
    std::vector<std::uint32_t> mixing_;   // channels on which a sum is heard
    floor::Arbiter arbiter_;
    Admission admission_;
    floor::Decisions decisions_;
    std::vector<ChannelState> channels_;
    std::vector<std::unique_ptr<Dual>> duals_;  // by channel; nothing where one is heard at a time
    std::vector<EndpointState> endpoints_;
    std::vector<bool> open_;      // by bridge
    std::vector<bool> armed_;     // by bridge: the next emergency opens it
    std::vector<Report> unsaid_;  // openings that the queue of reports had no room for
    std::vector<std::shared_ptr<const PseudonymKeys>> pseudonyms_;  // by bridge
    std::vector<std::optional<policy::Sensitivity>> labels_;        // raised ones, by channel
    std::vector<Far> far_;                                          // scratch of collect()
    std::vector<floor::Target> targets_;                            // the same for the arbiter
    core::WallTime decided_until_{};                                // the same: when the answer may change
    std::chrono::milliseconds max_talk_{};   // the same: the shortest talk limit of a rule; 0: none
    std::uint32_t collected_for_{kNowhere};  // the talker whose press is being decided
    floor::Claim claimed_before_{};          // the same: what he claimed until then
    std::vector<std::uint32_t> follow_;      // channels that follow_queue() has something to do for
    std::vector<bool> marked_;               // scratch of refresh_listeners()
    core::SpscQueue<media::FoundEcho> echoes_{64};
    TonePlayer tones_;
    core::Deadlines keys_;  // by endpoint: when its key, or what it is told beside the sound, is due
    bool refuse_floors_{};
    bool stopping_{};
    std::uint32_t measurements_{};
    std::uint64_t done_{};  // the newest token
    std::uint64_t told_{};  // less than that: the queue of reports was full
    Counters counters_;
    media::DelayHistogram decision_times_;
    media::DelayHistogram access_times_;
};

}  // namespace crosspatch::bridge
