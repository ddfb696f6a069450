#include "tests/bench/work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "crosspatch/core/text.hpp"

namespace crosspatch::bench {
namespace {

class Reader {
public:
    Work read(std::istream& file) {
        while (std::getline(file, line_)) {
            words_ = std::istringstream{line_};
            const std::string what = word();
            if (what == "gateway")
                work_.gateway = address();
            else if (what == "endpoint")
                endpoint();
            else if (what == "hears") {
                std::string from = word();
                work_.hears.emplace_back(std::move(from), word());
            } else if (what == "spurt")
                spurt();
            else
                refuse("gateway, endpoint, hears or spurt");
        }
        return std::move(work_);
    }

private:
    [[noreturn]] void refuse(std::string_view wanted) const {
        throw std::runtime_error{fmt::format("no {} in: {}", wanted, line_)};
    }
    std::string word() {
        std::string next;
        if (!(words_ >> next)) refuse("further word");
        return next;
    }
    std::size_t number() {
        std::size_t value{};
        if (!(words_ >> value)) refuse("number");
        return value;
    }
    core::Address address() {
        const auto value = core::Address::parse(word());
        if (!value) refuse("address");
        return *value;
    }
    rtp::MasterKey key(rtp::Suite suite) {
        const auto octets = core::from_base64(word());
        if (!octets) refuse("key");
        auto made = rtp::MasterKey::make(suite, core::Secret{*octets});
        if (!made) refuse("key of this suite");
        return std::move(*made);
    }
    codec::Format format() {
        const std::string text = word();
        const auto first = text.find(':');
        auto value = codec::format_named(text.substr(0, first));
        if (!value) refuse("codec");
        if (first != std::string::npos) {
            const auto second = text.find(':', first + 1);
            value->rate = static_cast<std::uint32_t>(std::stoul(text.substr(first + 1)));
            value->bitrate = static_cast<std::uint32_t>(std::stoul(text.substr(second + 1)));
        }
        return *value;
    }
    void endpoint() {
        std::string name = word();
        std::string channel = word();
        const codec::Format codec = format();
        const auto payload_type = static_cast<std::uint8_t>(number());
        const auto suite = rtp::suite_named(word());
        if (!suite || *suite == rtp::Suite::None) refuse("SRTP suite");
        const core::Address at = address();
        rtp::MasterKey to_gateway = key(*suite);
        rtp::MasterKey from_gateway = key(*suite);
        index_[name] = work_.endpoints.size();
        work_.endpoints.push_back({std::move(name), std::move(channel), codec, payload_type, *suite, at,
                                   std::move(to_gateway), std::move(from_gateway)});
    }
    void spurt() {
        const auto talker = index_.find(word());
        if (talker == index_.end()) refuse("endpoint of this name");
        const std::chrono::milliseconds start{number()};
        work_.spurts.push_back({talker->second, start, number()});
    }

    Work work_;
    std::unordered_map<std::string, std::size_t> index_;
    std::string line_;
    std::istringstream words_;
};

}  // namespace

std::vector<std::size_t> Work::listeners_of(std::size_t talker) const {
    const std::string& own = endpoints[talker].channel;
    const auto heard_on = [&](const std::string& channel) {
        return channel == own || std::any_of(hears.begin(), hears.end(), [&](const auto& pair) {
                   return pair.first == own && pair.second == channel;
               });
    };
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < endpoints.size(); ++i)
        if (i != talker && heard_on(endpoints[i].channel)) found.push_back(i);
    return found;
}

Work read_work(const std::string& path) {
    std::ifstream file{path};
    if (!file) throw std::runtime_error{"cannot read " + path};
    return Reader{}.read(file);
}

}  // namespace crosspatch::bench
