#include "crosspatch/policy/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "src/policy/ways.hpp"

namespace crosspatch::policy {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kMostColumns = 8;  // of the table of one bridge
constexpr std::size_t kContinued = 9;    // where a line that was broken goes on
constexpr std::size_t kMostLines = 200;  // on one way

// What is said of one way.
struct Account {
    std::vector<std::string> lines;
    const char* summary{"?"};  // yes | partly | no
};

// Breaks the text at commas and blanks, with what is continued further in.
void add_wrapped(std::vector<std::string>& lines, std::string text, std::size_t indent) {
    while (text.size() > kColumns) {
        std::size_t at = text.rfind(' ', kColumns);
        if (at == std::string::npos || at <= indent) break;
        lines.push_back(text.substr(0, at));
        text = std::string(indent, ' ') + text.substr(at + 1);
    }
    lines.push_back(std::move(text));
}

// The situations, and the rules beside them, or below them where that would be too wide.
void add_line(std::vector<std::string>& lines, bool allowed, const Grid& grid, const Grid::Box& box,
              const std::string& keys) {
    const std::string conditions = grid.conditions(box);
    const std::string situations = fmt::format("    {:<4} {}{}{}", allowed ? "yes" : "no", grid.who(box),
                                               conditions.empty() ? "" : ": ", conditions);
    if (situations.size() + 2 + keys.size() <= kColumns) {
        lines.push_back(fmt::format("{}  {}", situations, keys));
        return;
    }
    add_wrapped(lines, situations, kContinued);
    add_wrapped(lines, std::string(kContinued, ' ') + keys, kContinued + 2);
}

class Teller {
public:
    Teller(const Layout& layout, const Names& names, core::WallTime now)
        : layout_{layout}, names_{names}, week_{week_after(now)}, channels_{index_of(layout)} {}

    Told tell() {
        for (const Layout::Bridge& bridge : layout_.bridges) {
            tell_bridge(bridge);
            if (!budget_.spent()) continue;
            told_.complete = false;
            add_wrapped(
                told_.lines,
                fmt::format("? bridge {}: stopped here, for the rest would take too long: ask for one way "
                            "by `crosspatchctl policy explain --from CHANNEL --to CHANNEL`, or put the "
                            "bridges in question into a file of their own",
                            bridge.id),
                2);
            break;
        }
        if (!budget_.spent()) tell_unbridged();
        if (!told_.complete) add("not all of it could be told; the lines with ? say where");
        return std::move(told_);
    }

private:
    std::optional<std::vector<Answer>> decide(const Grid& grid, const Grid::Way& way,
                                              std::vector<std::uint32_t>& numbers);
    bool tell_answers(const Grid& grid, const std::vector<Answer>& answers,
                      const std::vector<std::uint32_t>& numbers, std::vector<std::string>& lines);
    Account account_of(const Layout::Bridge& bridge, const Grid::Way& way);
    std::vector<Account> accounts_from(const Layout::Bridge& bridge, std::size_t from);
    void tell_bridge(const Layout::Bridge& bridge);
    void tell_table(const Layout::Bridge& bridge, const std::vector<std::vector<Account>>& accounts,
                    std::size_t width);
    void tell_ways_from(const Layout::Bridge& bridge, std::size_t from, const std::vector<Account>& accounts);
    void tell_unbridged();
    std::string key_words(const Answer& answer) const;
    void add(std::string line) { told_.lines.push_back(std::move(line)); }

    const Layout& layout_;
    const Names& names_;
    core::WallTime week_;
    ChannelIndex channels_;
    Costs costs_;
    Budget budget_{kMaxWork};
    Told told_;
    std::size_t situations_{};
};

std::string Teller::key_words(const Answer& answer) const {
    std::string text =
        fmt::format("[outbound: {}; inbound: {}", rule_text(answer.outbound), rule_text(answer.inbound));
    if (const std::string effects = effects_text(answer.effects); !effects.empty()) text += "; " + effects;
    return text + "]";
}

// What is decided, and for each situation which of it. Nothing: it is too much.
std::optional<std::vector<Answer>> Teller::decide(const Grid& grid, const Grid::Way& way,
                                                  std::vector<std::uint32_t>& numbers) {
    const std::uint64_t cost = costs_.situation(way);
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < grid.cells(); ++i) {
        if (!budget_.spend(cost + 10 * answers.size())) return std::nullopt;
        const Answer answer = answer_of(way, grid.cell(i), names_);
        const auto known = std::find_if(answers.begin(), answers.end(), [&](const Answer& one) {
            return decided_alike(one.outbound, answer.outbound) &&
                   decided_alike(one.inbound, answer.inbound) && one.effects == answer.effects &&
                   one.allowed == answer.allowed;
        });
        numbers.push_back(static_cast<std::uint32_t>(known - answers.begin()));
        if (known == answers.end()) answers.push_back(answer);
        if (answers.size() > kMaxAnswers) return std::nullopt;
    }
    return answers;
}

// False: it was too much.
bool Teller::tell_answers(const Grid& grid, const std::vector<Answer>& answers,
                          const std::vector<std::uint32_t>& numbers, std::vector<std::string>& lines) {
    constexpr std::uint64_t kLine = 20'000;
    for (const bool allowed : {true, false})
        for (std::uint32_t number = 0; number < answers.size(); ++number) {
            if (answers[number].allowed != allowed) continue;
            const auto boxes = grid.boxes(numbers, number, budget_);
            if (!boxes || !budget_.spend(kLine * boxes->size())) return false;
            for (const Grid::Box& box : *boxes)
                add_line(lines, allowed, grid, box, key_words(answers[number]));
        }
    return true;
}

