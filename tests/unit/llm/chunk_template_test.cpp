#include "agent/llm/chunk_template.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "agent/llm/json_leaves.h"
#include "exchange_script.h"

namespace llmsnoop::llm {
namespace {

constexpr std::string_view kText = "choices.#.delta.content";
constexpr std::array<std::string_view, 2> kUnread{"obfuscation", "created"};

std::string chunk(std::string_view text, std::string_view created = "17", std::string_view padding = "ab") {
    return R"({"id":"c1","created":)" + std::string(created) + R"(,"choices":[{"index":0,"delta":{"content":")" +
           std::string(text) + R"("},"finish_reason":null}],"obfuscation":")" + std::string(padding) + R"("})";
}

ChunkTemplate learned(std::string_view text) {
    ChunkTemplate out;
    out.learn(chunk(text), kText, kUnread);
    return out;
}

TEST(JsonLeaves, NamesEveryScalar) {
    const std::string text = R"({"a": [1, {"b": "x\"y"}], "c": null, "d": {}, "e": []})";
    const auto leaves = json_leaves(text);
    ASSERT_EQ(leaves.size(), 3U);
    EXPECT_EQ(leaves[0].path, "a.#");
    EXPECT_EQ(text.substr(leaves[0].begin, leaves[0].length), "1");
    EXPECT_EQ(leaves[1].path, "a.#.b");
    EXPECT_EQ(text.substr(leaves[1].begin, leaves[1].length), "x\\\"y");
    EXPECT_TRUE(leaves[1].is_string);
    EXPECT_EQ(leaves[2].path, "c");
}

TEST(JsonLeaves, GivesUpWhereItWouldHaveToGuess) {
    for (const std::string_view text :
         {R"({"a":1,"a":2})", R"({"\u0061":1})", "{\"a\":", "{\"a\":1}}", "[[[[[[[[[1]]]]]]]]]", ""}) {
        EXPECT_TRUE(json_leaves(text).empty()) << text;
    }
}

TEST(ChunkTemplate, FindsTheNextText) {
    ChunkTemplate known = learned("Hello");
    EXPECT_EQ(known.match(chunk(" world")), " world");
    EXPECT_EQ(known.match(chunk("")), "");
    EXPECT_EQ(known.match(chunk("x", "18", "")), "x");
    EXPECT_EQ(known.match(chunk("東京", "999", "zzzzzz")), "東京");
    EXPECT_EQ(known.match(chunk(R"(a\n\"b\"\\)")), "a\n\"b\"\\");
}

TEST(ChunkTemplate, TakesNothingElse) {
    ChunkTemplate known = learned("Hello");
    const std::string good = chunk("x");
    ASSERT_TRUE(known.match(good));
    for (const std::string& other : {
             chunk("\\u00e9"),  // left to the parser
             chunk("a\nb"),     // a raw control character is no JSON
             chunk("\xff"),     // nor is this
             chunk("x", "01"),  // nor this
             chunk("x", "-1"),
             chunk("x", ""),
             chunk("x", "17.5"),
             chunk("x", "17", "a\\n"),
             chunk("x\",\"role\":\"y"),
             good + " ",
             good + "}",
             good.substr(0, good.size() - 1),
             std::string(),
         }) {
        EXPECT_FALSE(known.match(other)) << other;
    }
}

TEST(ChunkTemplate, BlanksBeforeTheLastBraceComeAndGo) {
    ChunkTemplate known;
    known.learn(R"({"type":"d","delta":{"text":"a"}   })", "delta.text", {});
    EXPECT_EQ(known.match(R"({"type":"d","delta":{"text":"b"}})"), "b");
    EXPECT_EQ(known.match(R"({"type":"d","delta":{"text":"b"}          })"), "b");
    EXPECT_FALSE(known.match(R"({"type":"d","delta":{"text":"b"} x})"));
}

TEST(ChunkTemplate, LearnsOnlyWhatIsBeyondDoubt) {
    const auto learns = [](std::string_view text) {
        ChunkTemplate one;
        one.learn(text, kText, kUnread);
        return one.match(text).has_value();
    };
    EXPECT_TRUE(learns(R"({"choices":[{"delta":{"content":"a","reasoning":"b"}}]})"));
    EXPECT_FALSE(learns(R"({"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]})"));
    EXPECT_FALSE(learns(R"({"choices":[{"delta":{"content":"a","content":"a"}}]})"));
    EXPECT_FALSE(learns(R"({"choices":[{"delta":{"content":"a","cont\u0065nt":"a"}}]})"));
    EXPECT_FALSE(learns(R"({"choices":[{"delta":{"text":"a"}}]})"));
    EXPECT_FALSE(learns(R"([{"choices":[{"delta":{"content":"a"}}]}])"));
    EXPECT_FALSE(learns("{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"x\":\"" + std::string(5000, 'x') + "\"}"));
}

TEST(ChunkTemplate, IsForgotten) {
    ChunkTemplate known = learned("Hello");
    known.forget();
    EXPECT_FALSE(known.match(chunk("x")));
}

TEST(ChunkTemplate, GivesUpOnStreamsThatNeverMatch) {
    ChunkTemplate one;
    for (int i = 0; i < 100; ++i)
        one.learn(chunk("a"), kText, kUnread);
    EXPECT_FALSE(one.match(chunk("b")));
}

// ---- the dialects with and without the fast path

std::string word(std::mt19937& random) {
    static constexpr std::array<std::string_view, 14> kWords{"a",       " the", "\\n",     "\\u00e9", "\\\"q\\\"",
                                                             "東",      "",     "\\ud83d", " wide",   "\\\\path",
                                                             "\\u0000", "é",    "{}",      "]"};
    return std::string(kWords[random() % kWords.size()]);
}

