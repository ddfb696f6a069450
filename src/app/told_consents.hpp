#pragma once
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crosspatch/bridge/consents.hpp"

namespace crosspatch::app {

// What the log says of consents and of the agencies' keys, for when their list is lost.
struct ToldConsents {
    using OfBridge = std::pair<std::string, std::string>;       // bridge, agency
    std::vector<record::ConsentStatement> given;                // accepted
    std::set<OfBridge> withdrawn;                               // standing consents taken back
    std::map<OfBridge, core::WallTime> revoked;                 // when, the last time
    std::map<std::string, bridge::Consents::RecordedKey> keys;  // by agency, the newest
    std::set<std::string> kept;                                 // agencies whose key the gateway kept once
    bool whole{};                                               // it could be read to its end
};

// Reads the whole log; waits for the disk.
ToldConsents read_told_consents(const std::filesystem::path& data_dir);

}  // namespace crosspatch::app
