#include "tests/support/net/wording.h"

#include <array>

namespace llmsnoop::support {
namespace {

constexpr std::array<std::string_view, 96> kWords = {" the",
                                                     " a",
                                                     " of",
                                                     " and",
                                                     " to",
                                                     " in",
                                                     " is",
                                                     " that",
                                                     " model",
                                                     " token",
                                                     " stream",
                                                     " answer",
                                                     " question",
                                                     " context",
                                                     " window",
                                                     " kernel",
                                                     " probe",
                                                     " buffer",
                                                     " counts",
                                                     " returns",
                                                     " reads",
                                                     " writes",
                                                     " waits",
                                                     " explains",
                                                     " quickly",
                                                     " carefully",
                                                     " exactly",
                                                     " never",
                                                     " always",
                                                     " perhaps",
                                                     " because",
                                                     " although",
                                                     ",",
                                                     ".",
                                                     ";",
                                                     ":",
                                                     "!",
                                                     "?",
                                                     " -",
                                                     " (see",
                                                     " below)",
                                                     " 42",
                                                     " 3.14159",
                                                     " 2^31",
                                                     " 0x7f",
                                                     " 100%",
                                                     " #1",
                                                     " @home",
                                                     "\\n",
                                                     "\\n\\n",
                                                     "\\t",
                                                     " \\\"so\\\"",
                                                     " C:\\\\tmp",
                                                     " a\\/b",
                                                     " it's",
                                                     " don't",
                                                     " caf\xc3\xa9",
                                                     " na\xc3\xafve",
                                                     " stra\xc3\x9f"
                                                     "e",
                                                     " \xd0\xbc\xd0\xb8\xd1\x80",
                                                     " \xe4\xbd\xa0\xe5\xa5\xbd",
                                                     "\xe3\x81\x82",
                                                     " \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7",
                                                     " \xf0\x9f\x9a\x80",
                                                     " \xe2\x82\xac"
                                                     "5",
                                                     " \\u00e9t\\u00e9",
                                                     " \\ud83d\\ude00",
                                                     " \\u4f60\\u597d",
                                                     " data:",
                                                     " [DONE]",
                                                     " {\\\"a\\\":1}",
                                                     " \\\"usage\\\":",
                                                     " event:",
                                                     " null",
                                                     " true",
                                                     " false",
                                                     " ```cpp\\n",
                                                     "```\\n",
                                                     " int",
                                                     " main()",
                                                     " {",
                                                     "}",
                                                     " <b>",
                                                     "</b>",
                                                     " &amp;",
                                                     " http://x.y",
                                                     " internationalisation",
                                                     " antidisestablishment",
                                                     " I",
                                                     " you",
                                                     " we",
                                                     " they",
                                                     " one",
                                                     " two",
                                                     " three",
                                                     " ..."};

constexpr std::string_view kIdentifierDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

}  // namespace

// Mixed first: the generator only counts its state up, so neighbouring seeds would else give the same numbers, shifted.
Random::Random(std::uint64_t seed) : state_(mix(seed ^ 0x6a09e667f3bcc909U)) {}

std::uint64_t Random::next() {
    state_ += 0x9e3779b97f4a7c15U;
    return mix(state_);
}

std::string_view Wording::next() {
    return kWords[random_.below(kWords.size())];
}

std::string Wording::exactly(std::size_t bytes) {
    std::string text;
    text.reserve(bytes);
    for (;;) {
        const std::string_view word = next();
        if (text.size() + word.size() > bytes) break;
        text += word;
    }
    text.append(bytes - text.size(), '.');
    return text;
}

std::string Wording::identifier(std::size_t count) {
    std::string text(count, '0');
    for (char& digit : text)
        digit = kIdentifierDigits[random_.below(kIdentifierDigits.size())];
    return text;
}

}  // namespace llmsnoop::support
