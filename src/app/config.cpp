#include "crosspatch/app/config.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

#include "crosspatch/bridge/loop.hpp"
#include "crosspatch/bridge/terms.hpp"
#include "crosspatch/core/text.hpp"
#include "crosspatch/media/worker.hpp"
#include "crosspatch/record/consent.hpp"

namespace crosspatch::app {
namespace {

using core::config::Map;
using core::config::Node;
using core::config::Problems;
using core::config::Word;
using namespace std::chrono_literals;

// The CPUs that this process may run on.
cpu_set_t usable_cpus() {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    sched_getaffinity(0, sizeof cpus, &cpus);
    return cpus;
}

std::size_t count_of(const cpu_set_t& cpus) {
    return std::clamp<std::size_t>(static_cast<std::size_t>(CPU_COUNT(&cpus)), 1, media::Worker::kMost);
}

class Reader {
public:
    Reader(core::config::Document document, const std::filesystem::path& file, rtp::KeyPlace keys,
           Problems& problems)
        : problems_{problems},
          document_{std::move(document)},
          keys_{std::move(keys)},
          config_{std::make_unique<Config>()} {
        config_->file = file;
        config_->digest = document_.digest();
        config_->names = std::make_shared<policy::Names>();
        for (const std::string_view role : policy::kRoles) config_->names->intern(role);
    }

    std::unique_ptr<Config> read() {
        if (!problems_.empty()) return nullptr;  // not even YAML
        Map map = document_.root().map();
        if (!map.present()) return nullptr;
        const auto gateway = map.require("gateway");
        const auto agencies = map.require("agencies");
        const auto channels = map.require("channels");
        const auto bridges = map.find("bridges");
        const auto templates = map.find("templates");
        const auto groups = map.find("groups");
        const auto jurisdiction = map.find("jurisdiction");
        map.finish();
        if (agencies) config_->agencies = bridge::read_agencies(*agencies);
        if (gateway) read_gateway(*gateway);
        if (agencies && channels) read_channels(*agencies, *channels, groups);
        if (bridges) config_->bridges = bridge::read_bridges(*bridges, config_->agencies, config_->channels);
        if (templates)
            config_->templates = bridge::read_templates(*templates, config_->agencies, config_->channels);
        read_jurisdiction(jurisdiction);
        hash_terms();
        warn_of_twins();
        check_names();
        endpoint::check_together(config_->endpoints, config_->gateway.media_listen, problems_);
        if (problems_.empty()) check_loops();  // of ids that mean what they say
        config_->endpoints.shrink_to_fit();    // kept as long as they are in force
        warn_of_one_hand(config_->bridges, "bridges");
        warn_of_one_hand(config_->templates, "templates");
        return std::move(config_);
    }

private:
    void read_gateway(const Node& node) {
        GatewayConfig& gateway = config_->gateway;
        Map map = node.map();
        if (const auto id = map.require("id")) gateway.id = core::config::identifier(*id).value_or("");
        if (const auto dir = map.require("data_dir"))
            if (const auto text = dir->text()) gateway.data_dir = (keys_.base / *text).lexically_normal();
        if (const auto media = map.find("media")) read_media(*media);
        if (const auto api = map.find("api")) read_api(*api);
        gateway.control_socket = gateway.data_dir / "control.sock";
        if (const auto control = map.find("control")) read_control(*control);
        if (const auto operators = map.find("operators"))
            for (const Node& one : operators->list()) read_operator(one);
        if (const auto record = map.find("record")) gateway.record = record::read_settings(*record);
        if (const auto gap = map.find("call_gap"))
            gateway.call_gap = core::config::duration(*gap, 1s, 10min).value_or(gateway.call_gap);
        map.finish();
    }

