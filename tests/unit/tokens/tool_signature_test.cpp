#include "agent/tokens/tool_signature.h"

#include <gtest/gtest.h>

#include <string>

namespace llmsnoop::tokens {
namespace {

TEST(ToolSignature, AFunctionWithEveryKindOfProperty) {
    const auto text = tool_signatures(R"([{"type": "function", "function": {
        "name": "get_weather", "description": "Get the weather.\nNow.",
        "parameters": {"type": "object", "required": ["a_location"], "properties": {
            "a_location": {"type": "string", "description": "City and country"},
            "b_unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "c_days": {"type": "integer", "default": 3},
            "d_options": {"type": "object", "properties": {"exact": {"type": ["boolean", "null"]}}},
            "e_tags": {"type": "array", "items": {"type": "string"}},
            "f_any": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "g_list": {"type": "array"},
            "h_free": {}}}}}])");
    EXPECT_EQ(text, R"(namespace functions {

// Get the weather.
// Now.
type get_weather = (_: {
// City and country
a_location: string,
b_unit?: "celsius" | "fahrenheit",
c_days?: number, // default: 3
d_options?: {
  exact?: boolean | null,
},
e_tags?: string[],
f_any?: number | null,
g_list?: any[],
h_free?: any,
}) => any;

} // namespace functions)");
}

TEST(ToolSignature, TheThreeWaysToWriteATool) {
    const std::string want = "namespace functions {\n\ntype f = () => any;\n\n} // namespace functions";
    EXPECT_EQ(tool_signatures(R"([{"type": "function", "function": {"name": "f"}}])"), want);
    EXPECT_EQ(tool_signatures(R"([{"type": "function", "name": "f", "parameters": {"properties": {}}}])"), want);
    EXPECT_EQ(tool_signatures(R"([{"name": "f"}])"), want);
}

TEST(ToolSignature, ReferencesAreFollowed) {
    const auto text = tool_signatures(R"([{"name": "f", "parameters": {
        "$defs": {"Name": {"type": "object", "properties": {"first": {"type": "string"}}}},
        "properties": {"who": {"$ref": "#/$defs/Name"}, "what": {"$ref": "#/nowhere"}}}}])");
    ASSERT_TRUE(text);
    EXPECT_NE(text->find("who?: {\n  first?: string,\n},"), std::string::npos) << *text;
    EXPECT_NE(text->find("what?: any,"), std::string::npos) << *text;
}

TEST(ToolSignature, WhatIsNoFunctionIsLeftOut) {
    EXPECT_EQ(tool_signatures(R"([{"type": "web_search"}, 7, null, [], {"name": 3}])"),
              "namespace functions {\n\n} // namespace functions");
    EXPECT_EQ(tool_signatures(R"([{"name": "f", "parameters": {"properties": {"a": 7}}}])"),
              "namespace functions {\n\ntype f = (_: {\n}) => any;\n\n} // namespace functions");
}

TEST(ToolSignature, WhatIsNoListIsRefused) {
    EXPECT_FALSE(tool_signatures(""));
    EXPECT_FALSE(tool_signatures("{}"));
    EXPECT_FALSE(tool_signatures("[{"));
    EXPECT_FALSE(tool_signatures("[\"\xff\"]"));
}

TEST(ToolSignature, SchemasThatNeverEndAreRefused) {
    EXPECT_FALSE(tool_signatures(R"([{"name": "f", "parameters": {"type": "object",
        "properties": {"again": {"$ref": "#/"}, "more": {"$ref": "#/properties/again"}, "self": {"$ref": "#/properties/self"}},
        "$defs": {"L": {"type": "array", "items": {"$ref": "#/$defs/L"}}},
        "required": [], "x": 1}}, {"name": "g", "parameters": {
        "$defs": {"L": {"type": "array", "items": {"$ref": "#/$defs/L"}}}, "properties": {"l": {"$ref": "#/$defs/L"}}}}])"));
}

TEST(ToolSignature, SchemasThatDoubleAtEachStepAreRefused) {
    std::string defs;
    for (int i = 0; i < 30; ++i) {
        const std::string next = "{\"$ref\": \"#/$defs/D" + std::to_string(i + 1) + "\"}";
        defs += "\"D" + std::to_string(i) + "\": {\"anyOf\": [" + next + ", " + next + "]},";
    }
    EXPECT_FALSE(tool_signatures("[{\"name\": \"f\", \"parameters\": {\"$defs\": {" + defs +
                                 "\"D30\": {}}, \"properties\": {\"d\": {\"$ref\": \"#/$defs/D0\"}}}}]"));
}

TEST(ToolSignature, DeepNestingIsHarmless) {
    EXPECT_FALSE(tool_signatures(std::string(200'000, '[')));
    EXPECT_TRUE(tool_signatures(std::string(100'000, '[') + std::string(100'000, ']')));
}

}  // namespace
}  // namespace llmsnoop::tokens
