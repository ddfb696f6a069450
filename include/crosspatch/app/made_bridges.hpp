#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crosspatch/app/config.hpp"
#include "crosspatch/app/orders.hpp"
#include "crosspatch/core/result.hpp"

namespace crosspatch::app {

// A bridge that `config`'s templates make, with its terms, as if the file had it.
//
// Errors   NotFound: no such template. Invalid: what was chosen is not on offer, or another bridge joins the same channels;
//          says which.
// Thread   any; pure.
core::Result<bridge::Bridge> make_bridge(const Config& config, const std::string& id, const MadeBridge& made);

// A configuration with the bridges that people made, and the ids of those that it cannot have any more, with the reason.
struct Completed {
    std::shared_ptr<const Config> config;  // `file` itself, where nobody has made any
    std::map<std::string, std::string> dropped;
};
Completed complete(std::shared_ptr<const Config> file, const std::map<std::string, MadeBridge>& made);

}  // namespace crosspatch::app
