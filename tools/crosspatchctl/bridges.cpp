// What crosspatchctl does with bridges and consents: tool.hpp.
#include <fmt/format.h>

#include "crosspatch/core/text.hpp"
#include "crosspatch/core/time_text.hpp"
#include "tool.hpp"

namespace crosspatch::ctl {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

const std::vector<Column> kTemplates{{"TEMPLATE", "id"},
                                     {"CHOOSE FROM", "choose"},
                                     {"AGREEMENT", "agreement"},
                                     {"STANDING CONSENT", "standing_consent"}};

const std::vector<Column> kKeys{
    {"AGENCY", "id"},   {"KEY", "key"},     {"FINGERPRINT", "fingerprint"}, {"KEPT BY", "key_kept_by"},
    {"STATE", "state"}, {"SINCE", "since"}, {"CONSENTS", "consents"},       {"STANDING", "standing"}};
const std::vector<Column> kRights{{"RIGHT", "right"}, {"AGENCY", "agency"}, {"ROLES", "roles"},
                                  {"MAY", "allowed"}, {"RULE", "rule"},     {"WHY", "text"}};

}  // namespace

void Tool::add_bridge_commands(CLI::App& app) {
    CLI::App* bridge = app.add_subcommand("bridge", "open or close a bridge")->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, int (Tool::*act)()) {
        CLI::App* command = bridge->add_subcommand(name, help);
        command->add_option("--reason", reason_, "kept with the record");
        command->callback([this, act] { chosen_ = [this, act] { return (this->*act)(); }; });
        return command;
    };
    CLI::App* open = add("open", "its channels hear each other, as far as policy lets them", &Tool::open);
    open->add_option("ID", id_, "the bridge")->required();
    open->add_option("--wait", lasts_, "if consents are missing, open when they are there: within 15m, 2h");
    add("close", "its channels are separate again, at once", &Tool::close)
        ->add_option("ID", id_, "the bridge")
        ->required();
    CLI::App* create =
        add("create", "make a bridge of a template, of channels that it offers", &Tool::create);
    create->add_option("ID", id_, "the bridge's name; left out: the template's with a number");
    create->add_option("--template", from_, "`bridge templates` shows which there are")->required();
    create->add_option("--channels", channels_, "A,B: two or more")->required()->delimiter(',');
    add("remove", "take a bridge away that was made of a template", &Tool::remove)
        ->add_option("ID", id_, "the bridge")
        ->required();
    bridge->add_subcommand("templates", "what bridges can be made of")->callback([this] {
        chosen_ = [this] { return show_list(client().get("/api/v1/templates"), kTemplates); };
    });
    add_consent_commands(app, *bridge);
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
            return show(client().remove("/api/v1/bridges/" + encode(id_) + "/consents", body),
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
            return command("/api/v1/keys/" + encode(id_) + "/rotate",
                           id_ + " has a new key; the old one is gone, and what it signed has ended");
        };
    });
}

int Tool::open() {
    object body;
    if (!reason_.empty()) body["reason"] = reason_;
    if (!lasts_.empty()) {
        const auto seconds = seconds_of(lasts_);
        if (!seconds || !(*seconds <= 86400)) {
            fmt::print(stderr, "crosspatchctl: --wait: '{}' is no time up to a day; write 15m or 2h\n",
                       lasts_);
            return kUsage;
        }
        body["waits_ms"] = static_cast<std::int64_t>(*seconds * 1000);
    }
    return show(client().post("/api/v1/bridges/" + encode(id_) + "/open", body), [&](const value& bridge) {
        if (bridge.at("state") == "open")
            fmt::print("{} is open\n", id_);
        else
            fmt::print("{} is requested: it opens when {} consents\n", id_,
                       cell(bridge.at("missing_consent")));
    });
}

int Tool::close() {
    const std::string target = "/api/v1/bridges/" + encode(id_);
    const int done = command(target + "/close", id_ + " is closed");
    if (done != kDone || json_) return done;
    // Who closes one of two may think that nobody hears the other side any more.
    const Reply reply = client().get(target);
    if (reply.status != 200) return done;
    const value bridge = reply.json();
    if (const array& others = bridge.at("also_joined_by").as_array(); !others.empty())
        fmt::print("some of its channels are still joined by {}\n", cell(others));
    return done;
}

