#include "crosspatch/app/config.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "crosspatch/core/text.hpp"
#include "tests/support/temp_directory.hpp"

namespace crosspatch::app {
namespace {

// A configuration directory with the keys of conf/demo.yaml, and what became of a file in it.
class Desk {
public:
    Desk() {
        mkdir((directory_ / "keys").c_str(), 0700);
        int seed = 0;
        for (const char* name : {"guard.receive", "guard.send"}) key(name, 44, ++seed);
        for (const char* name : {"officer.receive", "officer.send"}) key(name, 30, ++seed);
        std::ifstream in{"conf/demo.yaml"};
        std::stringstream text;
        text << in.rdbuf();
        demo = text.str();
        REQUIRE_FALSE(demo.empty());
    }
    void key(const std::string& name, int size, int seed, mode_t mode = 0600) {
        std::string octets;
        for (int i = 0; i < size; ++i) octets += static_cast<char>(seed * 31 + i * 17 + 1);
        directory_.write("keys/" + name, core::to_base64(std::as_bytes(std::span{octets})) + "\n", mode);
    }
    // Loads it; the problems, a line each, "" if it is good.
    std::string load(const std::string& text, mode_t mode = 0600) {
        const auto file = directory_.write("crosspatch.yaml", text, mode);
        auto result = load_config(file);
        config.reset();
        if (result) {
            config = std::move(*result);
            return "";
        }
        std::string all;
        for (const std::string& line : result.error()) all += line + "\n";
        CHECK_FALSE(all.empty());
        return all;
    }
    // The demo with `from` replaced by `to`.
    std::string with(std::string_view from, std::string_view to, mode_t mode = 0600) {
        std::string text = demo;
        const auto at = text.find(from);
        REQUIRE(at != std::string::npos);
        return load(text.replace(at, from.size(), to), mode);
    }
    const std::filesystem::path& path() const { return directory_.path(); }

