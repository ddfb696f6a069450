#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "crosspatch/record/consent.hpp"
#include "verify_chain.hpp"

namespace crosspatch::record {

// Holds each consent on record against the key of its agency, the log it was given to, its time and the consents before it.
//
// Shape    one key an agency; ids until they have expired, kMost at most: beyond that, that an id was used before is not
//          seen any more, and said.
// Thread   its owner's.
class ConsentCheck {
public:
    static constexpr std::size_t kMost = 1'000'000;

    // `pins` are keys that the auditor knows from elsewhere; for other agencies the log's own word is taken.
    ConsentCheck(std::string log, AgencyPins pins, Report& report)
        : log_{std::move(log)}, pins_{std::move(pins)}, report_{report} {}

    // A record's text, in order. What is no record is left to whoever checks the chain.
    void take(std::uint64_t seq, std::string_view body, Findings& findings);

private:
    struct Used {
        core::WallTime expires{};
        bool revoked{};
    };
    void take_key(const boost::json::object& record);
    void take_given(std::uint64_t seq, const boost::json::object& record, Findings& findings);
    void take_ended(const boost::json::object& record, bool revoked);
    std::string wrong_with(const SignedConsent& consent, const boost::json::object& record);
    std::string wrong_key(const SignedConsent& consent, const boost::json::object& detail);
    void use(const ConsentStatement& statement, core::WallTime at);

    std::string log_;
    AgencyPins pins_;
    Report& report_;
    std::map<std::string, PublicKey> named_;  // by the log
    std::map<std::string, Used> used_;        // by id
};

}  // namespace crosspatch::record
