#pragma once
#include <doctest/doctest.h>

#include <string>

#include "crosspatch/policy/layout.hpp"
#include "tests/policy/desk.hpp"

namespace crosspatch::tests {

// What policy needs of a configuration file: guards on ng-ops, police on pd-tac-3 and pd-tac-4.
struct Configuration {
    std::string ng_out = "[{id: joint, action: allow, when: {agency: metro-pd, kind: voice}}]";
    std::string ng_in = "[{id: from-police, action: allow, when: {agency: metro-pd}}]";
    std::string pd_out = "[{id: to-guards, action: allow, when: {agency: northgate}}]";
    std::string pd_in = "[{id: from-guards, action: allow, when: {agency: northgate}}]";
    std::string more;  // channels
    std::string bridges = "[{id: joint, channels: [ng-ops, pd-tac-3]}]";

    std::string text() const {
        return "gateway: {id: gw, data_dir: ./var}\n"
               "agencies: [{id: northgate, key: gateway}, {id: metro-pd, key: gateway}]\n"
               "groups: {patrol: {talkers: [ng-unit-7, ng-unit-8]}}\n"
               "channels:\n"
               "  - {id: ng-ops, agency: northgate, sensitivity: GREEN, outbound: " +
               ng_out + ", inbound: " + ng_in +
               ",\n     endpoints: [{id: gate-1, type: rtp, srtp: {suite: AEAD_AES_256_GCM}, talker: {id: "
               "ng-unit-7}},\n"
               "                 {id: old-1, type: rtp, srtp: {suite: none}, talker: {id: ng-unit-8, role: "
               "supervisor}}]}\n"
               "  - {id: pd-tac-3, agency: metro-pd, outbound: " +
               pd_out + ", inbound: " + pd_in +
               ",\n     endpoints: [{id: tac-3, type: rtp, srtp: {suite: AES_CM_128_HMAC_SHA1_80}, talker: "
               "{role: officer}},\n"
               "                 {id: tac-3-ears, type: rtp, direction: listen, srtp: {suite: none}}]}\n"
               "  - {id: ng-gate, agency: northgate, endpoints: []}\n"
               "  - {id: pd-tac-4, agency: metro-pd, endpoints: []}\n" +
               more + "bridges: " + bridges + "\n";
    }
    policy::Layout read(policy::Names& names) const {
        core::config::Problems problems{"gateway.yaml"};
        const auto document = core::config::Document::parse(text(), problems);
        auto layout = policy::read_layout(document.root(), names, kToday);
        REQUIRE(Lines{problems.lines()} == Lines{});
        return layout;
    }
};

}  // namespace crosspatch::tests
