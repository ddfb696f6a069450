// crosspatchctl: the operator's tool. Asks the daemon over its control socket and prints tables, or JSON for programs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "client.hpp"
#include "consent.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time.hpp"
#include "policy_files.hpp"
#include "table.hpp"

namespace {

using namespace crosspatch;
using boost::json::array;
using boost::json::object;
using boost::json::value;

enum Exit {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kUnreachable = 69,
    kNotPermitted = 77,
    kRefused = 78
};  // contract.md, Programs

const std::vector<ctl::Column> kChannels{{"CHANNEL", "id"},          {"NAME", "name"},
                                         {"AGENCY", "agency"},       {"TLP", "sensitivity"},
                                         {"ENDPOINTS", "endpoints"}, {"BRIDGES", "bridges"}};
const std::vector<ctl::Column> kEndpoints{{"ENDPOINT", "id"},       {"CHANNEL", "channel"},
                                          {"STATE", "state"},       {"CODEC", "codec"},
                                          {"SUITE", "suite"},       {"REMOTE", "remote"},
                                          {"LISTEN", "listen"},     {"RECEIVED", "packets_received"},
                                          {"SENT", "packets_sent"}, {"DROPPED", "packets_dropped"}};
const std::vector<ctl::Column> kBridges{
    {"BRIDGE", "id"},   {"STATE", "state"}, {"CHANNELS", "channels"}, {"OPENS", "opens"},
    {"SINCE", "since"}, {"BY", "by"},       {"CONSENTS", "consents"}, {"MISSING CONSENT", "missing_consent"}};
const std::vector<ctl::Column> kFloor{
    {"CHANNEL", "channel"}, {"STATE", "state"},          {"TALKER", "talker"}, {"ENDPOINT", "endpoint"},
    {"SINCE", "since"},     {"LEFT MS", "remaining_ms"}, {"BESIDE", "beside"}, {"QUEUE", "queue"}};
const std::vector<ctl::Column> kCalls{{"CALL", "id"},           {"STARTED", "started"},
                                      {"ENDED", "ended"},       {"BRIDGE", "bridge"},
                                      {"CHANNELS", "channels"}, {"TALKSPURTS", "talkspurts"}};
const std::vector<ctl::Column> kTalkspurts{{"TALKSPURT", "id"},
                                           {"STARTED", "started"},
                                           {"TALKER", "talker"},
                                           {"CHANNEL", "channel"},
                                           {"LISTENERS", "listeners"},
                                           {"RECEIVED", "packets_received"},
                                           {"LOST", "packets_lost"},
                                           {"CONCEALED", "frames_concealed"},
                                           {"ACCESS MS", "access_time_ms"},
                                           {"DELAY P99 MS", "gateway_delay_p99_ms"},
                                           {"DENIED", "denied"},
                                           {"ENDED BY", "end_cause"}};

const std::vector<ctl::Column> kKeys{
    {"AGENCY", "id"},   {"KEY", "key"},     {"FINGERPRINT", "fingerprint"}, {"KEPT BY", "key_kept_by"},
    {"STATE", "state"}, {"SINCE", "since"}, {"CONSENTS", "consents"},       {"STANDING", "standing"}};

// `90s`, `30m`, `2h`, `7d`.
std::optional<double> seconds_of(const std::string& text) {
    char* unit = nullptr;
    const double count = std::strtod(text.c_str(), &unit);
    const std::string_view suffix{unit};
    const double seconds = suffix == "m"   ? 60
                           : suffix == "h" ? 3600
                           : suffix == "d" ? 86400
                           : suffix == "s" ? 1
                                           : 0;
    if (seconds == 0 || !(count >= 0)) return std::nullopt;
    return count * seconds;
}

class Tool {
public:
    int run(int argc, char** argv);

private:
    ctl::Client client() const {
        if (!api_.empty()) return ctl::Client{api_, token_};
        return ctl::Client{socket_.empty() ? (std::filesystem::path{data_dir_} / "control.sock").string()
                                           : socket_};
    }
    void add_commands(CLI::App& app);
    void add_bridge_commands(CLI::App& app);
    void add_policy_commands(CLI::App& app);
    void add_consent_commands(CLI::App& app, CLI::App& bridge);
    void add_record_commands(CLI::App& app);
    CLI::App* list(CLI::App& app, const std::string& name, const std::string& help,
                   const std::vector<ctl::Column>& columns);

