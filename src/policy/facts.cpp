#include "crosspatch/policy/facts.hpp"

namespace crosspatch::policy {
namespace {

constexpr std::array<std::string_view, 4> kKindWords{"voice", "text", "picture", "location"};
constexpr std::array<std::string_view, 5> kSensitivityWords{"RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"};
constexpr std::array<std::string_view, kSuites> kSuiteWords{"AEAD_AES_256_GCM", "AEAD_AES_128_GCM",
                                                            "AES_CM_128_HMAC_SHA1_80", "none", "api"};

template <typename E, std::size_t N>
std::optional<E> find_word(const std::array<std::string_view, N>& words, std::size_t count,
                           std::string_view word) {
    for (std::size_t i = 0; i < count; ++i) {
        if (words[i] == word) return static_cast<E>(i);
    }
    return std::nullopt;
}

}  // namespace

std::string_view word(Kind kind) { return kKindWords[static_cast<std::size_t>(kind)]; }
std::string_view word(Sensitivity sensitivity) {
    return kSensitivityWords[static_cast<std::size_t>(sensitivity)];
}
std::string_view word(Suite suite) { return kSuiteWords[static_cast<std::size_t>(suite)]; }

std::optional<Kind> kind_of(std::string_view word) {
    return find_word<Kind>(kKindWords, kKindWords.size(), word);
}
std::optional<Sensitivity> sensitivity_of(std::string_view word) {
    return find_word<Sensitivity>(kSensitivityWords, kSensitivityWords.size(), word);
}
std::optional<Suite> suite_of(std::string_view word) {
    return find_word<Suite>(kSuiteWords, kSuiteWords.size() - 1, word);  // Api is the last
}

Facts Facts::from_other_side(Suite listener) const {
    Facts turned = *this;
    turned.own_agency = other_agency;
    turned.own_channel = other_channel;
    turned.other_agency = own_agency;
    turned.other_channel = own_channel;
    turned.suite = listener;
    return turned;
}

}  // namespace crosspatch::policy
