// Every golden, damaged in every way that a network, a peer or a limit can damage it: nothing may throw or crash, and
// memory stays within the limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "agent/llm/limits.h"
#include "agent/llm/registry.h"
#include "exchange_script.h"

namespace llmsnoop::llm {
namespace {

namespace fs = std::filesystem;

std::vector<Script> goldens() {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(fs::path(__FILE__).parent_path() / "../../golden/dialects")) {
        if (entry.path().extension() == ".txt") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Script> out;
    for (const fs::path& path : paths) {
        std::ifstream in(path);
        out.push_back(parse_script(std::string{std::istreambuf_iterator<char>(in), {}}));
    }
    return out;
}

// A dialect fed by hand, frame by frame.
struct Feed {
    explicit Feed(const Script& script) {
        Clues clues;
        clues.request = &script.request;
        clues.request_body = base::as_bytes(script.request_body);
        clues.response_document = base::as_bytes(script.response_body);
        dialect = recognise(clues, calls, losses, Batches::counted);
    }
    void give(model::Part part, model::Frame::Kind kind, std::string_view document, bool truncated = false,
              std::string_view name = {}) {
        model::Frame frame;
        frame.part = part;
        frame.kind = kind;
        frame.document = base::as_bytes(document);
        frame.truncated = truncated;
        frame.name = name;
        if (part == model::Part::request) {
            dialect->request(frame, calls);
        } else {
            dialect->response(frame, calls);
        }
    }

