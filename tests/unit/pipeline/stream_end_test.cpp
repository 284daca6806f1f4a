// When an answer is over: by its framing, by the connection's end, or by its own last word.
#include <gtest/gtest.h>

#include "tests/unit/http/http2_peer.h"
#include "tests/unit/pipeline/pipeline_harness.h"

namespace llmsnoop::pipeline {
namespace {

using http::test::Http2Peer;
using model::Completeness;

const std::string kAsk = R"({"model":"gpt-4o","messages":[{"role":"user","content":"Why is the sky blue?"}]})";
const std::string kAnswer =
    R"({"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant",)"
    R"("content":"Rayleigh."},"finish_reason":"stop"}],"usage":{"prompt_tokens":13,"completion_tokens":4,"total_tokens":17}})";
const std::string kOpen = "open 1 client from_start openssl local 192.0.2.9:40000 peer 192.0.2.1:443\n";

TEST(StreamEnd, AnAnswerThatEndsWithTheConnectionIsCompleteOnlyIfItsEndWasSeen) {
    const auto ended = [](const std::string& end, const std::string& role, const std::string& body) {
        const Outcome out =
            run_script("open 1 " + role + " from_start openssl local 192.0.2.1:1 peer 192.0.2.9:2\n>> 1 " +
                       quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " +
                       quoted("HTTP/1.1 200 OK\r\n" + body) + "\n" + end);
        return out.finished.size() == 1 ? out.finished[0].completeness : Completeness::truncated;
    };
    const std::string json = "Content-Type: application/json\r\n\r\n" + std::string(kAnswer);
    EXPECT_EQ(ended("close 1 released\n", "client", json), Completeness::interrupted);
    EXPECT_EQ(ended("end << 1\nclose 1 released\n", "client", json), Completeness::complete);
    EXPECT_EQ(ended("close 1 released\n", "server", json), Completeness::complete);  // who sends knows its end
    EXPECT_EQ(ended("close 1 reset\n", "server", json), Completeness::interrupted);
    // A stream that never said why it stopped, whatever the TLS library takes for an end.
    const std::string head = "Content-Type: text/event-stream\r\n\r\n";
    const std::string piece = R"({"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"})";
    EXPECT_EQ(ended("end << 1\nclose 1 released\n", "client", head + "data: " + piece + "}]}\n\n"),
              Completeness::interrupted);
    EXPECT_EQ(ended("end << 1\nclose 1 released\n", "client",
                    head + "data: " + piece + R"(,"finish_reason":"stop"}]})" + "\n\n"),
              Completeness::complete);
    EXPECT_EQ(ended("end << 1\nclose 1 released\n", "client", head + "data: " + piece + "}]}\n\ndata: [DONE]\n\n"),
              Completeness::complete);
    // One of two choices has not said why.
    const std::string two = head + "data: " + piece + R"(},{"index":1,"delta":{"content":"b"}}]})" + "\n\n";
    const auto stops = [](int choice) {
        return R"(data: {"choices":[{"index":)" + std::to_string(choice) + R"(,"delta":{},"finish_reason":"stop"}]})" +
               "\n\n";
    };
    for (const int choice : {0, 1})
        EXPECT_EQ(ended("end << 1\nclose 1 released\n", "client", two + stops(choice)), Completeness::interrupted);
    EXPECT_EQ(ended("end << 1\nclose 1 released\n", "client", two + stops(1) + stops(0)), Completeness::complete);
}

// What a client may take for the end. The official client of OpenAI leaves there, and does not read the last chunk.
struct Stream {
    std::string_view host, path, type, last_word;