    // Prints what the daemon said; the exit code.
    int show(const ctl::Reply& reply, const std::function<void(const value&)>& print);
    int show_list(const ctl::Reply& reply, const std::vector<ctl::Column>& columns) {
        return show(reply, [&](const value& body) {
            fmt::print("{}", ctl::table(body.at("items").as_array(), columns));
            if (const value& next = body.at("next"); next.is_string())
                fmt::print("more: --cursor {}\n", ctl::cell(next));
        });
    }
    int command(const std::string& target, const std::string& done);
    int label();
    int reload();
    int terms();
    int consent();
    int sign();
    int generate();
    int refused(const std::string& why) const {
        fmt::print(stderr, "crosspatchctl: {}\n", core::escape(why));
        return kFailed;
    }
    int calls();
    int why();
    int verify();
    int tail();
    int events();

    std::string data_dir_{"/var/lib/crosspatch"};
    std::string socket_, api_, token_, id_, reason_, from_, to_, role_, at_, talker_, kind_, channel_, since_,
        text_, cursor_, listener_, label_, lasts_, suite_, config_, agency_, file_, key_file_;
    ctl::Term term_;
    bool json_{}, emergency_{}, follow_{};
    unsigned lines_{20};
    std::function<int()> chosen_;
};

int Tool::show(const ctl::Reply& reply, const std::function<void(const value&)>& print) {
    if (reply.status >= 200 && reply.status < 300) {
        if (json_)
            fmt::print("{}\n", reply.body);
        else
            print(reply.json());
        return kDone;
    }
    std::string detail = "HTTP " + std::to_string(reply.status);
    if (reply.type.starts_with("application/problem+json")) detail = ctl::cell(reply.json().at("detail"));
    if (json_) fmt::print("{}\n", reply.body);
    fmt::print(stderr, "crosspatchctl: {}\n", detail);
    return reply.status == 401 || reply.status == 403 ? kNotPermitted : kFailed;
}

int Tool::command(const std::string& target, const std::string& done) {
    object body;
    if (!reason_.empty()) body["reason"] = reason_;
    return show(client().post(target, body), [&](const value&) { fmt::print("{}\n", done); });
}

int Tool::label() {
    object body{{"label", label_}};
    if (!reason_.empty()) body["reason"] = reason_;
    if (!lasts_.empty()) {
        const auto seconds = seconds_of(lasts_);
        if (!seconds || !(*seconds <= 1e9)) {
            fmt::print(stderr, "crosspatchctl: --for: '{}' is no time; write 30m, 8h or 2d\n", lasts_);
            return kUsage;
        }
        body["lasts_ms"] = static_cast<std::int64_t>(*seconds * 1000);
    }
    return show(client().post("/api/v1/channels/" + ctl::encode(id_) + "/label", body), [&](const value&) {
        fmt::print("what is said on {} is {} now{}\n", id_, label_, lasts_.empty() ? "" : ", for " + lasts_);
    });
}

int Tool::reload() {
    const ctl::Reply reply = client().post("/api/v1/reload", {});
    if (reply.status != 422)
        return show(reply, [](const value&) { fmt::print("the new configuration is in force\n"); });
    if (json_) fmt::print("{}\n", reply.body);
    // A line for each problem, as `crosspatchd --check` prints them: the daemon's own text, escaped there.
    fmt::print(stderr, "{}\n", std::string{reply.json().at("detail").as_string()});
    return kRefused;
}

CLI::App* Tool::list(CLI::App& app, const std::string& name, const std::string& help,
                     const std::vector<ctl::Column>& columns) {
    CLI::App* command = app.add_subcommand(name, help);
    command->callback([this, name, &columns] {
        chosen_ = [this, name, &columns] { return show_list(client().get("/api/v1/" + name), columns); };
    });
    return command;
}

void Tool::add_commands(CLI::App& app) {
    app.add_subcommand("status", "the daemon, its log and its alarms")->callback([this] {
        chosen_ = [this] {
            return show(client().get("/api/v1/status"), [](const value& body) {
                for (const auto& [key, item] : body.as_object())
                    if (key != "alarms") fmt::print("{:<16} {}\n", std::string{key}, ctl::cell(item));
                const array& alarms = body.at("alarms").as_array();
                fmt::print("{:<16} {}\n", "alarms", alarms.empty() ? "none" : "");
                if (!alarms.empty())
                    fmt::print("{}", ctl::table(alarms,
                                                {{"ALARM", "name"}, {"SINCE", "since"}, {"WHAT", "detail"}}));
            });
        };
    });
    list(app, "channels", "the channels", kChannels);
    list(app, "endpoints", "the radios and what they send", kEndpoints);
    list(app, "bridges", "the bridges, open and closed", kBridges);
    list(app, "floor", "who talks, who waits", kFloor);
    app.add_subcommand("reload", "read the configuration again")->callback([this] {
        chosen_ = [this] { return reload(); };
    });
    CLI::App* endpoint = app.add_subcommand("endpoint", "switch one radio off or on")->require_subcommand(1);
    for (const auto& [name, done] :
         {std::pair{"disable", "is off: it hears and says nothing"}, std::pair{"enable", "is on again"},
          std::pair{"revoke", "is cut off until it has new keys"}}) {
        CLI::App* act = endpoint->add_subcommand(name, std::string{"the radio "} + done);
        act->add_option("ID", id_, "the endpoint")->required();
        act->add_option("--reason", reason_, "kept with the record");
        act->callback([this, name = std::string{name}, done = std::string{done}] {
            chosen_ = [this, name, done] {
                return command("/api/v1/endpoints/" + ctl::encode(id_) + "/" + name, id_ + " " + done);
            };
        });
    }
    CLI::App* channel = app.add_subcommand("channel", "how confidential a channel is")->require_subcommand(1);
    CLI::App* label =
        channel->add_subcommand("label", "raise its TLP label, or lower it to the configured one");
    label->add_option("ID", id_, "the channel")->required();
    label->add_option("LABEL", label_, "RED, AMBER+STRICT, AMBER, GREEN or CLEAR")->required();
    label->add_option("--for", lasts_, "only for so long: 30m, 8h, 2d");
    label->add_option("--reason", reason_, "kept with the record");
    label->callback([this] { chosen_ = [this] { return this->label(); }; });
    CLI::App* events = app.add_subcommand("events", "what happens, as it happens");
    events->add_flag("--follow", follow_, "do not stop (the default)");
    events->callback([this] { chosen_ = [this] { return this->events(); }; });
}

void Tool::add_bridge_commands(CLI::App& app) {
    CLI::App* bridge = app.add_subcommand("bridge", "open or close a bridge")->require_subcommand(1);
    for (const auto& [name, done] : {std::pair{"open", "is open"}, std::pair{"close", "is closed"}}) {
        CLI::App* act = bridge->add_subcommand(name, std::string{"the bridge "} + done);
        act->add_option("ID", id_, "the bridge")->required();
        act->add_option("--reason", reason_, "kept with the record");
        act->callback([this, name = std::string{name}, done = std::string{done}] {
            chosen_ = [this, name, done] {
                return command("/api/v1/bridges/" + ctl::encode(id_) + "/" + name, id_ + " " + done);
            };
        });
    }
    add_consent_commands(app, *bridge);
}

void Tool::add_policy_commands(CLI::App& app) {
    CLI::App* policy = app.add_subcommand("policy", "what may cross")->require_subcommand(1);
    CLI::App* explain = policy->add_subcommand("explain", "which rules decide, on both keys");
    explain->add_option("--from", from_, "an endpoint or a channel")->required();
    explain->add_option("--to", to_, "a channel")->required();
    explain->add_option("--role", role_, "as if the talker had this role");
    explain->add_option("--talker", talker_, "as if this talker spoke");
    explain->add_option("--kind", kind_, "voice, text, picture or location");
    explain->add_option("--suite", suite_, "as if the talker's radio had this SRTP suite");
    explain->add_option("--at", at_, "at this time, as 2026-11-22T16:00:00Z");
    explain->add_flag("--emergency", emergency_, "in an emergency");
    explain->callback([this] {
        chosen_ = [this] {
            std::string target =
                "/api/v1/policy/explain?from=" + ctl::encode(from_) + "&to=" + ctl::encode(to_);
            const auto add = [&](const char* name, const std::string& text) {
                if (!text.empty()) target += std::string{"&"} + name + "=" + ctl::encode(text);
            };
            add("role", role_), add("talker", talker_), add("kind", kind_), add("at", at_),
                add("suite", suite_);
            if (emergency_) target += "&emergency=true";
            return show(client().get(target), [](const value& body) {
                fmt::print("{}\n", body.at("allowed").as_bool() ? "policy allows it" : "policy refuses it");
                for (const value& line : body.at("text").as_array()) fmt::print("  {}\n", ctl::cell(line));
            });
        };
    });
    CLI::App* test =
        policy->add_subcommand("test", "decide a table of cases, and say which are not as expected");
    test->add_option("FILE", id_, "the table (YAML)")->required();
    test->add_option("--config", config_, "the rules of this file, without a daemon");
    test->callback([this] {
        chosen_ = [this] {
            return config_.empty() ? ctl::test_running(id_, client()) : ctl::test_file(id_, config_);
        };
    });
    CLI::App* diff =
        policy->add_subcommand("diff", "what is decided otherwise in NEW than in OLD, without a daemon");
    diff->add_option("OLD", id_, "a configuration file")->required();
    diff->add_option("NEW", config_, "another")->required();
    diff->callback([this] { chosen_ = [this] { return ctl::compare_files(id_, config_); }; });
}

void Tool::add_consent_commands(CLI::App& app, CLI::App& bridge) {
    const auto add_term = [this](CLI::App& command) {
        CLI::Option* expires =
            command.add_option("--expires", term_.expires, "until then: 2026-11-22T16:00:00Z");
        command.add_option("--for", term_.for_time, "for so long: 8h (the default), 30m, 2d")
            ->excludes(expires);
        return expires;
    };
    CLI::App* terms = bridge.add_subcommand("terms", "what an agency says yes to, and its hash");
    terms->add_option("ID", id_, "the bridge")->required();
    terms->callback([this] { chosen_ = [this] { return this->terms(); }; });
    CLI::App* consent = bridge.add_subcommand("consent", "say yes to a bridge for your agency");
    consent->add_option("ID", id_, "the bridge")->required();
    consent->add_option("--agency", agency_, "yours; left out: the one you belong to");
    CLI::Option* expires = add_term(*consent);
    consent->add_option("--statement", file_, "hand in what `consent sign` printed; - is standard input")
        ->excludes(expires);
    consent->callback([this] { chosen_ = [this] { return this->consent(); }; });
    CLI::App* revoke = bridge.add_subcommand("revoke", "take your agency's consent back: it closes at once");
    revoke->add_option("ID", id_, "the bridge")->required();
    revoke->add_option("--reason", reason_, "kept with the record");
    revoke->callback([this] {
        chosen_ = [this] {
            object body;
            if (!reason_.empty()) body["reason"] = reason_;
            return show(client().remove("/api/v1/bridges/" + ctl::encode(id_) + "/consents", body),
                        [this](const value&) { fmt::print("{} is closed, the consent is revoked\n", id_); });
        };
    });
    CLI::App* consents = app.add_subcommand("consent", "consents where the key is")->require_subcommand(1);
    CLI::App* sign = consents->add_subcommand("sign", "print a signed consent; needs no daemon");
    sign->add_option("--key", key_file_, "the agency's private key, as `key generate` made it")->required();
    sign->add_option("--bridge", id_, "the bridge")->required();
    sign->add_option("--terms", file_,
                     "what `bridge terms ID --json` printed; - is standard input; left out: ask the daemon");
    sign->add_option("--not-before", term_.begins, "counts from then; left out: from now");
    add_term(*sign);
    sign->callback([this] { chosen_ = [this] { return this->sign(); }; });
    CLI::App* key = app.add_subcommand("key", "an agency's keys")->require_subcommand(1);
    CLI::App* generate = key->add_subcommand("generate", "a new key pair for an agency");
    generate->add_option("-o,--out", file_, "the private key's file: one line, kept from others")->required();
    generate->callback([this] { chosen_ = [this] { return this->generate(); }; });
    key->add_subcommand("list", "the agencies' keys, and the consents that count under them")
        ->callback([this] { chosen_ = [this] { return show_list(client().get("/api/v1/keys"), kKeys); }; });
    CLI::App* rotate = key->add_subcommand(
        "rotate", "a new key for your agency, if the gateway keeps it: what the old one signed ends");
    rotate->add_option("AGENCY", id_, "yours")->required();
    rotate->add_option("--reason", reason_, "kept with the record");
    rotate->callback([this] {
        chosen_ = [this] {
            return command("/api/v1/keys/" + ctl::encode(id_) + "/rotate",
                           id_ + " has a new key; the old one is gone, and what it signed has ended");
        };
    });
}

int Tool::terms() {
    return show(client().get("/api/v1/bridges/" + ctl::encode(id_) + "/terms"), [](const value& body) {
        // Lines of our own making; what comes from the daemon is escaped in them.
        fmt::print("{}", ctl::describe_terms(body.as_object()));
    });
}

int Tool::consent() {
    object body;
    if (!file_.empty()) {
        auto read = ctl::read_json(file_);
        if (!read) return refused(read.error().context);
        body = std::move(*read);
    } else {
        const auto span = ctl::read_term(term_, core::wall_now());
        if (!span) return refused(span.error().context);
        if (!agency_.empty()) body["agency"] = agency_;
        body["expires"] = core::rfc3339(span->until, 0);
    }
    return show(client().post("/api/v1/bridges/" + ctl::encode(id_) + "/consents", body),
                [](const value& given) {
                    fmt::print("{} consents to {} until {}\n", ctl::cell(given.at("agency")),
                               ctl::cell(given.at("bridge")), ctl::cell(given.at("until")));
                    if (const array& missing = given.at("missing_consent").as_array(); !missing.empty())
                        fmt::print("it waits for {}\n", ctl::cell(missing));
                });
}

int Tool::sign() {
    object terms;
    if (file_.empty()) {
        const ctl::Reply reply = client().get("/api/v1/bridges/" + ctl::encode(id_) + "/terms");
        if (reply.status != 200) return show(reply, [](const value&) {});
        terms = reply.json().as_object();
    } else {
        auto read = ctl::read_json(file_);
        if (!read) return refused(read.error().context);
        terms = std::move(*read);
    }
    const auto span = ctl::read_term(term_, core::wall_now());
    if (!span) return refused(span.error().context);
    const auto signed_one = ctl::sign_consent(terms, id_, key_file_, *span);
    if (!signed_one) return refused(signed_one.error().context);
    fmt::print("{}\n", *signed_one);
    // Who signs sees what; standard output is for the gateway.
    fmt::print(stderr, "{}{:<10} {} to {}\n", ctl::describe_terms(terms), "signed",
               core::rfc3339(span->from, 0), core::rfc3339(span->until, 0));
    return kDone;
}

int Tool::generate() {
    const auto line = ctl::generate_key(file_);
    if (!line) return refused(line.error().context);
    fmt::print("{}\n", *line);
    return kDone;
}

int Tool::calls() {
    std::string target = "/api/v1/calls?limit=50";
    const auto add = [&](const char* name, const std::string& text) {
        if (!text.empty()) target += std::string{"&"} + name + "=" + ctl::encode(text);
    };
    add("channel", channel_), add("talker", talker_), add("text", text_), add("cursor", cursor_);
    if (!since_.empty()) {
        const double now = std::chrono::duration<double>{core::wall_now().time_since_epoch()}.count();
        if (const auto ago = seconds_of(since_); ago && *ago < now) {
            const auto back = std::chrono::nanoseconds{static_cast<std::int64_t>(*ago * 1e9)};
            add("since", core::rfc3339(core::wall_now() - back, 0));
        } else {
            add("since", since_);
        }
    }
    return show_list(client().get(target), kCalls);
}

int Tool::why() {
    ctl::Reply reply = client().get("/api/v1/talkspurts/" + ctl::encode(id_));
    if (reply.status == 404) {  // perhaps it is a call: every talkspurt of it
        const ctl::Reply call = client().get("/api/v1/calls/" + ctl::encode(id_));
        if (call.status != 200) return show(reply, [](const value&) {});
        const value body = call.json();
        for (const value& one : body.at("talkspurts").as_array()) {
            id_ = std::string{one.at("id").as_string()};
            if (const int failed = why()) return failed;
        }
        return kDone;
    }
    return show(reply, [this](const value& body) {
        const object& talkspurt = body.as_object();
        fmt::print("talkspurt {}: {} on {}, {}\n", ctl::cell(body.at("id")), ctl::cell(body.at("talker")),
                   ctl::cell(body.at("channel")), ctl::cell(body.at("started")));
        if (body.at("denied").as_bool())
            fmt::print("  it was not granted: {}\n", ctl::cell(body.at("end_cause")));
        fmt::print("  heard by {}\n", ctl::cell(body.at("listeners")));
        if (!listener_.empty()) {
            const array& heard = body.at("listeners").as_array();
            const bool was = std::any_of(heard.begin(), heard.end(),
                                         [&](const value& one) { return one.as_string() == listener_; });
            fmt::print("  {} {}\n", listener_, was ? "was sent it" : "was not sent it");
        }
        if (const value* refused = talkspurt.if_contains("refused"); refused && refused->is_array())
            for (const value& one : refused->as_array())
                fmt::print("  not heard on {}: {}\n", ctl::cell(one.at("channel")),
                           ctl::cell(one.at("reason")));
    });
}

int Tool::verify() {
    const ctl::Reply reply = client().get("/api/v1/log/verification");
    const int shown = show(reply, [](const value& body) {
        // Lines of the daemon's own making, escaped where they hold text from outside.
        fmt::print("{}", std::string{body.at("text").as_string()});
    });
    if (shown != kDone) return shown;
    return reply.json().at("ok").as_bool() ? kDone : kFailed;
}

int Tool::tail() {
    return show(client().get(fmt::format("/api/v1/log/records?last={}", lines_)), [](const value& body) {
        for (const value& record : body.at("items").as_array())
            fmt::print("{:>8}  {}  {:<18} {:<7} {} {}\n", ctl::cell(record.at("seq")),
                       ctl::cell(record.at("time")).substr(0, 23), ctl::cell(record.at("type")),
                       ctl::cell(record.at("outcome")), ctl::pairs(record.as_object(), "object"),
                       ctl::pairs(record.as_object(), "detail"));
    });
}

int Tool::events() {
    const ctl::Reply reply = client().follow("/api/v1/events", [this](const std::string& text) {
        if (json_) {
            fmt::print("{}\n", text);
        } else {
            const value event = boost::json::parse(text);
            fmt::print("{}  {:<18} {}  {}\n", ctl::cell(event.at("time")), ctl::cell(event.at("type")),
                       ctl::pairs(event.as_object(), "object"), ctl::pairs(event.as_object(), "detail"));
        }
        std::fflush(stdout);
    });
    return show(reply, [](const value&) {});
}

void Tool::add_record_commands(CLI::App& app) {
    CLI::App* calls = app.add_subcommand("calls", "the calls, newest first");
    calls->add_option("--channel", channel_, "heard or spoken on this channel");
    calls->add_option("--since", since_, "2h, 30m, 7d ago, or a time as 2026-11-22T16:00:00Z");
    calls->add_option("--talker", talker_, "with this talker");
    calls->add_option("--text", text_, "with this text in an id, name or cause");
    calls->add_option("--cursor", cursor_, "the next page, as the one before named it");
    calls->callback([this] { chosen_ = [this] { return this->calls(); }; });
    CLI::App* call = app.add_subcommand("call", "one call")->require_subcommand(1);
    CLI::App* show_call = call->add_subcommand("show", "its talkspurts");
    show_call->add_option("ID", id_, "the call")->required();
    show_call->callback([this] {
        chosen_ = [this] {
            return show(client().get("/api/v1/calls/" + ctl::encode(id_)), [](const value& body) {
                fmt::print("{}\n{}",
                           ctl::table(array{body}, {{"CALL", "id"},
                                                    {"STARTED", "started"},
                                                    {"ENDED", "ended"},
                                                    {"BRIDGE", "bridge"},
                                                    {"CHANNELS", "channels"}}),
                           ctl::table(body.at("talkspurts").as_array(), kTalkspurts));
            });
        };
    });
    CLI::App* why = app.add_subcommand("why", "who heard a talkspurt or call, and why others did not");
    why->add_option("ID", id_, "a talkspurt or a call")->required();
    why->add_option("--listener", listener_, "this endpoint in particular");
    why->callback([this] { chosen_ = [this] { return this->why(); }; });
    CLI::App* log = app.add_subcommand("log", "the record")->require_subcommand(1);
    log->add_subcommand("verify", "check every record, checkpoint and signature")->callback([this] {
        chosen_ = [this] { return verify(); };
    });
    CLI::App* tail = log->add_subcommand("tail", "the newest records");
    tail->add_option("-n,--lines", lines_, "how many (20)")->check(CLI::Range(1, 1000));
    tail->callback([this] { chosen_ = [this] { return this->tail(); }; });
}

int Tool::run(int argc, char** argv) {
    CLI::App app{"crosspatchctl: asks and commands a running crosspatchd"};
    app.add_option("--data-dir", data_dir_, "the daemon's data_dir, where control.sock is")
        ->capture_default_str();
    app.add_option("--socket", socket_, "the control socket, if gateway.control puts it elsewhere");
    CLI::Option* api = app.add_option("--api", api_, "the API's address instead, as http://127.0.0.1:8470");
    api->check(ctl::check_url);
    app.add_option_function<std::string>(
           "--token-file",
           [this](const std::string& path) {
               auto token = ctl::read_token(path);
               if (!token) throw CLI::ValidationError{token.error().context};
               token_ = std::move(*token);
           },
           "a file with the token that says who asks there")
        ->needs(api);
    app.add_flag("--json", json_, "print exactly what the API answers");
    app.set_version_flag("--version", std::string{"crosspatchctl "} + CROSSPATCH_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    add_commands(app);
    add_bridge_commands(app);
    add_policy_commands(app);
    add_record_commands(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kUsage;
    }
    if (!token_.empty() && !ctl::is_loopback(api_)) {
        fmt::print(
            stderr,
            "crosspatchctl: http:// would show the token to the network; use it on the daemon's machine, "
            "with --api http://127.0.0.1:8470\n");
        return kUsage;
    }
    try {
        return chosen_();
    } catch (const ctl::Unreachable& error) {
        fmt::print(stderr,
                   "crosspatchctl: the daemon cannot be reached ({}): is it running, and is this its data "
                   "directory?\n",
                   error.why);
        return kUnreachable;
    } catch (const ctl::NotPermitted& error) {
        fmt::print(stderr, "crosspatchctl: {}\n", core::escape(error.why));
        return kNotPermitted;
    } catch (const std::exception& error) {
        fmt::print(stderr, "crosspatchctl: {}\n", core::escape(error.what()));
        return kFailed;
    }
}

}  // namespace

int main(int argc, char** argv) { return Tool{}.run(argc, argv); }
