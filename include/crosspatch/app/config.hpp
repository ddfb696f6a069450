#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crosspatch/bridge/config.hpp"
#include "crosspatch/bridge/loop.hpp"
#include "crosspatch/core/address.hpp"
#include "crosspatch/core/result.hpp"
#include "crosspatch/endpoint/config.hpp"
#include "crosspatch/policy/names.hpp"
#include "crosspatch/record/settings.hpp"
#include "crosspatch/rtp/srtp_suite.hpp"

namespace crosspatch::app {

// A person on this machine who may use the control socket.
struct Operator {
    std::uint32_t uid{};
    std::string name;
    std::string agency;  // empty: none
    std::string role;
    bool operator==(const Operator&) const = default;
};

struct GatewayConfig {
    std::string id;
    std::filesystem::path data_dir;
    core::Address media_listen;  // none: there is no shared port
    std::size_t media_workers{1};
    bool media_auto{true};             // as many as there are CPUs, counted at start
    std::vector<unsigned> media_cpus;  // one for each worker, or none
    bool media_busy_poll{};
    double media_max_load{0.8};  // of each worker's time
    core::Address api_listen;    // none: the control socket only
    std::filesystem::path control_socket;
    std::string control_group;
    std::vector<Operator> operators;
    record::Settings record;
    std::chrono::milliseconds call_gap{10'000};
};

// A whole configuration file that has been found good.
//
// Shape    everything with its names checked against everything else; rule lists are owned here and pointed to by the
//          Topology, so the object stays until no worker uses it.
// Thread   read by control; immutable after load. Copies share keys and compiled rules.
struct Config {
    std::filesystem::path file;
    std::string digest;  // SHA-256 of the file, hex
    GatewayConfig gateway;
    std::vector<bridge::Agency> agencies;
    std::vector<bridge::Channel> channels;
    std::vector<endpoint::Config> endpoints;
    std::vector<bridge::Bridge> bridges;    // those of the file, then those that people made of templates
    std::vector<bridge::Bridge> templates;  // what bridges may be made of
    bridge::JurisdictionRules jurisdiction;
    std::shared_ptr<policy::Names> names;
    std::vector<std::string> warnings;  // `FILE:LINE:COLUMN: PATH: TEXT`
};

// Where sound comes in and goes out, for the search for loops.
std::vector<bridge::LoopEnd> loop_ends(const Config& config);

// A good configuration, or every problem of the file, a line each.
using Loaded = core::Result<std::unique_ptr<Config>, std::vector<std::string>>;

// Reads and checks `file`; a refused one has changed nothing. Reads key files and looks up users and groups,
// but opens no port.
Loaded load_config(const std::filesystem::path& file);
// The same for a text; `file` is what its problems name.
Loaded load_config(std::string_view text, const std::filesystem::path& file, rtp::KeyPlace keys);

}  // namespace crosspatch::app