    Calls calls;
    model::LossCounters losses;
    std::unique_ptr<Dialect> dialect;
};

constexpr model::Frame::Kind kKinds[] = {model::Frame::Kind::body, model::Frame::Kind::event,
                                         model::Frame::Kind::message, model::Frame::Kind::field};

std::vector<std::uint64_t> counts_of(const model::ReportedUsage& usage) {
    std::vector<std::uint64_t> out;
    for (const model::Count& count : {usage.input, usage.output, usage.total, usage.cache_read, usage.cache_write,
                                      usage.reasoning, usage.input_audio, usage.input_tool_use, usage.input_image}) {
        if (count && *count > 0) out.push_back(*count);
    }
    return out;
}

// Whole numbers that stand in a text.
std::set<std::string> numbers_in(const std::string& text) {
    std::set<std::string> out;
    constexpr const char* kDigits = "0123456789";
    for (std::size_t at = text.find_first_of(kDigits); at != std::string::npos;) {
        const std::size_t end = std::min(text.find_first_not_of(kDigits, at), text.size());
        out.insert(text.substr(at, end - at));
        at = text.find_first_of(kDigits, end);
    }
    return out;
}

// Half of a number is no number.
TEST(Hostile, BodiesCutAnywhere) {
    std::size_t counts = 0;
    for (const Script& script : goldens()) {
        Feed probe(script);
        if (!probe.dialect) continue;
        std::set<std::string> numbers = numbers_in(script.response_body);
        for (const auto& field : script.response.headers)
            numbers.merge(numbers_in(field.value));
        // And sums of them (T23).
        probe.give(model::Part::response, model::Frame::Kind::body, script.response_body);
        probe.dialect->end({}, probe.calls);
        for (const FinishedCall& one : probe.calls.take_all(true)) {
            for (const std::uint64_t count : counts_of(one.call.reported.value_or(model::ReportedUsage{})))
                numbers.insert(std::to_string(count));
        }
        for (std::size_t end = 0; end < script.response_body.size(); end += 1 + end / 64) {
            Feed feed(script);
            feed.give(model::Part::request, model::Frame::Kind::body,
                      std::string_view(script.request_body).substr(0, end), true);
            feed.dialect->response_head(script.response, feed.calls);
            feed.give(model::Part::response, model::Frame::Kind::body,
                      std::string_view(script.response_body).substr(0, end), true);
            feed.dialect->end({}, feed.calls);
            for (const FinishedCall& one : feed.calls.take_all(false)) {
                for (const std::uint64_t count : counts_of(one.call.reported.value_or(model::ReportedUsage{}))) {
                    EXPECT_TRUE(numbers.contains(std::to_string(count)))
                        << count << " in " << script.response_body.substr(0, end);
                    ++counts;
                }
            }
        }
    }
    EXPECT_GT(counts, 100U);
}

TEST(Hostile, DocumentsOfOneDialectGivenToAnother) {
    const std::vector<Script> scripts = goldens();
    std::vector<std::string> documents{"",       "[DONE]",          "null",          "[]", "{}", "\"x\"", "7",
                                       "[null]", "{\"choices\":7}", "{\"usage\":[]}"};
    for (const Script& script : scripts) {
        documents.push_back(script.request_body);
        documents.push_back(script.response_body);
        for (const auto& [who, text] : script.messages)
            documents.push_back(text);
        std::size_t at = 0;
        while ((at = script.response_body.find("\n{", at)) != std::string::npos) {
            ++at;
            documents.push_back(script.response_body.substr(at, script.response_body.find('\n', at) - at));
        }
        at = 0;
        while ((at = script.response_body.find("data: ", at)) != std::string::npos) {
            at += 6;
            documents.push_back(script.response_body.substr(at, script.response_body.find('\n', at) - at));
        }
    }
    std::mt19937 random(3);
    for (const Script& script : scripts) {
        for (int round = 0; round < 6; ++round) {
            Feed feed(script);
            if (!feed.dialect) break;
            if (round % 3 == 0) feed.dialect->response_head(script.response, feed.calls);
            for (int i = 0; i < 60; ++i) {
                feed.give(random() % 4 == 0 ? model::Part::request : model::Part::response, kKinds[random() % 4],
                          documents[random() % documents.size()], random() % 8 == 0, random() % 6 == 0 ? "error" : "");
            }
            feed.dialect->end({}, feed.calls);
            feed.calls.take_all(true);
        }
    }
}

std::size_t size_of(const model::LlmCall& call) {
    std::size_t sum = call.reasoning.size() + call.tool_definitions.size();
    for (const model::Message& one : call.prompt)
        sum += one.text.size() + one.role.size();
    for (const model::Message& one : call.completion)
        sum += one.text.size();
    for (const model::ToolCall& one : call.tool_calls)
        sum += one.arguments.size() + one.name.size() + one.id.size();
    for (const std::string& one : call.finish_reasons)
        sum += one.size();
    return sum;
}

constexpr std::string_view kOpenaiStream =
    "> POST /v1/chat/completions\n> host: api.openai.com\n< 200\n< content-type: text/event-stream\n";

TEST(Hostile, AnEndlessAnswerIsCut) {
    const Script script = parse_script(kOpenaiStream);
    Feed feed(script);
    ASSERT_TRUE(feed.dialect);
    const std::string text(1U << 20, 'x');
    for (std::size_t i = 0; i < 16; ++i) {
        feed.give(model::Part::response, model::Frame::Kind::event,
                  "{\"choices\":[{\"delta\":{\"content\":\"" + text + "\"}}]}");
        feed.give(model::Part::response, model::Frame::Kind::event,
                  "{\"choices\":[{\"delta\":{\"reasoning\":\"" + text + "\"}}]}");
    }
    const auto calls = feed.calls.take_all(true);
    EXPECT_TRUE(calls[0].call.completion_cut);
    EXPECT_EQ(size_of(calls[0].call), limits::kCompletionBytes);
}

// Whether its documents are read one by one or known again by their shape.
TEST(Hostile, AnErrorsHeadAmidAStreamEndsIt) {
    constexpr std::string_view kPiece = R"({"choices":[{"index":0,"delta":{"content":"x"}}]})";
    Feed feed(parse_script(kOpenaiStream));
    ASSERT_TRUE(feed.dialect);
    for (int i = 0; i < 3; ++i)
        feed.give(model::Part::response, model::Frame::Kind::event, kPiece);
    model::MessageHead error;
    error.status = 500;
    feed.dialect->response_head(error, feed.calls);
    feed.give(model::Part::response, model::Frame::Kind::event, kPiece);
    const auto calls = feed.calls.take_all(true);
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(size_of(calls[0].call), 3U);
    ASSERT_TRUE(calls[0].call.error);
    EXPECT_EQ(calls[0].call.error->code, "500");
}

TEST(Hostile, LongMessagesOfErrorsAreCut) {
    const std::string text(1U << 20, 'x');
    const std::string said = R"("code":"c","message":")" + text + "\"";
    const std::pair<std::string_view, std::string> cases[] = {
        {"> POST /v1/conversations\n> host: api.mistral.ai\n{\"model\":\"m\",\"inputs\":\"x\"}\n< 200\n",
         R"({"type":"conversation.response.error",)" + said + "}"},
        {"> POST /ml/v1/text/generation_stream\n> host: eu-de.ml.cloud.ibm.com\n< 200\n",
         R"({"errors":[{)" + said + "}]}"},
        {"> POST /v1/threads/t/runs\n> host: api.openai.com\n< 200\n",
         R"({"object":"thread.run","last_error":{)" + said + "}}"},
        {kOpenaiStream, R"({"base_resp":{"status_code":1,"status_msg":")" + text + R"("}})"},
        {kOpenaiStream, R"({"error":{)" + said + "}}"},
    };
    for (const auto& [heads, document] : cases) {
        Feed feed(parse_script(std::string(heads)));
        ASSERT_TRUE(feed.dialect) << heads;
        feed.give(model::Part::response, model::Frame::Kind::event, document);
        const auto calls = feed.calls.take_all(true);
        ASSERT_EQ(calls.size(), 1U) << heads;
        ASSERT_TRUE(calls[0].call.error) << heads;
        EXPECT_EQ(calls[0].call.error->message.size(), limits::kMessageBytes) << heads;
    }
}

TEST(Hostile, ManyChoicesAndToolsAreCut) {
    const Script script = parse_script(kOpenaiStream);
    Feed feed(script);
    for (std::size_t i = 0; i < 3000; ++i) {
        const std::string number = std::to_string(i);
        feed.give(model::Part::response, model::Frame::Kind::event,
                  "{\"choices\":[{\"index\":" + number +
                      ",\"delta\":{\"content\":\"x\",\"tool_calls\":[{\"index\":" + number + ",\"id\":\"" + number +
                      "\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"" +
                      std::string(5000, 'r') + "\"}]}");
    }
    const model::LlmCall call = feed.calls.take_all(true)[0].call;
    EXPECT_TRUE(call.completion_cut);
    EXPECT_LE(call.completion.size(), limits::kChoices);
    EXPECT_LE(call.tool_calls.size(), limits::kToolCalls);
    EXPECT_LE(call.finish_reasons.size(), limits::kChoices);
    EXPECT_LE(call.finish_reasons[0].size(), limits::kNameBytes);
    EXPECT_LE(call.timing.gaps_us.size(), limits::kGaps);
}

TEST(Hostile, AHugePromptIsCut) {
    const Script script = parse_script(kOpenaiStream);
    Feed feed(script);
    std::string body = "{\"model\":\"m\",\"messages\":[";
    for (std::size_t i = 0; i < 20000; ++i)
        body += "{\"role\":\"user\",\"content\":\"" + std::string(400, 'x') + "\"},";
    body += "{}],\"tools\":[\"" + std::string(3U << 20, 't') + "\"]}";
    feed.give(model::Part::request, model::Frame::Kind::body, body);
    const model::LlmCall call = feed.calls.take_all(true)[0].call;
    EXPECT_TRUE(call.prompt_cut);
    EXPECT_EQ(call.request_model, "m");
    EXPECT_LE(size_of(call),
              limits::kPromptBytes + limits::kPromptMessages * 8 + 2 * limits::kToolDefinitionBytes + (3U << 20));
}

TEST(Hostile, AUsageObjectOfAnySizeIsCut) {
    const Script script = parse_script(kOpenaiStream);
    Feed feed(script);
    std::string usage = "{\"prompt_tokens\":1";
    for (int i = 0; i < 5000; ++i)
        usage += ",\"n" + std::to_string(i) + "\":" + std::to_string(i + 1);
    feed.give(model::Part::response, model::Frame::Kind::event, "{\"usage\":" + usage + "}}");
    EXPECT_LE(feed.calls.take_all(true)[0].call.reported->details.size(), limits::kUsageDetails);
}

// What was billed is then not known, and says so: a pass without counts.
TEST(Hostile, PassesWithoutEndAreCut) {
    const Script script = parse_script(
        "> POST /v1/messages\n> host: api.anthropic.com\n{\"model\": \"m\", \"max_tokens\": 1, "
        "\"messages\": []}\n< 200\n");
    Feed feed(script);
    std::string passes;
    for (int i = 0; i < 5000; ++i)
        passes += std::string(i == 0 ? "" : ",") + "{\"type\":\"message\",\"input_tokens\":1,\"output_tokens\":1}";
    feed.give(model::Part::response, model::Frame::Kind::event,
              "{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":1,\"iterations\":[" + passes + "]}}");
    const auto kept = feed.calls.take_all(true)[0].call.reported->passes;
    ASSERT_EQ(kept.size(), limits::kBilledPasses);
    EXPECT_EQ(kept[kept.size() - 2].input, 1U);
    EXPECT_EQ(kept.back(), model::BilledPass{});
}

TEST(Hostile, ASocketWithTurnsThatNeverEnd) {
    for (const std::string_view path : {"/v1/responses", "/v1/realtime"}) {
        const Script script =
            parse_script("> GET " + std::string(path) + "\n> host: api.openai.com\n> upgrade: websocket\n< 101\n");
        Feed feed(script);
        ASSERT_TRUE(feed.dialect);
        std::size_t finished = 0;
        for (int i = 0; i < 1000; ++i) {
            const std::string id = std::to_string(i);
            feed.give(model::Part::request, model::Frame::Kind::message,
                      "{\"type\":\"response.create\",\"stream_id\":\"" + id + "\",\"model\":\"m\",\"input\":\"x\"}");
            feed.give(model::Part::response, model::Frame::Kind::message,
                      "{\"type\":\"response.created\",\"response\":{\"id\":\"" + id + "\"}}");
            finished += feed.calls.take_finished().size();
        }
        const std::size_t open = feed.calls.take_all(false).size();
        EXPECT_LE(open, limits::kLanes);
        EXPECT_GT(finished, 0U);
    }
}

TEST(Hostile, ALineThatNeverEnds) {
    const Script script = parse_script(
        "> POST /endpoints/e/invocations-response-stream\n> host: "
        "runtime.sagemaker.us-east-1.amazonaws.com\n{\"inputs\": \"x\"}\n"
        "< 200\n< content-type: application/vnd.amazon.eventstream\n");
    Feed feed(script);
    ASSERT_TRUE(feed.dialect);
    const std::string piece(1U << 20, 'x');
    for (int i = 0; i < 12; ++i)
        feed.give(model::Part::response, model::Frame::Kind::event, piece);
    feed.dialect->end({}, feed.calls);
    EXPECT_TRUE(feed.calls.take_all(true)[0].call.completion_cut);
    EXPECT_GT(feed.losses.get(model::Loss::frame_too_large), 0U);
}

constexpr std::string_view kBatchFile = "> GET /v1/files/f/content\n> host: api.openai.com\n< 200\n";

TEST(Hostile, ResultsWithoutEndAreCut) {
    Feed feed(parse_script("> GET /v1/batches/b/results\n> host: api.x.ai\n< 200\n"));
    ASSERT_TRUE(feed.dialect);
    std::string page = R"({"results":[)";
    for (int i = 0; i < 100'000; ++i)
        page += R"({"batch_request_id":"x","error_message":"y"},)";
    feed.give(model::Part::response, model::Frame::Kind::body, page + "7]}");
    EXPECT_EQ(feed.calls.take_finished().size(), limits::kBatchResults);
    EXPECT_EQ(feed.losses.get(model::Loss::frame_too_large), 1U);
}

TEST(Hostile, AResultInsideAResultIsNoCall) {
    Feed feed(parse_script(kBatchFile));
    std::string line = "7";
    for (int i = 0; i < 1000; ++i)
        line = R"({"custom_id":"x","response":{"status_code":200,"body":)" + line + "}}";
    feed.give(model::Part::response, model::Frame::Kind::event, line);
    const auto calls = feed.calls.take_finished();
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(calls[0].documents, model::Completeness::truncated) << "nested deeper than is read";
}

TEST(Hostile, LinesOfAFileThatAreNoResults) {
    Feed feed(parse_script(kBatchFile));
    const auto give = [&](std::string_view line, bool truncated = false) {
        feed.give(model::Part::response, model::Frame::Kind::event, line, truncated);
    };
    for (const std::string_view line :
         {"", "null", "[]", "{}", "\"custom_id\"", "{\"custom_id\":\"x\"}", "{\"custom_id\":\"x\",\"response\":7}",
          "{\"custom_id\":\"x\",\"result\":{\"type\":7}}", "{\"custom_id\":\"x\",\"response\":null,\"error\":null}",
          "{\"response\":{\"body\":{}}}", "{\"results\":[]}", "{\"results\":[[],{},7,null]}", "\x01\xff"}) {
        give(line);
    }
    EXPECT_TRUE(feed.calls.take_finished().empty());
    EXPECT_EQ(feed.losses.get(model::Loss::bad_json), 0U) << "a file of another kind loses nothing";
    give(R"({"custom_id":"x","response":{"status_code":200,"body":{"model":"m"}}})");
    give("\x01\xff");
    give(R"({"custom_id":"x","response":{"status_code":200,"body":{"model":"m","usage":{"prompt_tokens":1)", true);
    EXPECT_EQ(feed.calls.take_finished().size(), 1U);
    EXPECT_EQ(feed.losses.get(model::Loss::bad_json), 3U)
        << "in a file of results those before the first are lost, too";
    EXPECT_EQ(feed.losses.get(model::Loss::frame_cut), 1U);
}

}  // namespace
}  // namespace llmsnoop::llm