int Tool::create() {
    object body{{"template", from_}, {"channels", array(channels_.begin(), channels_.end())}};
    if (!id_.empty()) body["id"] = id_;
    if (!reason_.empty()) body["reason"] = reason_;
    return show(client().post("/api/v1/bridges", body), [](const value& bridge) {
        const std::string id = cell(bridge.at("id"));
        const array& missing = bridge.at("missing_consent").as_array();
        if (missing.empty())
            fmt::print("{0} is made; `crosspatchctl bridge open {0}` opens it\n", id);
        else
            fmt::print(
                "{0} is made and waits for the consent of {1}: `crosspatchctl bridge open {0} --wait 15m` "
                "opens it then\n",
                id, cell(missing));
    });
}

int Tool::remove() {
    object body;
    if (!reason_.empty()) body["reason"] = reason_;
    return show(client().remove("/api/v1/bridges/" + encode(id_), body),
                [this](const value&) { fmt::print("{} is closed and gone\n", id_); });
}

int Tool::terms() {
    return show(client().get("/api/v1/bridges/" + encode(id_) + "/terms"), [](const value& body) {
        // Lines of our own making; what comes from the daemon is escaped in them.
        fmt::print("{}", describe_terms(body.as_object()));
    });
}

int Tool::jurisdiction() {
    std::string target = "/api/v1/bridges/" + encode(id_) + "/jurisdiction";
    if (!agency_.empty()) target += "?agency=" + encode(agency_);
    if (!role_.empty()) target += (agency_.empty() ? "?role=" : "&role=") + encode(role_);
    const bool asked_of_one = !agency_.empty() || !role_.empty();
    return show(client().get(target), [&](const value& body) {
        array rows;
        for (const value& one : body.at("rights").as_array()) {
            if (!asked_of_one && !one.at("allowed").as_bool()) continue;
            object row = one.as_object();
            row["allowed"] = one.at("allowed").as_bool() ? "yes" : "no";
            rows.push_back(std::move(row));
        }
        fmt::print("{}", table(rows, kRights));
    });
}

int Tool::consent() {
    object body;
    if (!file_.empty()) {
        auto read = read_json(file_);
        if (!read) return refused(read.error().context);
        body = std::move(*read);
    } else {
        const auto span = read_term(term_, core::wall_now());
        if (!span) return refused(span.error().context);
        if (!agency_.empty()) body["agency"] = agency_;
        body["expires"] = core::rfc3339(span->until, 0);
    }
    return show(client().post("/api/v1/bridges/" + encode(id_) + "/consents", body), [](const value& given) {
        fmt::print("{} consents to {} until {}\n", cell(given.at("agency")), cell(given.at("bridge")),
                   cell(given.at("until")));
        if (const array& missing = given.at("missing_consent").as_array(); !missing.empty())
            fmt::print("it waits for {}\n", cell(missing));
    });
}

int Tool::sign() {
    object terms;
    if (file_.empty()) {
        const Reply reply = client().get("/api/v1/bridges/" + encode(id_) + "/terms");
        if (reply.status != 200) return show(reply, [](const value&) {});
        terms = reply.json().as_object();
    } else {
        auto read = read_json(file_);
        if (!read) return refused(read.error().context);
        terms = std::move(*read);
    }
    const auto span = read_term(term_, core::wall_now());
    if (!span) return refused(span.error().context);
    const auto signed_one = sign_consent(terms, id_, key_file_, *span);
    if (!signed_one) return refused(signed_one.error().context);
    fmt::print("{}\n", *signed_one);
    // Who signs sees what; standard output is for the gateway.
    fmt::print(stderr, "{}{:<10} {} to {}\n", describe_terms(terms), "signed", core::rfc3339(span->from, 0),
               core::rfc3339(span->until, 0));
    return kDone;
}

int Tool::generate() {
    const auto line = generate_key(file_);
    if (!line) return refused(line.error().context);
    fmt::print("{}\n", *line);
    return kDone;
}

}  // namespace crosspatch::ctl
