// A radio in a terminal, for demonstrations, drills and tests.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "options.hpp"
#include "radio.hpp"
#include "report.hpp"
#include "sound_card.hpp"

namespace {
using namespace crosspatch;

int fail(const std::string& what) {
    fmt::print(stderr, "crosspatch-radio: {}\n", what);
    return 1;
}

int list_devices() {
    const auto sound = radio::SoundSystem::open();
    if (!sound) return fail(sound.error().context);
    fmt::print("{}", (*sound)->list());
    return 0;
}

int run(const radio::Options& options) {
    if (options.device == "list") return list_devices();
    const auto opened = radio::Radio::open(options);
    if (!opened) return fail(opened.error().context);
    const auto ended = (*opened)->run();
    const auto summary = (*opened)->summary();
    fmt::print("{}", options.json ? radio::json_of(summary) + "\n" : radio::table_of(summary));
    return ended ? 0 : fail(ended.error().context);
}
}  // namespace

int main(int argc, char** argv) {
    try {
        const auto options = radio::read_options(argc, argv);
        if (const int* code = std::get_if<int>(&options)) return *code;
        return run(std::get<radio::Options>(options));
    } catch (const std::exception& error) {
        return fail(error.what());
    }
}
