#include "crosspatch/floor/arbiter.hpp"

#include "src/floor/machine.hpp"

namespace crosspatch::floor {

Arbiter::Arbiter() : machine_{std::make_unique<Machine>()} {}
Arbiter::Arbiter(const Layout& layout) : Arbiter{} { configure(layout); }
Arbiter::~Arbiter() = default;
Arbiter::Arbiter(Arbiter&&) noexcept = default;
Arbiter& Arbiter::operator=(Arbiter&&) noexcept = default;
Arbiter::Arbiter(const Arbiter& other) : machine_{std::make_unique<Machine>(*other.machine_)} {}
Arbiter& Arbiter::operator=(const Arbiter& other) {
    if (this != &other) *machine_ = *other.machine_;
    return *this;
}

void Arbiter::configure(const Layout& layout) { machine_->configure(layout); }

Verdict Arbiter::media(Participant participant, core::Time now, bool dtx) {
    return machine_->media(participant, now, dtx);
}
Answer Arbiter::request(const Request& request, core::Time now, Decisions& decisions) {
    return machine_->request(request, now, decisions);
}
Answer Arbiter::deny(const Request& request, Cause cause, core::Time now, Decisions& decisions) {
    return machine_->deny(request, cause, now, decisions);
}
void Arbiter::release(Participant participant, core::Time now, Decisions& decisions) {
    machine_->release(participant, now, decisions);
}
void Arbiter::revoke(Participant participant, Cause cause, core::Time now, Decisions& decisions) {
    machine_->revoke(participant, cause, now, decisions);
}
void Arbiter::trespass(Participant participant, core::Time now, Decisions& decisions) {
    machine_->trespass(participant, now, decisions);
}
void Arbiter::acknowledge(Participant participant) { machine_->acknowledge(participant); }
void Arbiter::set_standing(Participant participant, Standing standing, core::Time now, Decisions& decisions) {
    machine_->set_standing(participant, standing, now, decisions);
}
void Arbiter::retarget(Participant participant, std::span<const Target> far, core::Time now,
                       Decisions& decisions) {
    machine_->retarget(participant, far, now, decisions);
}
void Arbiter::reach(Participant participant, std::span<const Target> far, core::Time now,
                    Decisions& decisions) {
    machine_->reach(participant, far, now, decisions);
}
void Arbiter::leave(Participant participant, ChannelIndex channel, Cause cause, core::Time now,
                    Decisions& decisions) {
    machine_->leave(participant, channel, cause, now, decisions);
}
void Arbiter::remove_channel(ChannelIndex channel, core::Time now, Decisions& decisions) {
    machine_->remove_channel(channel, now, decisions);
}
void Arbiter::remove_participant(Participant participant, core::Time now, Decisions& decisions) {
    machine_->remove_participant(participant, now, decisions);
}
void Arbiter::adopt(Arbiter& from, std::span<const ChannelIndex> channels,
                    std::span<const Participant> people) {
    machine_->adopt(*from.machine_, channels, people);
}
std::optional<core::Time> Arbiter::next_deadline() const { return machine_->next_deadline(); }
void Arbiter::advance(core::Time now, Decisions& decisions) { machine_->advance(now, decisions); }

std::size_t Arbiter::channels() const { return machine_->table().channels(); }
std::size_t Arbiter::participants() const { return machine_->table().participants(); }
std::optional<Participant> Arbiter::holder(ChannelIndex channel) const {
    const Participant who = machine_->table().floor(channel).holder;
    return who == kNobody ? std::nullopt : std::optional{who};
}
std::optional<Participant> Arbiter::beside(ChannelIndex channel) const {
    const Participant who = machine_->table().floor(channel).beside;
    return who == kNobody ? std::nullopt : std::optional{who};
}
core::Time Arbiter::beside_since(ChannelIndex channel) const {
    return machine_->table().floor(channel).beside_since;
}
ChannelState Arbiter::state(ChannelIndex channel, core::Time now) const {
    return machine_->state(channel, now);
}
core::Time Arbiter::since(ChannelIndex channel) const { return machine_->table().floor(channel).since; }
std::chrono::milliseconds Arbiter::remaining(ChannelIndex channel, core::Time now) const {
    return machine_->remaining(channel, now);
}
std::chrono::milliseconds Arbiter::beside_remaining(ChannelIndex channel, core::Time now) const {
    return machine_->remaining_of(machine_->table().floor(channel).beside, now);
}
std::size_t Arbiter::queue(ChannelIndex channel, std::span<Waiting> into) const {
    return machine_->queue(channel, into);
}

ParticipantState Arbiter::participant_state(Participant participant) const {
    return machine_->table().member(participant).state;
}
Standing Arbiter::standing(Participant participant) const {
    return machine_->table().member(participant).standing;
}
Claim Arbiter::claim(Participant participant) const { return machine_->table().member(participant).claim; }
std::uint64_t Arbiter::talkspurt(Participant participant) const {
    const Member& member = machine_->table().member(participant);
    return member.first == kNoStake ? 0 : member.talkspurt;
}
std::optional<ChannelIndex> Arbiter::own_channel(Participant participant) const {
    const Member& member = machine_->table().member(participant);
    return member.first == kNoStake ? std::nullopt : std::optional{member.own};
}
bool Arbiter::holds(Participant participant, ChannelIndex channel) const {
    const Floor& floor = machine_->table().floor(channel);
    return floor.holder == participant || floor.beside == participant;
}
std::size_t Arbiter::held(Participant participant, std::span<ChannelIndex> into) const {
    return machine_->channels_of(participant, true, into);
}
std::size_t Arbiter::missing(Participant participant, std::span<ChannelIndex> into) const {
    return machine_->channels_of(participant, false, into);
}
std::uint16_t Arbiter::queue_position(Participant participant) const {
    const Table& table = machine_->table();
    const Member& member = table.member(participant);
    return member.state == ParticipantState::Queued ? table.position(member.first) : std::uint16_t{0};
}
std::uint64_t Arbiter::fingerprint(core::Time now) const { return machine_->fingerprint(now); }
void Arbiter::check() const { machine_->check(); }

}  // namespace crosspatch::floor