    void read_media(const Node& node) {
        Map map = node.map();
        if (const auto listen = map.find("listen"))
            config_->gateway.media_listen = core::config::listen_address(*listen).value_or(core::Address{});
        GatewayConfig& gateway = config_->gateway;
        gateway.media_workers = count_of(usable_cpus());
        if (const auto workers = map.find("workers"))
            if (const auto text = workers->text(); text && *text != "auto") {
                gateway.media_auto = false;
                gateway.media_workers = static_cast<std::size_t>(
                    core::config::integer(*workers, 1, media::Worker::kMost).value_or(1));
            }
        if (const auto cpus = map.find("cpus")) read_cpus(*cpus);
        if (const auto most = map.find("max_load_percent"))
            gateway.media_max_load =
                static_cast<double>(core::config::integer(*most, 1, 100).value_or(80)) / 100;
        if (const auto poll = map.find("busy_poll"))
            gateway.media_busy_poll = core::config::boolean(*poll).value_or(false);
        map.finish();
    }

    void read_cpus(const Node& node) {
        GatewayConfig& gateway = config_->gateway;
        const cpu_set_t usable = usable_cpus();
        for (const Node& one : node.list()) {
            const auto cpu = core::config::integer(one, 0, CPU_SETSIZE - 1);
            if (!cpu) continue;
            if (!CPU_ISSET(static_cast<std::size_t>(*cpu), &usable))
                one.problem(fmt::format("this process may not run on CPU {}", *cpu));
            const auto number = static_cast<unsigned>(*cpu);
            if (std::find(gateway.media_cpus.begin(), gateway.media_cpus.end(), number) !=
                gateway.media_cpus.end())
                one.problem(fmt::format("CPU {} stands here twice", number));
            gateway.media_cpus.push_back(number);
        }
        if (gateway.media_cpus.size() != gateway.media_workers)
            node.problem(fmt::format("{} CPUs for {} workers: give each worker one",
                                     gateway.media_cpus.size(), gateway.media_workers));
    }

    void read_api(const Node& node) {
        Map map = node.map();
        if (const auto listen = map.find("listen")) {
            config_->gateway.api_listen = core::config::listen_address(*listen).value_or(core::Address{});
            if (config_->gateway.api_listen && !config_->gateway.api_listen.is_loopback())
                listen->problem(
                    "without TLS, which is not in this version, the API listens on loopback only: "
                    "127.0.0.1:8470");
        }
        map.not_yet("tls", "TLS for the API");
        map.finish();
    }

    void read_control(const Node& node) {
        Map map = node.map();
        if (const auto socket = map.find("socket"))
            if (const auto text = socket->text()) {
                config_->gateway.control_socket = (keys_.base / *text).lexically_normal();
                if (config_->gateway.control_socket.native().size() > 107)
                    socket->problem("a Unix socket's path has at most 107 octets");
            }
        if (const auto group = map.find("group"))
            if (const auto text = group->text()) {
                config_->gateway.control_group = *text;
                if (!getgrnam(text->c_str()))
                    group->problem(fmt::format("this machine has no group '{}'", core::escape(*text)));
            }
        map.finish();
    }

    void read_operator(const Node& node) {
        Operator person;
        Map map = node.map();
        if (const auto name = map.require("unix"))
            if (const auto text = name->text()) {
                person.name = *text;
                if (const passwd* user = getpwnam(text->c_str()))
                    person.uid = user->pw_uid;
                else
                    name->problem(fmt::format("this machine has no user '{}'", core::escape(*text)));
            }
        if (const auto agency = map.find("agency"))
            if (const auto text = agency->text()) {
                person.agency = *text;
                const auto same = [&](const bridge::Agency& other) { return other.id == *text; };
                if (std::none_of(config_->agencies.begin(), config_->agencies.end(), same))
                    agency->problem(fmt::format("'{}' is not an agency of this file", core::escape(*text)));
            }
        if (const auto role = map.require("role")) {
            std::vector<Word> words;
            for (const std::string_view word : policy::kRoles)
                words.push_back({word, static_cast<int>(words.size())});
            if (const auto index = core::config::choice(*role, "role", words))
                person.role = policy::kRoles[static_cast<std::size_t>(*index)];
        }
        map.finish();
        config_->gateway.operators.push_back(std::move(person));
    }

