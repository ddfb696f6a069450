#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crosspatch/api/gateway.hpp"
#include "crosspatch/app/chronicle.hpp"
#include "crosspatch/app/held_clock.hpp"
#include "crosspatch/app/keeper.hpp"
#include "crosspatch/app/kept_keys.hpp"
#include "crosspatch/app/orders.hpp"
#include "crosspatch/app/pending_cuts.hpp"
#include "crosspatch/app/plan.hpp"
#include "crosspatch/bridge/consents.hpp"
#include "crosspatch/core/event_fd.hpp"
#include "crosspatch/core/log.hpp"
#include "crosspatch/core/snapshot.hpp"
#include "crosspatch/media/crew.hpp"
#include "crosspatch/record/log.hpp"

namespace crosspatch::app {

// What control shares with every other thread: who may do what, and which name is which index. Replaced whole.
struct Directory {
    std::shared_ptr<const Config> config;
    std::map<std::string, std::uint32_t> endpoints;
    std::map<std::string, std::uint32_t> bridges;
    std::map<std::string, std::uint32_t> channels;
};

// An alarm a radio: its id follows.
inline constexpr std::string_view kSourcesAlarm = "srtp.sources.";
inline constexpr std::string_view kOverrunAlarm = "floor.overrun.";
inline constexpr std::string_view kLoopAlarm = "loop.";
// A bridge's and an agency's ids follow, with a dot between them.
inline constexpr std::string_view kConsentAlarm = "consent.expiring.";
// A bridge's id follows: somebody asks for it; no emergency opens it.
inline constexpr std::string_view kRequestAlarm = "consent.requested.";
inline constexpr std::string_view kUnarmedAlarm = "bridge.unarmed.";
// An agency's id follows.
inline constexpr std::string_view kLostKeyAlarm = "agency.key.lost.";

// The control thread: configuration and reload, bridges and consent, and what the API shows.
//
// Shape    one Asio loop. It hands the workers whole changes and posted tasks, and hears back by reports.
// Errors   start() says why nothing can run; afterwards a refused reload or command is an Error to whoever asked.
// Thread   control, but for what Gateway declares for any thread.
class Control : public api::Gateway {
public:
    struct Parts {
        core::Log& log;
        record::Log& record;
        media::Crew& crew;
        bridge::Switchboard& switchboard;
        core::MpscQueue<bridge::Report>& reports;
        const core::EventFd& reported;
        rtp::IndexJournal journal;
        Keeper::Files files;
        bool first_start{};  // nothing was in data_dir
    };

    Control(boost::asio::io_context& loop, Parts parts);
    ~Control() override;

    // Opens ports and installs the first configuration; the workers must run already.
    core::Result<void> start(std::shared_ptr<const Config> config);
    // Ends all talkspurts and waits (bounded) until that is on record.
    void stop();
    // Waits for a file that is being read; what becomes of it goes to the loop.
    void finish_reading() { loader_.join(); }
    // Event streams end with the API's loop; called when that has stopped.
    void drop_listeners() { listeners_.clear(); }
    // SIGHUP: the file is read again; what is wrong with it goes to the log. Then calls `done`.
    void reload_by_signal(std::function<void()> done);
    // How the media worker was scheduled: `fifo` or `degraded`, as /status shows it.
    void set_rt(std::string rt) { rt_ = std::move(rt); }
    // Called when the first configuration works (READY=1) and whenever the worker has shown that it runs.
    void on_tick(std::function<void(bool worker_alive)> tick) { tick_ = std::move(tick); }

    std::optional<api::Actor> actor_of(std::uint32_t uid) const override;
    bool ready() const override { return ready_.load(); }
    std::string metrics() override;
    core::Result<void> cut(api::Cut what, std::string_view id, const api::Actor& actor,
                           const std::string& reason) override;
    core::Result<void> set_label(std::string_view channel, const Label& label, const api::Actor& actor,
                                 const std::string& reason) override;
    bool kept() const override;
    boost::asio::any_io_executor control() override { return loop_.get_executor(); }

