#include "exporters/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace llmsnoop::exporters {
namespace {

std::string written(std::string_view text) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.member("k", text);
    json.end_object();
    return out;
}

TEST(JsonWriter, WritesMembersInOrder) {
    std::string out = "before\n";
    JsonWriter json(out);
    json.begin_object();
    json.member("text", "a");
    json.member("number", std::uint64_t{18446744073709551615U});
    json.member("flag", true);
    json.member("amount", 0.1);
    json.begin_object("object");
    json.member("x", std::uint64_t{1});
    json.end_object();
    json.begin_array("array");
    json.string("a");
    json.begin_object();
    json.end_object();
    json.string("b");
    json.end_array();
    json.member("last", false);
    json.end_object();
    EXPECT_EQ(
        out,
        "before\n"
        R"({"text":"a","number":18446744073709551615,"flag":true,"amount":0.1,"object":{"x":1},"array":["a",{},"b"],)"
        R"("last":false})");
}

TEST(JsonWriter, WhatIsEmptyLeavesNoTrace) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    const auto first = json.begin_object("first");
    const auto inner = json.begin_array("inner");
    json.end_array_unless_empty(inner);
    json.end_object_unless_empty(first);
    json.member_if_known("unknown", "");
    json.member("number", std::numeric_limits<double>::infinity());
    json.member("number", std::nan(""));
    json.member("known", std::uint64_t{1});
    const auto last = json.begin_object("last");
    json.end_object_unless_empty(last);
    json.end_object();
    EXPECT_EQ(out, R"({"known":1})");
}

TEST(JsonWriter, EscapesWhatMustBeEscaped) {
    EXPECT_EQ(written("\" \\ \n \r \t \x01 \x1f \x7f /"), R"({"k":"\" \\ \n \r \t \u0001 \u001f \u007f /"})");
    EXPECT_EQ(written(std::string_view("a\0b", 3)), R"({"k":"a\u0000b"})");
    EXPECT_EQ(written("\u00e9 \u20ac \U0001F600"), "{\"k\":\"\u00e9 \u20ac \U0001F600\"}");
}

TEST(JsonWriter, ReplacesIllFormedUtf8) {
    EXPECT_EQ(written("a\xff"
                      "b"),
              "{\"k\":\"a\uFFFD"
              "b\"}");
    EXPECT_EQ(written("\xe2\x82"), "{\"k\":\"\uFFFD\"}");
    EXPECT_EQ(written("\xf0\x9f\x98"), "{\"k\":\"\uFFFD\"}");
    EXPECT_EQ(written("\xed\xa0\x80"), "{\"k\":\"\uFFFD\uFFFD\uFFFD\"}");
    EXPECT_EQ(written("\xc0\x80"), "{\"k\":\"\uFFFD\uFFFD\"}");
}

// Every two-byte text is read back as it was, or as its replacement, by a parser that shares nothing with the writer.
TEST(JsonWriter, EveryByteGivesJson) {
    for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
            const std::string text{static_cast<char>(a), static_cast<char>(b)};
            const auto parsed = nlohmann::json::parse(written(text), nullptr, false);
            ASSERT_FALSE(parsed.is_discarded()) << a << " " << b;
            if (a < 0x80 && b < 0x80) {
                ASSERT_EQ(parsed["k"].get<std::string>(), text);
            }
        }
    }
}

TEST(JsonWriter, DoublesAreReadBackExactly) {
    for (const double value : {0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, 123456789.123456789, 1e20}) {
        std::string out;
        JsonWriter json(out);
        json.begin_object();
        json.member("k", value);
        json.end_object();
        EXPECT_EQ(nlohmann::json::parse(out)["k"].get<double>(), value) << out;
    }
}

}  // namespace
}  // namespace llmsnoop::exporters
