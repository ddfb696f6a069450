#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/api/actor.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/core/time.hpp"
#include "crosspatch/record/entry.hpp"

namespace crosspatch::api {

// What may be cut at once, past the control thread.
enum class Cut { CloseBridge, RevokeConsent, DisableEndpoint, RevokeEndpoint };

// What the API asks of the daemon; the daemon implements it, the API knows nothing else of it.
//
// Units    JSON in contract.md's shapes.
// Errors   NotFound → 404, NotPermitted → 403 (exit code 77), Invalid → 422, Busy and Unavailable → 503.
// Thread   as each group says. The API runs on a thread of its own.
class Gateway {
public:
    // Who follows the events. `event` gets {type, time, …} of each that concerns him; after `end`, called
    // when a reload has taken his rights, it is called no more.
    struct Listener {
        std::uint32_t uid{};
        std::function<void(const boost::json::object&)> event;
        std::function<void()> end;
    };
    virtual ~Gateway() = default;

    // --- Any thread. ---
    // Who the peer with this uid is; nothing if nobody named it.
    virtual std::optional<Actor> actor_of(std::uint32_t uid) const = 0;
    virtual bool ready() const = 0;
    // Straight into the workers' queues; then noted on record by control. The API's thread only.
    virtual core::Result<void> cut(Cut what, std::string_view id, const Actor& actor,
                                   const std::string& reason) = 0;
    // A channel's label, until it is changed again or for so long; never below the configured one. The same way, for what
    // may not cross any more stops at once. The API's thread only.
    struct Label {
        std::string label;  // RED, …
        std::optional<std::chrono::milliseconds> lasts;
    };
    virtual core::Result<void> set_label(std::string_view channel, const Label& label, const Actor& actor,
                                         const std::string& reason) = 0;
    // What was commanded so far is noted and on disk.
    virtual bool kept() const = 0;
    // The executor on which everything below is to be called.
    virtual boost::asio::any_io_executor control() = 0;

    // --- The control thread. Lists are without `items` around them: the API pages them. ---
    // Prometheus text of everything but the API's own figures.
    virtual std::string metrics() = 0;
    virtual boost::json::object status(const Actor& actor) = 0;
    virtual boost::json::array channels(const Actor& actor) = 0;
    virtual boost::json::array endpoints(const Actor& actor) = 0;
    virtual boost::json::array bridges(const Actor& actor) = 0;
    virtual boost::json::array floor(const Actor& actor) = 0;
    // Whose past he may read: nothing for everybody's, else that of his agency. What an open bridge lets him see
    // today was not his before.
    struct Own {
        std::vector<std::string> channels;
        std::vector<std::string> known;  // these, and those that share a bridge with one of them
        std::vector<std::string> endpoints;
    };
    virtual std::optional<Own> own(const Actor& actor) = 0;
    struct Opening {
        std::string reason;
        std::chrono::milliseconds waits{};  // for consents that are missing; 0: it is refused without them
    };
    virtual core::Result<boost::json::object> open_bridge(std::string_view id, const Opening& opening,
                                                          const Actor& actor) = 0;
    // What bridges may be made of: {id, choose, agreement, standing_consent}.
    virtual boost::json::array templates(const Actor& actor) = 0;
    struct Making {
        std::string from;  // the template
        std::vector<std::string> channels;
        std::string id;  // of the bridge; empty: one that is free
        std::string reason;
    };
    virtual core::Result<boost::json::object> create_bridge(const Making& making, const Actor& actor) = 0;
    // One that was made of a template.
    virtual core::Result<boost::json::object> remove_bridge(std::string_view id, const Actor& actor,
                                                            const std::string& reason) = 0;
    // {id, bridge, gateway, agreement, agencies: [{id, key}], terms: SHA-256, document: what that is of}
    virtual core::Result<boost::json::object> terms(std::string_view id, const Actor& actor) = 0;
    // {id, place, rights: [{right, agency, roles, allowed, rule, text}]}: who may do what there, by which rule. Roles of an
    // agency with the same answer share a row; `agency` is null for whoever belongs to none.
    struct Whom {
        std::optional<std::string> agency;  // nothing: all who are concerned
        std::optional<std::string> role;
    };
    virtual core::Result<boost::json::object> jurisdiction(std::string_view id, const Whom& whom,
                                                           const Actor& actor) = 0;
    // `body` is {statement, signature}, or {agency, expires} for a key that the gateway keeps.
    virtual core::Result<boost::json::object> consent(std::string_view id, const boost::json::object& body,
                                                      const Actor& actor) = 0;
    // The key of each agency that the actor may know of: {id, key, fingerprint, key_kept_by, state, since, consents, standing}
    virtual boost::json::array keys(const Actor& actor) = 0;
    virtual core::Result<boost::json::object> enable_endpoint(std::string_view id, const Actor& actor) = 0;
    // Reads the file elsewhere, so that control goes on meanwhile. Always holds a result.
    using Done = boost::asio::awaitable<std::optional<core::Result<boost::json::object>>>;
    virtual Done reload(Actor actor) = 0;
    // A new key for an agency whose key the gateway keeps; the disk is waited for elsewhere, too.
    virtual Done rotate_key(std::string agency, Actor actor, std::string reason) = 0;
    struct Question {
        std::string from;  // an endpoint's or a channel's id
        std::string to;    // a channel's id
        std::optional<std::string> role;
        std::optional<std::string> talker;
        std::optional<std::string> kind;
        std::optional<std::string> suite;  // the talker's, where it is not the endpoint's
        std::optional<core::WallTime> at;
        bool emergency{};
    };
    // {allowed, bridge: {…open, why not}, outbound: {allowed, rule, text}, inbound: [{suite, allowed, rule, text}], text}
    virtual core::Result<boost::json::object> explain(const Question& question, const Actor& actor) = 0;
    // Puts on record what the API itself did: reading the log, a denied attempt.
    virtual void note(record::Entry entry) = 0;
    // `listener` is called on the control thread until unsubscribe(handle).
    virtual std::uint64_t subscribe(Listener listener) = 0;
    virtual void unsubscribe(std::uint64_t handle) = 0;
};

}  // namespace crosspatch::api