    boost::json::object status(const api::Actor& actor) override;
    boost::json::array channels(const api::Actor& actor) override;
    boost::json::array endpoints(const api::Actor& actor) override;
    boost::json::array bridges(const api::Actor& actor) override;
    boost::json::array floor(const api::Actor& actor) override;
    std::optional<Own> own(const api::Actor& actor) override;
    core::Result<boost::json::object> open_bridge(std::string_view id, const Opening& opening,
                                                  const api::Actor& actor) override;
    boost::json::array templates(const api::Actor& actor) override;
    core::Result<boost::json::object> create_bridge(const Making& making, const api::Actor& actor) override;
    core::Result<boost::json::object> remove_bridge(std::string_view id, const api::Actor& actor,
                                                    const std::string& reason) override;
    core::Result<boost::json::object> terms(std::string_view id, const api::Actor& actor) override;
    core::Result<boost::json::object> jurisdiction(std::string_view id, const Whom& whom,
                                                   const api::Actor& actor) override;
    core::Result<boost::json::object> consent(std::string_view id, const boost::json::object& body,
                                              const api::Actor& actor) override;
    boost::json::array keys(const api::Actor& actor) override;
    Done rotate_key(std::string agency, api::Actor actor, std::string reason) override;
    core::Result<boost::json::object> enable_endpoint(std::string_view id, const api::Actor& actor) override;
    Done reload(api::Actor actor) override;
    core::Result<boost::json::object> explain(const Question& question, const api::Actor& actor) override;
    void note(record::Entry entry) override;
    std::uint64_t subscribe(Listener listener) override;
    void unsubscribe(std::uint64_t handle) override;

private:
    struct BridgeState {
        bool open{};
        bool armed{};                             // the next emergency opens it
        std::uint64_t closing{};                  // shut when all workers have come past this token
        core::Time emergency{core::Time::min()};  // when somebody in one was last heard over it
        core::WallTime since{};
        std::string by;
        std::vector<std::string> missing;                 // agencies that have not consented
        std::map<std::string, bridge::ConsentEnd> ended;  // why the consent that an agency had is over
        std::shared_ptr<const bridge::PseudonymKeys> pseudonyms;  // of its last opening
    };
    // What workers use, and the tasks that all of them rest for, until each has passed them.
    struct Lent {
        std::shared_ptr<const void> what;
        std::unique_ptr<media::Crew::Rest> rest;
    };
    // By what right somebody switches another agency's radio; all empty: it is his own agency's.
    struct Command {
        std::string bridge;
        std::string rule;
        std::string channel;  // the radio's
    };
    struct WaitingSender {  // its key comes into use when its reservation is on disk
        std::uint32_t index{};
        std::shared_ptr<rtp::SrtpSender> sender;
    };

