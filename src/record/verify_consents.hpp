#pragma once
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "crosspatch/record/consent.hpp"
#include "verify_chain.hpp"

namespace crosspatch::record {

// Holds each consent on record against the key of its agency, the log it was given to, its time and the consents before it, and
// each opening of a bridge against the consents: each agency on it has one that counts, or stands by a key that the gateway
// keeps.
//
// Shape    one key an agency; consents until they have expired, kMost at most: of those beyond that neither is seen that they
//          come twice nor that a bridge opens by them, and the report says how many there were.
// Time     records' times. A clock may be set while a consent counts by another one: what only one of the two clocks of a record
//          says is not held against it, nor is a second.
// Thread   its owner's.
class ConsentCheck {
public:
    static constexpr std::size_t kMost = 100'000;  // a gateway keeps 10,000

    // `pins` are keys that the auditor knows from elsewhere; for other agencies the log's own word is taken.
    ConsentCheck(std::string log, AgencyPins pins, Report& report, std::size_t most = kMost)
        : log_{std::move(log)}, pins_{std::move(pins)}, report_{report}, most_{most} {}

    // A record's text, in order. What is no record is left to whoever checks the chain.
    void take(std::uint64_t seq, std::string_view body, Findings& findings);

private:
    struct Named {
        PublicKey key{};
        bool kept_here{};
    };
    struct Moment {
        core::WallTime wall{};
        std::chrono::nanoseconds mono{};
    };
    struct Used {
        core::WallTime begins{};
        core::WallTime expires{};
        Moment given;
        std::string bridge;
        std::string agency;
        std::string terms;
        bool revoked{};
        bool ended{};
    };
    static Moment moment_of(const boost::json::object& record);
    void take_key(const boost::json::object& record);
    void take_given(std::uint64_t seq, const boost::json::object& record, Findings& findings);
    void take_revoked(const boost::json::object& record);
    void take_expired(const boost::json::object& record);
    void take_opened(std::uint64_t seq, const boost::json::object& record, Findings& findings);
    std::string wrong_with(const SignedConsent& consent, const boost::json::object& record);
    std::string wrong_key(const SignedConsent& consent, const boost::json::object& detail);
    std::string wrong_opening(const boost::json::object& said, const boost::json::object& record) const;
    std::string wrong_given(const std::string& agency, const std::string& id,
                            const boost::json::object& record) const;
    void use(const ConsentStatement& statement, const boost::json::object& record);

    std::string log_;
    AgencyPins pins_;
    Report& report_;
    std::size_t most_;
    std::map<std::string, Named> named_;  // by the log
    std::map<std::string, Used> used_;    // by id
    std::uint64_t next_{};                // the record that comes next, if none is missing
    bool in_part_{};                      // records are missing: what is not known may have been there
};

}  // namespace crosspatch::record