    std::string demo;
    std::unique_ptr<Config> config;

private:
    tests::TempDirectory directory_;
};
bool says(const std::string& problems, std::string_view text) {
    return problems.find(text) != std::string::npos;
}

TEST_CASE(
    "media workers: as many as this process has CPUs, or as it says, each on its own CPU if that is said") {
    Desk desk;
    CHECK(desk.load(desk.demo) == "");
    CHECK(desk.config->gateway.media_workers >= 1);
    CHECK_FALSE(desk.config->gateway.media_busy_poll);
    CHECK(desk.with("workers: auto", "workers: 3, busy_poll: true") == "");
    CHECK(desk.config->gateway.media_workers == 3);
    CHECK(desk.config->gateway.media_busy_poll);
    CHECK(desk.with("workers: auto", "workers: 1, cpus: [0]") == "");
    CHECK(desk.config->gateway.media_cpus == std::vector<unsigned>{0});
    CHECK(says(desk.with("workers: auto", "workers: 2, cpus: [0]"),
               "1 CPUs for 2 workers: give each worker one"));
    CHECK(says(desk.with("workers: auto", "workers: 2, cpus: [0, 0]"), "CPU 0 stands here twice"));
    CHECK(
        says(desk.with("workers: auto", "workers: 1, cpus: [1023]"), "this process may not run on CPU 1023"));
    CHECK(says(desk.with("workers: auto", "workers: 65"), "64"));
    CHECK(says(desk.with("workers: auto", "workers: 0"), "workers"));
    CHECK(says(desk.with("workers: auto", "busy_poll: yes"), "busy_poll"));
}

TEST_CASE("the demo's configuration loads, with every part in its place") {
    Desk desk;
    CHECK(desk.load(desk.demo) == "");
    REQUIRE(desk.config);
    const Config& config = *desk.config;
    CHECK(config.gateway.id == "demo-gw");
    CHECK(config.gateway.data_dir == (desk.path() / "var").lexically_normal());
    CHECK(config.gateway.control_socket == desk.path() / "var/control.sock");
    CHECK(config.gateway.media_listen.port() == 40000);
    CHECK(config.gateway.api_listen.port() == 8470);
    CHECK(config.agencies.size() == 2);
    CHECK(config.channels.size() == 2);
    CHECK(config.endpoints.size() == 2);
    CHECK(config.bridges.size() == 1);
    CHECK(config.digest.size() == 64);
    REQUIRE(config.warnings.size() == 1);
    CHECK(says(config.warnings[0], "this gateway keeps the keys of northgate, metro-pd"));
}

// bad-input.md, 75
TEST_CASE("a key that nobody knows is refused in every section, with the one that was meant") {
    Desk desk;
    CHECK(says(desk.with("gateway:\n", "gatewy: 1\ngateway:\n"), "did you mean 'gateway'?"));
    CHECK(says(desk.with("  data_dir:", "  data_dri: x\n  data_dir:"), "did you mean 'data_dir'?"));
    CHECK(says(desk.with("workers: auto", "wrokers: auto"), "wrokers"));
    CHECK(says(desk.with("{listen: 127.0.0.1:8470}", "{listen: 127.0.0.1:8470, port: 1}"), "port"));
}

TEST_CASE("what this version does not have is said as that") {
    Desk desk;
    CHECK(
        says(desk.with("{listen: 127.0.0.1:8470}", "{listen: 127.0.0.1:8470, tls: {}}"), "TLS for the API"));
    CHECK(says(desk.with("{listen: 127.0.0.1:8470}", "{listen: 192.0.2.1:8470}"),
               "the API listens on loopback only"));
}

TEST_CASE("rules name groups of this file, and what they name wrongly is said where it stands") {
    Desk desk;
    const auto with = [&](const std::string& groups, const std::string& talker) {
        std::string text = desk.demo;
        text.replace(text.find("bridges:\n"), 0, "groups: " + groups + "\n");
        const std::string_view first = "agency: metro-pd, kind";
        text.replace(text.find(first), first.size(), "talker: " + talker + ", kind");
        return desk.load(text);
    };
    CHECK(with("{patrol: {talkers: [ng-unit-7, ng-unit-8]}}", "'@patrol'") == "");
    CHECK(desk.config->channels[0].outbound.rules[0].when.talker.ids.size() == 2);
    CHECK(says(with("{patrol: {talkers: [ng-unit-7]}}", "'@patrl'"),
               "talker: there is no group '@patrl'; did you mean '@patrol'?"));
    CHECK(says(with("{patrol: {talkrs: [ng-unit-7]}}", "ng-unit-7"), "did you mean 'talkers'?"));
    CHECK(says(with("{patrol: {talkers: [ng-unit-7]}}", "@patrol"),
               "a value cannot begin with this character; quote it"));
    CHECK(with("[]", "ng-unit-7") != "");
}

// bad-input.md, 81
TEST_CASE("names that look alike are refused, whatever letters they are made of") {
    Desk desk;
    CHECK(says(desk.with("name: Metro Tactical 3", "name: NORTHGATE operations"),
               "looks like 'Northgate Operations'"));
    CHECK(says(desk.with("name: Metro Tactical 3", "name: N\xD0\xBErthgate Operations"),
               "looks like"));  // Cyrillic o
    CHECK(says(desk.with("name: Metro Police", "name: Northgate  Security"), "name"));
    CHECK(says(desk.with("id: pd-tac-3", "id: ng-ops"), "channel 'ng-ops' stands here a second time"));
}

// bad-input.md, 83
TEST_CASE("key files are private, regular and of the right length; the file itself nobody else may write") {
    Desk desk;
    desk.key("guard.receive", 44, 1, 0644);
    CHECK(says(desk.load(desk.demo), "guard.receive"));
    desk.key("guard.receive", 43, 1);
    CHECK(says(desk.load(desk.demo), "receive"));
    desk.key("guard.receive", 44, 2);  // the same as guard.send
    CHECK(desk.load(desk.demo) != "");
    desk.key("guard.receive", 44, 1);
    CHECK(desk.load(desk.demo) == "");
    CHECK(desk.load(desk.demo, 0666) != "");
    CHECK(says(desk.with("keys/guard.send", "keys/none"), "keys/none"));
    CHECK(unlink((desk.path() / "keys/guard.send").c_str()) == 0);
    CHECK(symlink((desk.path() / "keys/guard.receive").c_str(), (desk.path() / "keys/guard.send").c_str()) ==
          0);
    CHECK(desk.load(desk.demo) != "");
}

TEST_CASE("no problem ever shows a key") {
    Desk desk;
    const std::string secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
    const std::string inline_key = "srtp: {receive: '" + secret + "', send: {file: keys/guard.send}}";
    const auto problems = desk.with(
        "srtp: {suite: AEAD_AES_256_GCM, receive: {file: keys/guard.receive}, send: {file: keys/guard.send}}",
        inline_key);
    CHECK(problems != "");
    CHECK_FALSE(says(problems, secret.substr(0, 12)));
}

TEST_CASE("operators are people of this machine with an agency and a role of this file") {
    Desk desk;
    const auto with = [&](const std::string& person) {
        return desk.with("agencies:\n", "  operators: [" + person + "]\nagencies:\n");
    };
    CHECK(with("{unix: root, agency: northgate, role: supervisor}") == "");
    REQUIRE(desk.config);
    CHECK(desk.config->gateway.operators == std::vector<Operator>{{0, "root", "northgate", "supervisor"}});
    CHECK(
        says(with("{unix: no-such-person, role: supervisor}"), "this machine has no user 'no-such-person'"));
    CHECK(says(with("{unix: root, agency: nowhere, role: supervisor}"),
               "'nowhere' is not an agency of this file"));
    CHECK(says(with("{unix: root, role: king}"), "is not a role"));
    CHECK(says(with("{unix: root}"), "role"));
    CHECK(says(with("{role: supervisor}"), "unix"));
}

TEST_CASE("the control socket's path fits, and its group is one of this machine") {
    Desk desk;
    const auto with = [&](const std::string& control) {
        return desk.with("agencies:\n", "  control: " + control + "\nagencies:\n");
    };
    CHECK(with("{socket: run/c.sock, group: root}") == "");
    CHECK(desk.config->gateway.control_socket == desk.path() / "run/c.sock");
    CHECK(says(with("{group: no-such-group}"), "this machine has no group 'no-such-group'"));
    CHECK(says(with("{socket: " + std::string(120, 'x') + "}"), "at most 107 octets"));
}

TEST_CASE("sections that must be there are missed, and what is no file is refused in words") {
    Desk desk;
    CHECK(says(desk.load("a: 1\n"), "gateway"));
    CHECK(desk.load("") != "");
    CHECK(desk.load("[]\n") != "");
    CHECK(desk.load(std::string("\0\0", 2)) != "");
    const auto missing = load_config(desk.path() / "none.yaml");
    REQUIRE_FALSE(missing);
    CHECK(says(missing.error().at(0), "none.yaml"));
    CHECK_FALSE(load_config(desk.path()));
}

// bad-input.md, 84
TEST_CASE("a file that was cut off never crashes the loader, and inside a line it is always refused") {
    Desk desk;
    for (std::size_t size = 0; size < desk.demo.size(); ++size) {
        const std::string problems = desk.load(desk.demo.substr(0, size));
        CAPTURE(size);
        if (size > 0 && desk.demo[size - 1] != '\n') CHECK(problems != "");
    }
    CHECK(desk.load(desk.demo) == "");
}

TEST_CASE("sound that would go round outside the gateway is refused, and the way it would take is named") {
    Desk desk;
    const auto at = desk.demo.find("        type: rtp");
    REQUIRE(at != std::string::npos);
    const auto other = desk.demo.find("        type: rtp", at + 1);
    REQUIRE(other != std::string::npos);
    std::string looped = desk.demo;
    looped.insert(other, "        path: repeater-4\n");
    CHECK(desk.load(looped) == "");  // somewhere, and nobody else
    CHECK(desk.config->endpoints[1].shared_path == "repeater-4");
    looped.insert(at, "        path: repeater-4\n");
    const std::string problems = desk.load(looped);
    CHECK(says(
        problems,
        "channels[0].endpoints[0]: sound would go round: in at 'guard', over bridge 'riverside-joint' out at "
        "'officer', through path 'repeater-4' in at 'guard' again; take a channel off"));
    CHECK(std::count(problems.begin(), problems.end(), '\n') == 1);
    // The other way round is left, until neither says anything.
    looped.insert(looped.rfind("        type: rtp"), "        direction: listen\n");
    CHECK(says(desk.load(looped), "in at 'guard', over bridge 'riverside-joint' out at 'officer', through"));
    looped.insert(at, "        direction: listen\n");
    CHECK(desk.load(looped) == "");
}

}  // namespace
}  // namespace crosspatch::app