    friend void PrintTo(const Stream& one, std::ostream* out) { *out << one.path << ": " << one.last_word; }
};
const std::string kAskStream = R"({"model":"m","stream":true,"message":"a","inputs":"a","input":"a","messages":[]})";
const Stream kStreams[] = {
    {"api.openai.com", "/v1/chat/completions", "text/event-stream", "data: [DONE]\n\n"},
    {"api.anthropic.com", "/v1/messages", "text/event-stream",
     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"},
    {"api.openai.com", "/v1/responses", "text/event-stream",
     R"(data: {"type":"response.completed","response":{"id":"r","status":"completed"}})"
     "\n\n"},
    {"api.openai.com", "/v1/responses", "text/event-stream",
     R"(data: {"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"c","message":"m"}}})"
     "\n\n"},
    {"api.cohere.com", "/v2/chat", "text/event-stream", "data: {\"type\":\"message-end\",\"delta\":{}}\n\n"},
    {"api.cohere.com", "/v1/chat", "application/stream+json", "{\"event_type\":\"stream-end\",\"response\":{}}\n"},
    {"localhost:11434", "/api/chat", "application/x-ndjson",
     "{\"model\":\"m\",\"message\":{\"content\":\"\"},\"done\":true}\n"},
    {"generativelanguage.googleapis.com", "/v1beta/interactions", "text/event-stream",
     "data: {\"event_type\":\"interaction.completed\",\"interaction\":{\"id\":\"i\"}}\n\n"},
    {"api.openai.com", "/v1/audio/speech", "text/event-stream", "data: {\"type\":\"speech.audio.done\"}\n\n"},
    {"api.mistral.ai", "/v1/conversations", "text/event-stream", "data: {\"type\":\"conversation.response.done\"}\n\n"},
};

std::string chunk(std::string_view text) {
    std::string size;
    for (std::size_t left = text.size(); left > 0; left /= 16)
        size.insert(0, 1, "0123456789abcdef"[left % 16]);
    return size + "\r\n" + std::string(text) + "\r\n";
}

Completeness verdict(const Outcome& out) {
    EXPECT_EQ(out.finished.size(), 1U);
    return out.finished.size() == 1 ? out.finished[0].completeness : Completeness::truncated;
}

class LastWord : public testing::TestWithParam<Stream> {
 protected:
    // The body's first bytes, and what the script says then.
    static Completeness answered(const std::string& body, const std::string& rest) {
        const Stream& stream = GetParam();
        const std::string head =
            "HTTP/1.1 200 OK\r\nContent-Type: " + std::string(stream.type) + "\r\nTransfer-Encoding: chunked\r\n\r\n";
        return verdict(run_script(kOpen + ">> 1 " +
                                  quoted(request(std::string(stream.path), kAskStream, "", std::string(stream.host))) +
                                  "\n<< 1 " + quoted(head + chunk("\n") + body) + "\n" + rest));
    }
    // The answer's bytes up to its last word, and how the connection ends.
    static Completeness ended(std::string_view last_word, const std::string& after, const std::string& end) {
        return answered(last_word.empty() ? "" : chunk(last_word), after + end);
    }
};

TEST_P(LastWord, WhoLeavesAfterItHasReadAll) {
    const std::string_view last = GetParam().last_word;
    for (const std::string end :
         {"close 1 released\n", "close 1 process_ended\n", "close 1 reset\n", "end << 1\nclose 1 released\n"}) {
        const bool left = end.starts_with("close") && end != "close 1 reset\n";
        EXPECT_EQ(ended(last, "", end), left ? Completeness::complete : Completeness::interrupted) << end;
        EXPECT_EQ(ended(last, "<< 1 \"0\\r\\n\\r\\n\"\n", end), Completeness::complete) << end;
        EXPECT_EQ(ended("", "", end), Completeness::interrupted) << end;
        EXPECT_EQ(ended(last.substr(0, last.size() / 2), "", end), Completeness::interrupted) << end;
    }
    EXPECT_EQ(ended(last, "", "close 1 source_ended\n"), Completeness::in_progress);
}

TEST_P(LastWord, WhatWasLostBeforeItIsLost) {
    const std::string behind = quoted("\r\n" + chunk("\n\n") + chunk(GetParam().last_word));
    EXPECT_EQ(answered("100\r\n", "gap << 1 256\n<< 1 " + behind + "\nclose 1 released\n"), Completeness::gap);
}

