#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <memory>

#include "crosspatch/core/text.hpp"

namespace crosspatch::core {
namespace {

constexpr std::int32_t kMostCodePoints = 64;
constexpr int kMostMarks = 4;               // combining marks on one base
constexpr std::size_t kMostOctets = 4'096;  // before normalisation; no name of 64 code points needs so many

Unexpected<Error> refused(std::string why) { return unexpected(Error::Code::Invalid, std::move(why)); }

icu::UnicodeString nfc(const icu::UnicodeString& text) {
    UErrorCode failure = U_ZERO_ERROR;
    const icu::Normalizer2* normalizer = icu::Normalizer2::getNFCInstance(failure);
    icu::UnicodeString normal = U_SUCCESS(failure) ? normalizer->normalize(text, failure) : text;
    return U_SUCCESS(failure) ? normal : text;
}

bool is_mark(UChar32 character) { return (U_MASK(u_charType(character)) & U_GC_M_MASK) != 0; }

// Why a character cannot be part of a name; nullptr if it can.
const char* why_not(UChar32 character) {
    switch (u_charType(character)) {
        case U_CONTROL_CHAR:
        case U_LINE_SEPARATOR:
        case U_PARAGRAPH_SEPARATOR:
            return "a control character";
        case U_FORMAT_CHAR:
            return "an invisible character or one that turns the direction of writing";
        case U_SURROGATE:
        case U_PRIVATE_USE_CHAR:
        case U_UNASSIGNED:
            return "a character that has no meaning";
        default:
            break;
    }
    constexpr UChar32 kBrailleBlank = 0x2800;
    const bool invisible = u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
    return invisible || character == kBrailleBlank ? "an invisible character" : nullptr;
}

// Runs of white space as one space, none at the ends.
icu::UnicodeString with_single_spaces(const icu::UnicodeString& text) {
    icu::UnicodeString folded;
    bool space = false;
    for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
        const UChar32 character = text.char32At(i);
        if (u_isUWhiteSpace(character)) {
            space = true;
            continue;
        }
        if (space && !folded.isEmpty()) folded.append(u' ');
        space = false;
        folded.append(character);
    }
    return folded;
}

// UTS #39 §4: what the name looks like, in the letters of the confusables table.
icu::UnicodeString look_of(const icu::UnicodeString& name) {
    UErrorCode failure = U_ZERO_ERROR;
    const std::unique_ptr<USpoofChecker, void (*)(USpoofChecker*)> checker{uspoof_open(&failure),
                                                                           uspoof_close};
    icu::UnicodeString look;
    if (U_SUCCESS(failure)) uspoof_getSkeletonUnicodeString(checker.get(), 0, name, look, &failure);
    return U_SUCCESS(failure) ? look : name;
}

}  // namespace

Result<std::string> check_name(std::string_view text) {
    if (!is_utf8(text)) return refused("the name is not UTF-8");
    if (text.size() > kMostOctets) return refused("the name is too long; at most 64 characters");
    const icu::UnicodeString name = nfc(
        icu::UnicodeString::fromUTF8(icu::StringPiece{text.data(), static_cast<std::int32_t>(text.size())}));
    if (name.isEmpty()) return refused("the name is empty");
    if (const auto length = name.countChar32(); length > kMostCodePoints) {
        return refused(fmt::format("the name has {} characters; at most 64", length));
    }
    int marks = 0;
    int position = 1;
    for (std::int32_t i = 0; i < name.length(); i = name.moveIndex32(i, 1), ++position) {
        const UChar32 character = name.char32At(i);
        if (const char* why = why_not(character)) {
            return refused(fmt::format("the name has {} (U+{:04X}) as character {}; leave it out", why,
                                       static_cast<unsigned>(character), position));
        }
        marks = is_mark(character) ? marks + 1 : 0;
        if (marks == position) return refused("the name begins with an accent that stands on no letter");
        if (marks > kMostMarks) {
            return refused(
                fmt::format("the name has more than 4 accents on one letter, before character {}", position));
        }
    }
    if (u_isUWhiteSpace(name.char32At(0)) || u_isUWhiteSpace(name.char32At(name.length() - 1))) {
        return refused("the name begins or ends with a space");
    }
    std::string checked;
    name.toUTF8String(checked);
    return checked;
}

std::string name_skeleton(std::string_view name) {
    icu::UnicodeString skeleton =
        icu::UnicodeString::fromUTF8(icu::StringPiece{name.data(), static_cast<std::int32_t>(name.size())});
    skeleton = nfc(skeleton).foldCase();
    // The confusables table is made for text with its case: it turns the digit 0 into a capital O. What it
    // gives is folded again until nothing changes, which takes two rounds with ICU's tables.
    for (int round = 0; round < 4; ++round) {
        icu::UnicodeString again = nfc(look_of(skeleton).foldCase());
        if (again == skeleton) break;
        skeleton = std::move(again);
    }
    std::string octets;
    with_single_spaces(skeleton).toUTF8String(octets);
    return octets;
}

}  // namespace crosspatch::core
