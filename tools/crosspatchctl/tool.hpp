#pragma once
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"
#include "consent.hpp"
#include "crosspatch/core/text.hpp"
#include "table.hpp"

namespace crosspatch::ctl {

enum Exit {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kUnreachable = 69,
    kNotPermitted = 77,
    kRefused = 78
};  // contract.md, Programs

// `90s`, `30m`, `2h`, `7d`; nothing if it is none of these.
std::optional<double> seconds_of(const std::string& text);

// The commands of crosspatchctl: what was asked for on the command line, and how it is done.
//
// Errors   run() gives the exit code; why stands on standard error.
// Thread   the program's one.
class Tool {
public:
    int run(int argc, char** argv);

private:
    Client client() const {
        if (!api_.empty()) return Client{api_, token_};
        return Client{socket_.empty() ? (std::filesystem::path{data_dir_} / "control.sock").string()
                                      : socket_};
    }
    void add_commands(CLI::App& app);
    void add_bridge_commands(CLI::App& app);
    void add_policy_commands(CLI::App& app);
    void add_consent_commands(CLI::App& app, CLI::App& bridge);
    void add_record_commands(CLI::App& app);
    CLI::App* list(CLI::App& app, const std::string& name, const std::string& help,
                   const std::vector<Column>& columns);

    // Prints what the daemon said; the exit code.
    int show(const Reply& reply, const std::function<void(const boost::json::value&)>& print);
    int show_list(const Reply& reply, const std::vector<Column>& columns) {
        return show(reply, [&](const boost::json::value& body) {
            fmt::print("{}", table(body.at("items").as_array(), columns));
            if (const boost::json::value& next = body.at("next"); next.is_string())
                fmt::print("more: --cursor {}\n", cell(next));
        });
    }
    int command(const std::string& target, const std::string& done);
    int label();
    int reload();
    int open();
    int close();
    int create();
    int remove();
    int terms();
    int jurisdiction();
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
    std::vector<std::string> channels_;
    Term term_;
    bool json_{}, emergency_{}, follow_{};
    unsigned lines_{20};
    std::function<int()> chosen_;
};

}  // namespace crosspatch::ctl