TEST_P(LastWord, WhatFollowsItTakesItBack) {
    const std::string last(GetParam().last_word);
    const std::string more = last.starts_with("{") ? "{\"model\":\"m\",\"done\":false}\n" : "data: {\"id\":\"c\"}\n\n";
    EXPECT_EQ(ended(last + more, "", "close 1 released\n"), Completeness::interrupted);
    EXPECT_EQ(ended(last + more.substr(0, 10), "", "close 1 released\n"), Completeness::interrupted);
    EXPECT_EQ(ended(last + more + last, "", "close 1 released\n"), Completeness::complete);
}

INSTANTIATE_TEST_SUITE_P(Apis, LastWord, testing::ValuesIn(kStreams));

const std::string kSse = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const std::string kDelta =
    "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
const std::string kDone = "data: [DONE]\n\n";

// The framing knows of bytes that have not come.
TEST(StreamEnd, WhoLeavesAmidAnnouncedBytesHasNotReadAll) {
    const auto left = [](const std::string& answer) {
        return verdict(run_script(kOpen + ">> 1 " + quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " +
                                  quoted(kSse + answer) + "\nclose 1 released\n"));
    };
    const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n" + chunk(kDelta + kDone);
    EXPECT_EQ(left(chunked), Completeness::complete);
    EXPECT_EQ(left(chunked.substr(0, chunked.size() - 2)), Completeness::complete);  // the chunk's line end
    EXPECT_EQ(left(chunked + "0"), Completeness::complete);
    EXPECT_EQ(left(chunked + chunk("data: \n\n")), Completeness::complete);  // says nothing
    EXPECT_EQ(left(chunked + "0\r\nTrailer: of"), Completeness::complete);
    EXPECT_EQ(left("\r\n" + kDelta + kDone), Completeness::complete);  // until the connection ends
    EXPECT_EQ(left("Transfer-Encoding: chunked\r\n\r\n1000\r\n" + kDelta + kDone), Completeness::interrupted);
    for (const std::string next : {"5", "100\r\n", "100;extension", "100\r\n: half a com"})
        EXPECT_EQ(left(chunked + next), Completeness::interrupted) << next;
    EXPECT_EQ(left("Content-Length: 700\r\n\r\n" + kDelta + kDone), Completeness::interrupted);
    EXPECT_EQ(left("\r\n" + kDelta + "data: [DONE]\n"), Completeness::interrupted);  // no event without an empty line
}

TEST(StreamEnd, OneOfSeveralAnswersIsNotTheLast) {
    const auto left = [](const std::string& path, const std::string& ask, const std::string& event) {
        return verdict(run_script(kOpen + ">> 1 " + quoted(request(path, ask)) + "\n<< 1 " +
                                  quoted(kSse + "\r\ndata: " + event + "\n\n") + "\nclose 1 released\n"));
    };
    const std::string stop = R"({"index":0,"content":"","stop":true,"tokens_predicted":1,"tokens_evaluated":1})";
    EXPECT_EQ(left("/completion", R"({"prompt":"a","n_predict":9,"stream":true})", stop), Completeness::complete);
    EXPECT_EQ(left("/completion", R"({"prompt":["a","b"],"n_predict":9,"stream":true})", stop),
              Completeness::interrupted);
    const std::string piece = R"({"token":{"text":"a"},"generated_text":)";
    EXPECT_EQ(left("/generate_stream", R"({"inputs":"a","parameters":{}})", piece + "\"a\"}"), Completeness::complete);
    EXPECT_EQ(left("/generate_stream", R"({"inputs":"a","parameters":{}})", piece + "null}"),
              Completeness::interrupted);
    const std::string image = R"({"type":"image_generation.completed","b64_json":"aaaa"})";
    EXPECT_EQ(left("/v1/images/generations", R"({"model":"m","prompt":"a","stream":true})", image),
              Completeness::complete);
    EXPECT_EQ(left("/v1/images/generations", R"({"model":"m","prompt":"a","stream":true,"n":2})", image),
              Completeness::interrupted);
}