    core::Result<void> install(std::shared_ptr<const Config> config, LoadedKeys keys);
    void read_orders(const std::filesystem::path& file);
    void read_consents(const std::filesystem::path& file);
    void recover_consents(const std::string& why);
    std::optional<std::string> put_aside(const std::filesystem::path& file);
    void close_removed_bridges(const Plan& plan);
    void settle_streams(const Plan& plan);
    void settle_orders();
    std::vector<std::uint32_t> to_close(const Config& config, const bridge::AgencyKeys& keys) const;
    void settle_bridges();
    void settle_consents(core::Time now);
    void remind(core::Time now);
    // The keys of agencies: control_keys.cpp.
    std::set<std::string> ever_kept(const Config& config) const;
    void record_keys(const api::Actor* by = nullptr, const std::string& reason = "");
    void tell_lost_keys();
    core::Result<void> may_rotate(const std::string& agency, const api::Actor& actor) const;
    void use_key(const std::string& agency, record::SigningKey key, const api::Actor& actor,
                 const std::string& reason);
    void finish_loading();
    boost::json::object agency_key_json(const std::string& agency) const;
    void keep_consents() { keeper_->keep(Keeper::Document::Consents, consents_.text()); }
    void keep_orders() { keeper_->keep(Keeper::Document::Orders, orders_.text()); }
    core::Result<record::SignedConsent> read_yes(const bridge::Bridge& bridge,
                                                 const boost::json::object& body, const api::Actor& actor,
                                                 record::Entry& entry) const;
    void note_revocation(const std::string& id, const api::Actor& actor, const std::string& reason,
                         const Config& seen);
    boost::json::object consent_json(const bridge::Bridge& bridge, const std::string& agency) const;
    core::WallTime wall() const { return clock_.time(core::wall_now(), core::monotonic_now()); }
    std::string today() const { return clock_.day(core::wall_now(), core::monotonic_now()); }
    void lend(std::shared_ptr<const void> what, std::uint8_t worker, media::Worker::Task task);
    bool lend_at_rest(std::shared_ptr<const void> what, std::function<void(core::Time now)> task);
    void ask_when_done(std::uint64_t token);
    void take_back(const bridge::Report& done);
    void release_unused();
    std::vector<bool> open_bridges() const;
    std::vector<bool> joined_bridges() const;  // these, and those that an emergency opens
    void lost_lock();
    bool place_channels(const std::vector<bool>& open);
    void use_new_senders(const std::vector<Keeper::Answer>& kept);
    void rekey_sender(const endpoint::Config& config, const Radio& radio);
    void publish_directory();
    Done apply_file(std::string by, boost::json::object actor);
    core::Result<boost::json::object> apply(std::shared_ptr<const Config> config, LoadedKeys keys,
                                            record::Entry& entry);
    const bridge::Bridge* bridge_config(std::string_view id) const;
    // Bridges: control_bridges.cpp.
    bridge::LifecycleFacts lifecycle_facts(const bridge::Bridge& bridge, const std::string& day,
                                           core::Time now) const;
    void set_open(const bridge::Bridge& bridge, bool open, const std::string& by);
    void note_open(const bridge::Bridge& bridge, bool open, const std::string& by,
                   boost::json::object detail);
    void begin_closing(BridgeState& state);
    bool is_closing(const BridgeState& state) const;
    void open_by_order(const bridge::Bridge& bridge, core::Time now);
    void end_command(const bridge::Bridge& bridge, bridge::Lifecycle answer, core::Time now);
    void keep_emergency(const bridge::Bridge& bridge, core::Time now);
    bool in_emergency(const bridge::Bridge& bridge) const;
    void set_armed(const bridge::Bridge& bridge, bool armed);
    void note_emergency(const bridge::Report& report);
    void note_undone(const bridge::Bridge& bridge, const bridge::Report& opened);
    boost::json::array also_joined_by(const std::string& id, const api::Actor* actor) const;
    std::string why_unarmed(const bridge::Bridge& bridge) const;
    void tell_requests();
    // Those made of templates: control_made.cpp.
    core::Result<void> install_file(std::shared_ptr<const Config> file, LoadedKeys keys);
    core::Result<void> install_made();
    core::Result<bridge::Bridge> may_make(const Making& making, const std::string& id, const MadeBridge& made,
                                          const api::Actor& actor) const;
    core::Result<boost::json::object> take_away(const bridge::Bridge& bridge, boost::json::object actor,
                                                const std::string& by, const std::string& reason);
    void drop_unused_bridge();
    media::Worker::Task cut_task(bridge::Exchange& exchange, api::Cut what, std::uint32_t index);
    void note_cut(api::Cut what, const std::string& id, const api::Actor& actor, const std::string& reason,
                  const Config& seen, const Command& command);
    // Who may: control_rights.cpp.
    core::Result<void> may_open(const bridge::Bridge& bridge, const api::Actor& actor) const;
    core::Result<void> may_hand_in(const bridge::Bridge& bridge, const api::Actor& actor) const;
    core::Result<Command> may_cut(api::Cut what, std::string_view id, const api::Actor& actor,
                                  const Config& config) const;
    core::Result<Command> may_switch(std::string_view endpoint, bool by_command, const api::Actor& actor,
                                     const Config& config) const;
    static void note_command(const Command& command, record::Entry& entry);
    static bool has_rights(const api::Actor& actor, const bridge::Bridge& bridge);
    static boost::json::array rights_json(const api::Actor& actor, const bridge::Bridge& bridge);
    bool is_open_now(const std::string& bridge) const;
    void publish_open();
    // Raised labels: control_labels.cpp.
    void note_label(const std::string& channel, std::optional<RaisedLabel> raised, const api::Actor& actor,
                    const std::string& reason);
    void apply_labels();
    void end_labels(core::Time now);
    policy::Sensitivity label_of(const bridge::Channel& channel) const;
    void note_closed(const std::string& id, const api::Actor& actor, const std::string& reason, bool waited);
    bool log_failing_too_long() const;
    void measure_load(core::Time now);
    void drop_old_keys(core::Time now);

    void wait_for_reports();
    void drain_reports();
    void on_report(const bridge::Report& report);
    void ask_to_keep(const bridge::Report& report, rtp::IndexRecord::Kind kind);
    void on_kept(const std::vector<Keeper::Answer>& answers);
    const KeyUsers& key_users();
    void start_unrecorded(std::uint32_t endpoint);
    void wait_for_tick();
    void on_second();
    bool post(std::uint8_t worker, media::Worker::Task task);
    // To each worker, for its exchange; whom it does not concern does nothing.
    template <typename Do>
    void post_all(Do what) {
        for (std::uint8_t worker = 0; worker < crew_.size(); ++worker)
            post(worker, [exchange = switchboard_.exchanges()[worker], what](core::Time now) {
                what(*exchange, now);
            });
    }
    std::uint8_t worker_of(std::uint32_t endpoint) const;