    void read_channels(const Node& agencies, const Node& channels, const std::optional<Node>& groups) {
        const policy::Known names = bridge::known_names(agencies, channels);
        policy::Vocabulary known{names};
        if (groups) known.use(policy::read_groups(*groups, known, *config_->names));
        policy::Zones zones{core::wall_now()};
        std::map<std::string, core::config::Mark> seen;
        for (const Node& node : channels.list()) {
            Map map = node.map();
            if (!map.present()) continue;
            const auto endpoints = map.find("endpoints");
            auto channel = bridge::read_channel(map, known, *config_->names, zones);
            std::vector<endpoint::Config> read;
            if (endpoints) read = endpoint::read_endpoints(*endpoints, channel ? channel->id : "", keys_);
            if (!channel) continue;
            const auto [first, added] = seen.emplace(channel->id, node.mark());
            if (!added)
                node.problem(fmt::format("channel '{}' stands here a second time; the first is in line {}",
                                         channel->id, first->second.line));
            for (endpoint::Config& one : read) config_->endpoints.push_back(std::move(one));
            config_->channels.push_back(std::move(*channel));
        }
    }

    // Before the terms: who may do what is a part of them.
    void read_jurisdiction(const std::optional<Node>& list) {
        // Templates as well: what is made of one is under the rules that name it.
        std::vector<bridge::Bridge>& all = config_->bridges;
        const auto bridges = static_cast<std::ptrdiff_t>(all.size());
        all.insert(all.end(), config_->templates.begin(), config_->templates.end());
        if (list) config_->jurisdiction = bridge::read_jurisdiction(*list, config_->agencies, all);
        bridge::apply_jurisdiction(config_->jurisdiction, all, problems_);
        config_->templates.assign(all.begin() + bridges, all.end());
        all.erase(all.begin() + bridges, all.end());
    }

    // Two names that look alike are one mistake away from the wrong channel.
    void check_names() {
        std::map<std::string, std::string> seen;
        const auto once = [&](const std::string& name, std::string_view what, core::config::Mark mark,
                              std::string path) {
            const auto [first, added] =
                seen.emplace(fmt::format("{}/{}", what, core::name_skeleton(name)), name);
            if (!added)
                problems_.add(mark, std::move(path),
                              fmt::format("the name '{}' looks like '{}'; give one of the two {} another",
                                          core::escape(name), core::escape(first->second), what));
        };
        for (std::size_t i = 0; i < config_->agencies.size(); ++i)
            once(config_->agencies[i].name, "agencies", config_->agencies[i].mark,
                 fmt::format("agencies[{}].name", i));
        for (std::size_t i = 0; i < config_->channels.size(); ++i)
            once(config_->channels[i].name, "channels", config_->channels[i].mark,
                 fmt::format("channels[{}].name", i));
    }

    // Sound that comes back to where it was keeps a floor taken for good.
    void check_loops() {
        const std::vector<bridge::LoopEnd> ends = loop_ends(*config_);
        const auto loop = bridge::find_loop(ends, config_->bridges);
        if (!loop) return;
        const endpoint::Config& first = config_->endpoints[loop->passes.front().in];
        problems_.add(first.mark, first.path,
                      fmt::format("sound would go round: {}; take a channel off the bridge, or let an "
                                  "endpoint where it goes out only "
                                  "talk, or one where it comes in only listen (`direction`)",
                                  bridge::describe(*loop, ends, config_->bridges)));
    }

