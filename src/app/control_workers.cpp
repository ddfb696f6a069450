// What goes to the media workers and comes back: tasks, what is lent to them, where channels live. control.hpp.
#include <algorithm>
#include <utility>

#include "crosspatch/app/control.hpp"
#include "src/app/memory.hpp"

namespace crosspatch::app {

bool Control::post(std::uint8_t worker, media::Worker::Task task) {
    // The lane holds 4,096 tasks; a worker that does not empty it for seconds is stuck, and the watchdog ends us.
    const bool taken = crew_.worker(worker).post(media::Worker::Lane::Control, std::move(task));
    if (!taken)
        log_.error("worker.stuck",
                   "the media worker does not take commands; the watchdog will restart the daemon");
    return taken;
}

// Where the endpoint's channel lives, or will when the worker comes to what is posted now.
std::uint8_t Control::worker_of(std::uint32_t endpoint) const {
    const auto radio = estate_.radios.find(endpoint);
    if (radio == estate_.radios.end()) return 0;
    const auto channel = estate_.channels.find(radio->second->settings.channel);
    return channel ? estate_.placement.worker(*channel) : std::uint8_t{0};
}

// What the worker uses in `task` is kept until a later task of its has reported: nothing is freed on a worker.
void Control::lend(std::shared_ptr<const void> what, std::uint8_t worker, media::Worker::Task task) {
    const std::uint64_t token = next_token_++;
    lent_[token] = {std::move(what), nullptr};
    post(worker, std::move(task));
    ask_when_done(token);
}

// False, and nothing has happened: the workers do not take tasks.
bool Control::lend_at_rest(std::shared_ptr<const void> what, std::function<void(core::Time now)> task) {
    const std::uint64_t token = next_token_++;
    // What was cut meanwhile is on still where this change comes from: off again before the next packet.
    auto rest = std::make_unique<media::Crew::Rest>([this, task = std::move(task)](core::Time now) {
        task(now);
        cuts_.each([&](api::Cut cut, std::uint32_t index) {
            for (bridge::Exchange* exchange : switchboard_.exchanges()) cut_task(*exchange, cut, index)(now);
        });
    });
    if (!crew_.at_rest(*rest)) {
        log_.error("worker.stuck",
                   "the media workers do not take commands; nothing was changed, and if it stays so the "
                   "watchdog will "
                   "restart the daemon");
        return false;
    }
    lent_[token] = {std::move(what), std::move(rest)};
    ask_when_done(token);
    return true;
}

void Control::ask_when_done(std::uint64_t token) {
    post_all([token](bridge::Exchange& exchange, core::Time now) { exchange.tell_done(token, now); });
}

void Control::take_back(const bridge::Report& done) {
    done_[done.position] = done.token;
    lent_.erase(lent_.begin(), lent_.upper_bound(*std::min_element(done_.begin(), done_.end())));
    release_unused();
    if (lent_.empty() && std::exchange(reloaded_, false))
        boost::asio::post(loader_, [this] {
            if (!give_back_heap()) boost::asio::post(loop_, [this] { lost_lock(); });
        });
    ready_ = !stopping_ && std::find(done_.begin(), done_.end(), 0U) == done_.end();
}

void Control::lost_lock() {
    rt_ = "degraded";
    log_.warning(
        "worker.degraded",
        "after the reload the system would not keep our memory from being swapped out: give the service "
        "LimitMEMLOCK=512M; audio may stutter under load");
}

std::vector<bool> Control::open_bridges() const {
    std::vector<bool> open(estate_.bridges.size());
    for (const auto& [id, state] : bridge_states_)
        if (const auto index = estate_.bridges.find(id); index && state.open) open[*index] = true;
    return open;
}

std::vector<bool> Control::joined_bridges() const {
    std::vector<bool> joined = open_bridges();
    for (const auto& [id, state] : bridge_states_)
        if (const auto index = estate_.bridges.find(id); index && state.armed) joined[*index] = true;
    return joined;
}

// Brings together what these bridges join, and home what nothing joins any more. Between two packets: what comes
// meanwhile waits in its socket.
bool Control::place_channels(const std::vector<bool>& open) {
    if (!estate_.topology || crew_.size() == 1) return true;
    const Placement before = estate_.placement;
    auto moves = estate_.placement.take_up(estate_.placement.where({&estate_.topology, 1}, open));
    if (moves.empty()) return true;
    auto relocation =
        std::make_shared<Relocation>(relocate(std::move(moves), estate_.radios, estate_.channels));
    relocation->needs = estate_.needs_by_worker();
    const bool lent = lend_at_rest(relocation, [this, relocation = relocation.get()](core::Time now) {
        relocation->carry_out(crew_, switchboard_, now);
        relocation->deal(crew_);
    });
    if (!lent) {
        estate_.placement = before;
        return false;
    }
    for (const Relocation::Step& step : relocation->steps) moves_ += step.move.channels.size();
    return true;
}

// Each worker is asked whether it is there, and told how busy its talkers keep it. A flood of junk gets what is left over
// (worker.hpp), so it is no reason to refuse or to end a talkspurt.
void Control::measure_load(core::Time now) {
    const double passed = std::max(std::chrono::duration<double>(now - busy_since_).count(), 1e-6);
    busy_since_ = now;
    for (std::uint8_t number = 0; number < crew_.size(); ++number) {
        const media::Worker::Counters& counters = crew_.worker(number).counters();
        const std::uint64_t busy_us = counters.busy_us.read();
        const std::uint64_t junk_ns = counters.junk_ns.read();
        Busy& busy = busy_[number];
        busy.all = static_cast<double>(busy_us - std::exchange(busy.busy_us, busy_us)) / 1e6 / passed;
        busy.junk = static_cast<double>(junk_ns - std::exchange(busy.junk_ns, junk_ns)) / 1e9 / passed;
        busy.load = std::max(busy.all - busy.junk, 0.0);
        post(number, [this, number](core::Time at) {
            ++answered_;
            switchboard_.exchanges()[number]->measured(busy_[number].load, max_load_.load(), at);
        });
    }
}

}  // namespace crosspatch::app
