#include <fmt/format.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "crosspatch/app/app.hpp"
#include "crosspatch/policy/matrix.hpp"

namespace {

enum Exit { kDone = 0, kFailed = 1, kUsage = 2, kRefused = 78 };  // contract.md, Programs

// Who hears whom: for whoever writes the rules.
void explain(const std::string& file) {
    namespace core = crosspatch::core;
    namespace policy = crosspatch::policy;
    core::config::Problems problems{file};
    const auto document = core::config::Document::load(file, problems);
    policy::Names names;
    const policy::Layout layout = policy::read_layout(document.root(), names, core::wall_now());
    const policy::Told told = policy::who_hears_whom(layout, names, core::wall_now());
    for (const std::string& line : told.lines) fmt::print("{}\n", line);
}

int run(const std::string& file, bool check, bool explained) {
    auto config = crosspatch::app::load_config(file);
    if (!config) {
        for (const std::string& problem : config.error()) fmt::print(stderr, "{}\n", problem);
        return kRefused;
    }
    if (check) {
        for (const std::string& warning : (*config)->warnings) fmt::print(stderr, "{} (warning)\n", warning);
        fmt::print("{}: good: {} agencies, {} channels, {} endpoints, {} bridges\n", file,
                   (*config)->agencies.size(), (*config)->channels.size(), (*config)->endpoints.size(),
                   (*config)->bridges.size());
        if (explained) explain(file);
        return kDone;
    }
    return crosspatch::app::App{std::move(*config)}.run();
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App options{
        "crosspatchd: bridges private-security radio channels and police talkgroups over encrypted RTP"};
    std::string file;
    bool check = false;
    bool explained = false;
    options.add_option("--config", file, "the configuration file (YAML)")->required();
    CLI::Option* checked =
        options.add_flag("--check", check, "say whether the file is good, and exit: 0 if it is, 78 if not");
    options.add_flag("--explain", explained, "with --check: who hears whom, and by which rules")
        ->needs(checked);
    options.set_version_flag("--version", std::string{"crosspatchd "} + CROSSPATCH_VERSION);
    try {
        options.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return options.exit(error) == 0 ? kDone : kUsage;
    }
    umask(0077);
    prctl(PR_SET_DUMPABLE, 0);  // no core files: they would hold keys
    if (sodium_init() < 0) {
        fmt::print(stderr, "crosspatchd: the crypto library does not start; reinstall libsodium\n");
        return kFailed;
    }
    try {
        return run(file, check, explained);
    } catch (const std::exception& error) {
        fmt::print(stderr, "crosspatchd: {}\n", error.what());
        return kFailed;
    }
}