Account Teller::account_of(const Layout::Bridge& bridge, const Grid::Way& way) {
    constexpr const char* kTooMany =
        "    ?    too many situations to tell here: ask `crosspatchctl policy explain`";
    if (!budget_.spend(costs_.grid(way))) return {};
    if (!bridge.carries(*way.from))
        return {{fmt::format("    no   everybody  [{}]", too_confidential(*way.from, bridge))}, "no"};
    const Grid grid{{way}, names_, week_};
    Account account;
    if (grid.too_large() || situations_ + grid.cells() > kMaxSituations) {
        told_.complete = false;
        account.lines.emplace_back(kTooMany);
        return account;
    }
    situations_ += grid.cells();
    std::vector<std::uint32_t> numbers;
    const auto answers = decide(grid, way, numbers);
    if (!answers || !tell_answers(grid, *answers, numbers, account.lines)) {
        told_.complete = false;
        account.lines.assign(1, kTooMany);
        return account;
    }
    const auto is_allowed = [](const Answer& answer) { return answer.allowed; };
    account.summary = std::all_of(answers->begin(), answers->end(), is_allowed)   ? "yes"
                      : std::any_of(answers->begin(), answers->end(), is_allowed) ? "partly"
                                                                                  : "no";
    if (account.lines.size() > kMostLines) {
        told_.complete = false;
        const std::size_t left_out = account.lines.size() - kMostLines;
        account.lines.resize(kMostLines);
        account.lines.push_back(fmt::format("    ?    {} more lines are left out", left_out));
    }
    return account;
}

// Rows talk, columns hear.
void Teller::tell_table(const Layout::Bridge& bridge, const std::vector<std::vector<Account>>& accounts,
                        std::size_t width) {
    std::string head = fmt::format("  {:<{}}", "", width);
    for (const Layout::Leg& leg : bridge.legs) head += fmt::format("  {:<{}}", leg.channel, width);
    add(head.substr(0, head.find_last_not_of(' ') + 1));
    for (std::size_t i = 0; i < bridge.legs.size(); ++i) {
        std::string row = fmt::format("  {:<{}}", bridge.legs[i].channel, width);
        for (std::size_t k = 0; k < bridge.legs.size(); ++k) {
            const bool open = i != k && bridge.legs[i].heard && bridge.legs[k].hears;
            row += fmt::format("  {:<{}}", open ? accounts[i][k].summary : i == k ? "." : "-", width);
        }
        add(row.substr(0, row.find_last_not_of(' ') + 1));
    }
}

// Ways of which the same is said are told together.
void Teller::tell_ways_from(const Layout::Bridge& bridge, std::size_t from,
                            const std::vector<Account>& accounts) {
    std::vector<bool> done(bridge.legs.size());
    for (std::size_t to = 0; to < bridge.legs.size(); ++to) {
        if (done[to] || accounts[to].lines.empty()) continue;
        if (!budget_.spend(20 * bridge.legs.size())) return;
        std::vector<std::string> heard_on;
        for (std::size_t other = to; other < bridge.legs.size(); ++other) {
            if (accounts[other].lines != accounts[to].lines) continue;
            done[other] = true;
            heard_on.push_back(bridge.legs[other].channel);
        }
        add_wrapped(told_.lines, fmt::format("  {} to {}", bridge.legs[from].channel, joined(heard_on)), 4);
        told_.lines.insert(told_.lines.end(), accounts[to].lines.begin(), accounts[to].lines.end());
    }
}

std::vector<Account> Teller::accounts_from(const Layout::Bridge& bridge, std::size_t from) {
    std::vector<Account> accounts(bridge.legs.size());
    if (!budget_.spend(100 * bridge.legs.size())) return accounts;
    for (std::size_t to = 0; to < bridge.legs.size() && !budget_.spent(); ++to)
        if (from != to && bridge.legs[from].heard && bridge.legs[to].hears)
            accounts[to] = account_of(
                bridge, {channels_.at(bridge.legs[from].channel), channels_.at(bridge.legs[to].channel)});
    return accounts;
}

void Teller::tell_bridge(const Layout::Bridge& bridge) {
    add(fmt::format("bridge {}: who talks in a row is heard in a column", bridge.id));
    std::size_t width = 6;
    for (const Layout::Leg& leg : bridge.legs) width = std::max(width, leg.channel.size());
    if (bridge.legs.size() <= kMostColumns && (width + 2) * (bridge.legs.size() + 1) + 2 <= kColumns) {
        std::vector<std::vector<Account>> accounts;
        for (std::size_t i = 0; i < bridge.legs.size(); ++i) accounts.push_back(accounts_from(bridge, i));
        tell_table(bridge, accounts, width);
        for (std::size_t i = 0; i < bridge.legs.size(); ++i) tell_ways_from(bridge, i, accounts[i]);
    } else {
        for (std::size_t i = 0; i < bridge.legs.size() && !budget_.spent(); ++i)
            tell_ways_from(bridge, i, accounts_from(bridge, i));
    }
    add("");
}

void Teller::tell_unbridged() {
    std::set<std::string_view> joined_ones;
    for (const Layout::Bridge& bridge : layout_.bridges)
        for (const Layout::Leg& leg : bridge.legs) joined_ones.insert(leg.channel);
    std::vector<std::string> alone;
    for (const Layout::Channel& channel : layout_.channels)
        if (!joined_ones.contains(channel.id)) alone.push_back(channel.id);
    if (!alone.empty()) add_wrapped(told_.lines, "on no bridge: " + joined(alone), 4);
}

}  // namespace

Told who_hears_whom(const Layout& layout, const Names& names, core::WallTime now) {
    return Teller{layout, names, now}.tell();
}

}  // namespace crosspatch::policy