std::string openai_chunk(std::mt19937& random) {
    const std::string index = std::to_string(random() % 8 == 0);
    std::string delta;
    switch (random() % 12) {
        case 0:
            delta = R"("reasoning_content":")" + word(random) + "\"";
            break;
        case 1:
            delta = R"("content":")" + word(random) + R"(","content":")" + word(random) + "\"";
            break;
        case 2:
            delta =
                R"("tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":")" + word(random) + "\"}}]";
            break;
        case 3:
            delta = R"("content":null)";
            break;
        case 4:  // other places that text may come from
            delta = R"("refusal":")" + word(random) + R"(","audio":{"transcript":")" + word(random) + "\"}";
            break;
        case 5:
            delta = R"("reasoning_details":[{"text":")" + word(random) + R"("}],"reasoning":")" + word(random) + "\"";
            break;
        default:
            delta = R"("content":")" + word(random) + "\"";
    }
    const std::string finish = random() % 12 == 0 ? "\"stop\"" : "null";
    std::string usage = random() % 6 == 0
                            ? R"(,"usage":{"prompt_tokens":3,"completion_tokens":)" + std::to_string(random() % 9) + "}"
                            : "";
    return R"({"id":"c)" + std::to_string(random() % 16 == 0) + R"(","model":"m","created":)" +
           std::to_string(random() % 3) + R"(,"choices":[{"index":)" + index + R"(,"delta":{)" + delta + R"(},)" +
           (random() % 4 == 0 ? R"("text":")" + word(random) + R"(",)" : "") + R"("finish_reason":)" + finish + "}]" +
           usage + R"(,"obfuscation":")" + std::string(random() % 5, 'x') + "\"}";
}

std::string anthropic_chunk(std::mt19937& random) {
    const std::string blanks(random() % 4, ' ');
    const std::string index = std::to_string(random() % 2);
    switch (random() % 6) {
        case 0:
            return R"({"type":"content_block_delta","index":)" + index +
                   R"(,"delta":{"type":"thinking_delta","thinking":")" + word(random) + "\"}" + blanks + "}";
        case 1:
            return R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":)" +
                   std::to_string(random() % 5) + "}}";
        default:
            return R"({"type":"content_block_delta","index":)" + index + R"(,"delta":{"type":"text_delta","text":")" +
                   word(random) + "\"}" + blanks + "}";
    }
}

std::string responses_chunk(std::mt19937& random) {
    const std::string number = std::to_string(random() % 2000);
    switch (random() % 6) {
        case 0:
            return R"({"type":"response.reasoning_summary_text.delta","sequence_number":)" + number + R"(,"delta":")" +
                   word(random) + "\"}";
        case 1:
            return R"({"type":"response.refusal.delta","sequence_number":)" + number + R"(,"delta":")" + word(random) +
                   "\"}";
        default:
            return R"({"type":"response.output_text.delta","sequence_number":)" + number +
                   R"(,"item_id":"m","delta":")" + word(random) + R"(","logprobs":[],"obfuscation":")" +
                   std::string(random() % 5, 'z') + "\"}";
    }
}

std::string converse_chunk(std::mt19937& random) {
    return R"({"contentBlockIndex":)" + std::to_string(random() % 2) + R"(,"delta":{"text":")" + word(random) +
           R"("},"p":")" + std::string(random() % 6, 'a') + "\"}";
}

std::string ollama_chunk(std::mt19937& random) {
    const std::string content = random() % 4 == 0 ? R"("content":"","thinking":")" : R"("thinking":"","content":")";
    return R"({"model":"m","created_at":")" + std::to_string(random() % 99) + R"(","message":{"role":"assistant",)" +
           content + word(random) + R"("},"done":)" + (random() % 20 == 0 ? "true" : "false") + "}";
}

void compare(std::string_view path, std::string_view host, std::string (*make)(std::mt19937&), std::string_view type,
             std::string_view mark) {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
        std::string text = "> POST " + std::string(path) + "\n> host: " + std::string(host) +
                           "\n< 200\n< content-type: " + std::string(type) + "\n";
        std::string last;
        for (unsigned i = random() % 40; i > 0; --i) {
            if (last.empty() || random() % 3 == 0) last = make(random);
            text += std::string(mark) + last + (mark == "data: " ? "\n\n" : "\n");
            if (random() % 2 == 0) last.clear();
        }
        const Script script = parse_script(text);
        model::LossCounters losses;
        const auto fast = run(script, losses, FastPath::on);
        const auto full = run(script, losses, FastPath::off);
        ASSERT_EQ(fast.size(), full.size());
        for (std::size_t i = 0; i < fast.size(); ++i)
            ASSERT_TRUE(fast[i].call == full[i].call) << text;
    }
}

TEST(FastPath, OpenaiChat) {
    compare("/v1/chat/completions", "api.openai.com", openai_chunk, "text/event-stream", "data: ");
}
TEST(FastPath, AnthropicMessages) {
    compare("/v1/messages", "api.anthropic.com", anthropic_chunk, "text/event-stream", "data: ");
}
TEST(FastPath, OpenaiResponses) {
    compare("/v1/responses", "api.openai.com", responses_chunk, "text/event-stream", "data: ");
}
TEST(FastPath, BedrockConverse) {
    compare("/model/x/converse-stream", "bedrock-runtime.eu-west-1.amazonaws.com", converse_chunk,
            "application/vnd.amazon.eventstream", "contentBlockDelta ");
}
TEST(FastPath, Ollama) {
    compare("/api/chat", "localhost:11434", ollama_chunk, "application/x-ndjson", "");
}

}  // namespace
}  // namespace llmsnoop::llm