    std::string explain_way(const bridge::Channel& from, const bridge::Channel& to,
                            boost::json::object& answer) const;
    record::Talkspurt::Refusal explain_refusal(std::uint32_t endpoint, std::uint32_t channel) const;
    boost::json::object endpoint_json(const Radio& radio) const;
    boost::json::value endpoint_json(const Radio& radio, const api::Actor& actor) const;
    boost::json::value label_json(const bridge::Channel& channel) const;
    boost::json::object bridge_json(const bridge::Bridge& bridge, const api::Actor& actor) const;
    boost::json::array queue_json(const bridge::Channel& channel) const;
    bool is_own(const api::Actor& actor, std::string_view channel) const;
    bool may_see(const api::Actor& actor, std::string_view channel) const;
    bool may_see(const api::Actor& actor, const bridge::Bridge& bridge) const;
    void tell(const boost::json::object& event);
    // Pseudonyms: control_pseudonyms.cpp.
    void begin_pseudonyms(const bridge::Bridge& bridge);
    const boost::json::object& hidden() const;
    const boost::json::object& hidden_from(const api::Actor& actor) const;
    void hide_from(boost::json::object& names, const bridge::Bridge& bridge, const std::string& agency) const;
    void dismiss_listeners();
    void record_alarm(const std::string& name, bool on, const std::string& detail);
    void note_loop(const bridge::Report& report);
    void end_loop_alarms(core::Time now);

    boost::asio::io_context& loop_;
    core::Log& log_;
    record::Log& record_;
    media::Crew& crew_;
    bridge::Switchboard& switchboard_;
    core::MpscQueue<bridge::Report>& reports_;
    boost::asio::posix::stream_descriptor reported_;
    const core::EventFd& report_event_;
    boost::asio::steady_timer second_;
    StreamBook book_;
    bool names_changed_{};  // a plan was made since release_unused() last looked
    std::optional<KeyUsers>
        key_users_;  // made when it is asked for; nothing after radios or keys have changed
    Estate estate_;
    std::shared_ptr<const Config> file_config_;  // estate_.config without what people made
    core::Time made_at_{};                       // a bridge, last
    Chronicle chronicle_;
    Orders orders_;
    std::set<std::string> labelled_;  // channels whose labels the workers were ever told
    bridge::Consents consents_;
    bool first_start_{};
    bridge::AgencyKeys agency_keys_;  // of the configuration in force
    LoadedKeys keys_;                 // that the gateway keeps, and what is missing of them
    PendingCuts cuts_;
    std::atomic<std::uint64_t> cuts_made_{0};   // by the API's thread
    std::atomic<std::uint64_t> cuts_noted_{0};  // by control
    std::map<std::string, BridgeState> bridge_states_;
    // By agency: {NAME: PSEUDONYM} of whom it may not know; nothing after rules, radios or openings have changed.
    mutable std::optional<boost::json::object> hidden_;
    std::map<std::uint64_t, Lent> lent_;  // by token
    std::vector<std::uint64_t> done_;     // the newest token that each worker has passed
    std::uint64_t next_token_{1};
    std::map<rtp::KeyFingerprint, WaitingSender> waiting_senders_;  // by new send key
    std::vector<rtp::IndexRecord> unkept_;                          // refused by the disk; asked again
    std::map<std::uint64_t, Listener> listeners_;
    std::uint64_t next_listener_{1};
    std::map<std::string, std::pair<core::WallTime, std::string>> alarms_;
    std::map<std::uint32_t, core::Time>
        loops_;  // by endpoint: when its alarm ends if nothing comes back meanwhile
    std::function<void(bool)> tick_;
    core::WallTime started_{};
    HeldClock clock_;
    std::string rt_{"unknown"};
    // How a worker spent the last half second, in shares of it.
    struct Busy {
        double all{};
        double junk{};                  // of it, with datagrams that were refused
        std::atomic<double> load{0.0};  // without those: what talkspurts and their radios ask of it
        std::uint64_t busy_us{};        // its counters at the end
        std::uint64_t junk_ns{};
    };
    core::Snapshot<Directory> directory_;
    core::Snapshot<std::set<std::string>> open_now_;  // bridges, for who asks on another thread
    std::atomic<bool> ready_{false};
    std::atomic<std::size_t> answered_{0};  // workers, since they were asked last
    std::uint64_t moves_{};                 // of channels to other workers
    std::vector<Busy> busy_;                // of each worker
    std::atomic<double> max_load_{0.8};
    core::Time busy_since_{};
    bool refusing_{};
    bool stopping_{};
    bool loading_{};
    bool reloaded_{};                     // what the one before left free goes back to the system
    bool reload_again_{};                 // SIGHUP came meanwhile
    boost::asio::thread_pool loader_{1};  // reads configuration files
    std::unique_ptr<Keeper> keeper_;      // last: its thread ends first
};

}  // namespace crosspatch::app
