#include "crosspatch/floor/cause.hpp"

#include <array>

namespace crosspatch::floor {
namespace {

struct Row {
    Cause cause;
    Message message;
    std::uint16_t number;
    std::string_view phrase;
};

constexpr std::array kRows{
    Row{Cause::None, Message::None, 0, ""},
    Row{Cause::AnotherTalks, Message::Deny, 1, "someone else is talking"},
    Row{Cause::InternalError, Message::Deny, 2, "the gateway could not decide"},
    Row{Cause::OnlyParticipant, Message::Deny, 3, "nobody else is on the channel"},
    Row{Cause::RetryAfter, Message::Deny, 4, "wait a moment after the talk limit"},
    Row{Cause::ReceiveOnly, Message::Deny, 5, "this radio may only listen"},
    Row{Cause::NoResources, Message::Deny, 6, "the gateway has no room for another press"},
    Row{Cause::QueueFull, Message::Deny, 7, "the queue is full"},
    Row{Cause::Disabled, Message::Deny, 255, "this radio has been disabled"},
    Row{Cause::RecordFailed, Message::Deny, 255, "nothing can be recorded at the moment"},
    Row{Cause::PolicyDenies, Message::Deny, 255, "a rule does not allow it"},
    Row{Cause::LoopFound, Message::Deny, 255, "shut off, since its sound was a loop"},
    Row{Cause::DenyOther, Message::Deny, 255, "not now"},
    Row{Cause::RevokeOnlyParticipant, Message::Revoke, 1, "nobody else is on the channel any more"},
    Row{Cause::TalkLimit, Message::Revoke, 2, "the talk limit is reached"},
    Row{Cause::NoPermission, Message::Revoke, 3, "no permission to talk"},
    Row{Cause::PreEmpted, Message::Revoke, 4, "someone with a higher claim talks now"},
    Row{Cause::RevokeNoResources, Message::Revoke, 6, "the gateway has run out of room"},
    Row{Cause::ChannelRemoved, Message::Revoke, 255, "the channel has been removed"},
    Row{Cause::ShuttingDown, Message::Revoke, 255, "the gateway is shutting down"},
    Row{Cause::DeadCarrier, Message::Revoke, 255, "nobody speaks on the open carrier"},
    Row{Cause::Loop, Message::Revoke, 255, "loop"},
    Row{Cause::RevokeOther, Message::Revoke, 255, "the floor was taken back"},
    Row{Cause::TalkerReleased, Message::None, 0, "released"},
    Row{Cause::Silence, Message::None, 0, "silence"},
    Row{Cause::Timeout, Message::None, 0, "timeout"},
    Row{Cause::Unanswered, Message::None, 0, "granted out of the queue and not used"},
    Row{Cause::BridgeClosed, Message::None, 0, "the bridge was closed"},
};

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < kRows.size(); ++i)
        if (static_cast<std::size_t>(kRows[i].cause) != i) return false;
    return kRows.size() == kCauses;
}
static_assert(is_in_order(), "a row for each cause, in the order of the enumeration");

const Row& row(Cause cause) { return kRows[static_cast<std::size_t>(cause)]; }

// The first row of a number; 255 is shared, and read as its message's "other".
Cause find(Message message, std::uint16_t number, Cause other) {
    if (number == 255) return other;
    for (const Row& r : kRows)
        if (r.message == message && r.number == number) return r.cause;
    return other;
}

}  // namespace

std::uint16_t number(Cause cause) { return row(cause).number; }
std::string_view phrase(Cause cause) { return row(cause).phrase; }
Message message(Cause cause) { return row(cause).message; }
Cause deny_cause(std::uint16_t number) { return find(Message::Deny, number, Cause::DenyOther); }
Cause revoke_cause(std::uint16_t number) { return find(Message::Revoke, number, Cause::RevokeOther); }

}  // namespace crosspatch::floor