TEST(StreamEnd, ResponsesSayByTheirTypeThatTheyAreOver) {
    const auto left = [](const std::string& event) {
        return verdict(run_script(kOpen + ">> 1 " + quoted(request("/v1/responses", kAskStream)) + "\n<< 1 " +
                                  quoted(kSse + "\r\ndata: " + event + "\n\n") + "\nclose 1 released\n"));
    };
    EXPECT_EQ(left(R"({"type":"response.created","response":{"id":"r","status":"completed","output":[]}})"),
              Completeness::interrupted);
    EXPECT_EQ(left(R"({"type":"error","message":"m"})"), Completeness::interrupted);  // "response.failed" comes behind
    EXPECT_EQ(left(R"({"type":"response.completed","response":{"id":"r"}})"), Completeness::complete);
}

TEST(StreamEnd, ALastWordOfABodyInOnePieceEndsNothing) {
    const std::string body = R"({"model":"m","message":{"content":"a"},"done":true})";
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";  // until the end
    EXPECT_EQ(
        verdict(run_script(kOpen + ">> 1 " +
                           quoted(request("/api/chat", R"({"model":"m","stream":false})", "", "localhost:11434")) +
                           "\n<< 1 " + quoted(head + body) + "\nclose 1 released\n")),
        Completeness::interrupted);
}

// A client that has what it wants resets the stream (RFC 9113 section 8.1) and keeps the connection.
TEST(StreamEnd, AStreamOfHttp2MayBeResetAfterItsLastWord) {
    const auto hex = [](const std::string& bytes) {
        std::string out = "hex:";
        for (const char c : bytes) {
            out += "0123456789abcdef"[static_cast<unsigned char>(c) / 16];
            out += "0123456789abcdef"[static_cast<unsigned char>(c) % 16];
        }
        return out;
    };
    const std::string cancel = http::test::http2_frame(3, 0, 1, std::string("\0\0\0\x8", 4));
    const auto after = [&](const std::string& frames, const std::string& end) {
        Http2Peer client, server;
        return verdict(run_script(
            kOpen + ">> 1 " +
            hex(http::test::kPreface + http::test::kSettings +
                client.request(1, "/v1/chat/completions", http::test::End::no, {{"content-type", "application/json"}}) +
                Http2Peer::data(1, kAsk, http::test::End::yes)) +
            "\n<< 1 " + hex(http::test::kSettings + server.response(1) + frames) + "\n" + end));
    };
    for (const std::string& end : {">> 1 " + hex(cancel) + "\nclose 1\n", std::string("close 1 released\n")}) {
        EXPECT_EQ(after(Http2Peer::data(1, kDelta + kDone), end), Completeness::complete) << end;
        EXPECT_EQ(after(Http2Peer::data(1, kDelta), end), Completeness::interrupted) << end;
        // Of the frame, or of the next one, more was to come.
        const std::string more = Http2Peer::data(1, kDelta + kDone + kDelta);
        for (const std::size_t missing : {kDelta.size(), std::size_t{40}, std::size_t{1}})
            EXPECT_EQ(after(more.substr(0, more.size() - missing), end), Completeness::interrupted) << missing << end;
        const std::string next = Http2Peer::data(1, kDelta + kDone) + Http2Peer::data(1, kDelta);
        EXPECT_EQ(after(next.substr(0, next.size() - kDelta.size()), end), Completeness::interrupted) << end;
    }
    // By the server, and where bytes are missing.
    EXPECT_EQ(after(Http2Peer::data(1, kDelta + kDone) + cancel, "close 1\n"), Completeness::interrupted);
    EXPECT_EQ(after(Http2Peer::data(1, kDelta + kDone), "gap << 1 90\nclose 1 released lengths\n"), Completeness::gap);
}

}  // namespace
}  // namespace llmsnoop::pipeline