    // What agencies consent to when they consent to a bridge. What is too much for one bridge is said once: the next ones may
    // be as large.
    void hash_terms() {
        bridge::TermsHashes hashes{config_->channels, *config_->names, config_->gateway.record.recordings};
        for (bridge::Bridge& one : config_->bridges) {
            auto hash = hashes.hash(one);
            if (hash)
                one.terms = std::move(*hash);
            else
                problems_.add(one.mark, fmt::format("bridges '{}'", one.id),
                              "its terms cannot be signed: " + hash.error().context);
            if (!hash && hash.error().code == core::Error::Code::Exhausted) return;
        }
    }

    // Who closes one of them may think that nobody hears the other side any more.
    void warn_of_twins() {
        std::map<std::set<std::string>, const bridge::Bridge*> seen;
        for (const bridge::Bridge& one : config_->bridges) {
            std::set<std::string> channels;
            for (const bridge::Leg& leg : one.legs) channels.insert(leg.channel);
            const auto [first, added] = seen.emplace(std::move(channels), &one);
            if (!added)
                problems_.warn(one.mark, fmt::format("bridges '{}'", one.id),
                               fmt::format("bridge '{}' in line {} joins the same channels: while one of the "
                                           "two is open, closing the other separates nobody",
                                           first->second->id, first->second->mark.line));
        }
    }

    // contract.md, Bridges: where one operator holds both keys, that is said at load.
    void warn_of_one_hand(const std::vector<bridge::Bridge>& bridges, std::string_view section) {
        const auto is_kept = [&](const std::string& id) {
            return std::any_of(config_->agencies.begin(), config_->agencies.end(),
                               [&](const auto& agency) { return agency.id == id && agency.key_kept_here; });
        };
        for (const bridge::Bridge& one : bridges) {
            std::vector<std::string> kept;
            std::copy_if(one.agencies.begin(), one.agencies.end(), std::back_inserter(kept), is_kept);
            if (one.standing_consent.size() > 1)
                problems_.warn(
                    one.mark, fmt::format("{} '{}'", section, one.id),
                    fmt::format(
                        "this gateway keeps the keys of {} and consents for all of them: whoever runs it "
                        "decides alone",
                        fmt::join(one.standing_consent, ", ")));
            else if (kept.size() > 1)
                problems_.warn(
                    one.mark, fmt::format("{} '{}'", section, one.id),
                    fmt::format("this gateway keeps the keys of {}: whoever runs it can consent for all "
                                "of them",
                                fmt::join(kept, ", ")));
        }
    }

    Problems& problems_;
    core::config::Document document_;
    rtp::KeyPlace keys_;
    std::unique_ptr<Config> config_;
};

Loaded load(core::config::Document document, const std::filesystem::path& file, rtp::KeyPlace keys,
            Problems& problems) {
    std::unique_ptr<Config> config = Reader{std::move(document), file, std::move(keys), problems}.read();
    if (!problems.empty() || !config) return core::Unexpected{problems.lines()};
    config->warnings = problems.warnings();
    return config;
}

}  // namespace

std::vector<bridge::LoopEnd> loop_ends(const Config& config) {
    std::vector<bridge::LoopEnd> ends;
    for (const endpoint::Config& one : config.endpoints)
        ends.push_back({.id = one.settings.id,
                        .channel = one.settings.channel,
                        .path = one.shared_path,
                        .talks = one.settings.direction != bridge::Direction::Listen,
                        .listens = one.settings.direction != bridge::Direction::Talk});
    return ends;
}

Loaded load_config(const std::filesystem::path& file) {
    Problems problems{file.string()};
    auto document = core::config::Document::load(file, problems);
    rtp::KeyPlace keys{.base = std::filesystem::absolute(file).parent_path(),
                       .config_is_private = (document.mode() & 0007U) == 0};
    return load(std::move(document), file, std::move(keys), problems);
}

Loaded load_config(std::string_view text, const std::filesystem::path& file, rtp::KeyPlace keys) {
    Problems problems{file.string()};
    return load(core::config::Document::parse(text, problems), file, std::move(keys), problems);
}

}  // namespace crosspatch::app
