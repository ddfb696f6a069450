// Sound that comes back from outside: exchange.hpp.
#include <algorithm>
#include <cmath>

#include "crosspatch/bridge/exchange.hpp"

namespace crosspatch::bridge {
namespace {

// Lives hang on it, and only who signals can claim it.
bool is_spared(const floor::Claim& claim) { return claim.level != floor::Class::Normal; }

}  // namespace

void Exchange::heed_echoes(core::Time now) {
    while (const auto echo = echoes_.pop()) heed_echo(*echo, now);
}

void Exchange::heed_echo(const media::FoundEcho& echo, core::Time now) {
    const std::uint32_t who = echo.endpoint;
    if (!minds_endpoint(who)) return;
    const bool runs = arbiter_.talkspurt(who) == echo.talkspurt;
    // Two people who say the same thing within seconds sound like a loop: only where somebody has said that there is a way
    // round outside is anybody cut off. Elsewhere it is an alarm.
    const bool spared = is_spared(arbiter_.claim(who)) || !plan(who).shared;
    Report found = report(Report::Kind::Echo, now);
    found.endpoint = who;
    found.other = echo.original_endpoint;
    found.channel = plan(who).channel;
    found.talkspurt = echo.talkspurt;
    found.lag = echo.echo.lag;
    found.similarity =
        static_cast<std::uint8_t>(std::lround(100 * std::clamp(echo.echo.similarity, 0.0F, 1.0F)));
    found.cut_off = runs && !spared;
    if (!spared) found.left = endpoints_[who].loops.on_loop(now);
    list_open(found);
    send(found);
    if (!found.cut_off) return;
    arbiter_.revoke(who, floor::Cause::Loop, now, decisions_);
    act(now);
}

bool Exchange::is_shut_off(std::uint32_t endpoint, const floor::Claim& claim, core::Time now) const {
    return endpoints_[endpoint].loops.is_shut(now) && !is_spared(claim);
}

}  // namespace crosspatch::bridge
