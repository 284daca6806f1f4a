#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/unit/pipeline/pipeline_harness.h"

namespace llmsnoop::pipeline {
namespace {

using model::Completeness;

const std::string kAsk = R"({"model":"gpt-4o","messages":[{"role":"user","content":"Why is the sky blue?"}]})";
const std::string kAnswer =
    R"({"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant",)"
    R"("content":"Rayleigh."},"finish_reason":"stop"}],"usage":{"prompt_tokens":13,"completion_tokens":4,"total_tokens":17}})";
const std::string kOpen =
    "process 100 start=5 comm=python3 exe=/usr/bin/python3 uid=1000\n"
    "open 1 client from_start openssl pid=100 local 192.0.2.9:40000 peer 192.0.2.1:443\n";

TEST(PipelineTest, MakesARecordOfACall) {
    const Outcome out =
        run_script(kOpen + "name 1 api.openai.com\n" +                                                  //
                   ">> 1 " + quoted(request("/v1/chat/completions?key=x", kAsk)) + "\nafter 250ms\n" +  //
                   "<< 1 " + quoted(response(kAnswer)) + "\nclose 1\n");
    ASSERT_EQ(out.finished.size(), 1U);
    const model::Exchange& one = out.finished[0];
    EXPECT_EQ(one.role, model::Role::client);
    EXPECT_EQ(one.net.library, model::Library::openssl);
    EXPECT_EQ(one.net.protocol, model::Protocol::http1);
    EXPECT_EQ(one.net.server_name, "api.openai.com");
    EXPECT_EQ(one.net.peer->port, 443);
    EXPECT_EQ(one.http.method, "POST");
    EXPECT_EQ(one.http.status, 200);
    EXPECT_EQ(one.http.request_bytes, kAsk.size());
    EXPECT_EQ(one.http.response_bytes, kAnswer.size());
    EXPECT_EQ(one.llm.provider, "openai");
    EXPECT_EQ(one.llm.dialect, "openai.chat");
    EXPECT_EQ(one.llm.request_model, "gpt-4o");
    EXPECT_EQ(one.llm.response_model, "gpt-4o-2024-08-06");
    EXPECT_EQ(one.usage.input, 13U);
    EXPECT_EQ(one.usage.output, 4U);
    EXPECT_EQ(one.usage.source, model::UsageSource::reported);
    EXPECT_EQ(one.identity.process.comm, "python3");
    EXPECT_EQ(one.completeness, Completeness::complete);
    EXPECT_EQ(one.timing.ended - one.timing.started, std::chrono::milliseconds(250));
    ASSERT_EQ(out.started.size(), 1U);
    EXPECT_EQ(out.started[0].id, one.id);
    EXPECT_EQ(out.started[0].llm.dialect, "openai.chat");
    EXPECT_EQ(out.closed, std::vector<model::ConnectionId>{1});
}

TEST(PipelineTest, GivesTheSameRecordsHoweverTheBytesAreCut) {
    std::string stream;
    for (int i = 0; i < 5; ++i)
        stream += "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"w \"}}]}\n\n";
    stream +=
        "data: "
        "{\"id\":\"c\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_"
        "tokens\":8}}\n\n"
        "data: [DONE]\n\n";
    const std::string body = kOpen + ">> 1 " + quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " +
                             quoted(response(stream, "text/event-stream")) + "\n>> 1 " +
                             quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " + quoted(response(kAnswer)) +
                             "\nclose 1\n";
    const Outcome whole = run_script(body);
    ASSERT_EQ(whole.finished.size(), 2U);
    EXPECT_EQ(whole.finished[0].usage.output, 5U);
    for (const int size : {1, 2, 3, 7, 64, 1000}) {
        const Outcome cut = run_script("pieces " + std::to_string(size) + "\n" + body);
        EXPECT_EQ(cut.finished, whole.finished) << "pieces of " << size;
    }
}

TEST(PipelineTest, LeavesOtherTrafficAlone) {
    const std::string big(2 << 20, 'x');
    const Outcome out = run_script(
        kOpen + ">> 1 \"GET /index.html HTTP/1.1\\r\\nHost: example.com\\r\\n\\r\\n\"\n" +
        "<< 1 \"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nContent-Length: " + std::to_string(big.size()) +
        "\\r\\n\\r\\n\" \"x\"*1000\n<< 1 \"x\"*" + std::to_string(big.size() - 1000) + "\n>> 1 " +
        quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " + quoted(response(kAnswer)) + "\nclose 1\n");
    ASSERT_EQ(out.finished.size(), 1U);  // the call behind the download is seen
    ASSERT_EQ(out.mutes.size(), 1U);     // and the download's bytes were not wanted
    EXPECT_EQ(out.mutes[0].direction, model::Direction::received);
    ASSERT_TRUE(out.mutes[0].until.has_value());
}

TEST(PipelineTest, GoesOnBehindWhatItMuted) {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2000000\r\n\r\n";
    const Outcome out = run_script(
        kOpen + ">> 1 \"GET /a HTTP/1.1\\r\\nHost: example.com\\r\\n\\r\\n\"\n<< 1 " + quoted(head) + " \"x\"*1000\n" +
        // The kernel leaves out what was muted; the call in which the body ends comes whole.
        "<< 1 at=" + std::to_string(head.size() + 1'990'000) + " \"x\"*10000\n>> 1 " +
        quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " + quoted(response(kAnswer)) + "\nclose 1\n");
    ASSERT_EQ(out.finished.size(), 1U);
    EXPECT_EQ(out.finished[0].completeness, Completeness::complete);
    EXPECT_EQ(out.lost(model::Loss::stream_gap), 0U);
}

TEST(PipelineTest, MutesWhatIsNoHttp) {
    const Outcome out =
        run_script(kOpen + ">> 1 hex:16030100ff00000000ffffffff \"\\xff\\xfe\\xfd\"*20000\n<< 1 \"y\"*100\nclose 1\n");
    EXPECT_TRUE(out.finished.empty());
    ASSERT_EQ(out.mutes.size(), 2U);
    EXPECT_FALSE(out.mutes[0].until.has_value());
}

TEST(PipelineTest, SeesTheServersSide) {
    const Outcome out = run_script(
        "process 7 start=1 comm=vllm\nopen 1 server from_start openssl pid=7 local 192.0.2.1:443 peer 192.0.2.9:40000\n"
        ">> 1 " +
        quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " + quoted(response(kAnswer)) + "\nclose 1\n");
    ASSERT_EQ(out.finished.size(), 1U);
    EXPECT_EQ(out.finished[0].role, model::Role::server);
    EXPECT_EQ(out.finished[0].net.peer->port, 40000);
}

TEST(PipelineTest, TurnsACaptureTowardsTheClient) {
    // A capture that began in the middle took the server for the observed end.
    const Outcome out = run_script("open 1 server joined wire local 192.0.2.1:8080 peer 192.0.2.9:40000\n>> 1 " +
                                   quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " +
                                   quoted(response(kAnswer)) + "\nclose 1\n");
    ASSERT_EQ(out.finished.size(), 1U);
    EXPECT_EQ(out.finished[0].role, model::Role::client);
    EXPECT_EQ(out.finished[0].net.peer->port, 8080);
    EXPECT_EQ(out.finished[0].net.local->port, 40000);
}

TEST(PipelineTest, PairsBothEnds) {
    const Outcome out = run_script(
        "process 100 start=5 comm=client\nprocess 7 start=1 comm=server\n"
        "open 1 client from_start openssl pid=100 local 192.0.2.9:40000 peer 192.0.2.1:443\n"
        "open 2 server from_start openssl pid=7 local 192.0.2.1:443 peer 192.0.2.9:40000\n"
        ">> 1 " +
        quoted(request("/v1/chat/completions", kAsk)) + "\n>> 2 " + quoted(request("/v1/chat/completions", kAsk)) +
        "\n<< 2 " + quoted(response(kAnswer)) + "\n<< 1 " + quoted(response(kAnswer)) + "\nclose 1\nclose 2\n");
    ASSERT_EQ(out.finished.size(), 2U);
    EXPECT_EQ(out.finished[0].pair, out.finished[1].id);
    EXPECT_EQ(out.finished[1].pair, out.finished[0].id);
    EXPECT_NE(out.finished[0].id, out.finished[1].id);
}

TEST(PipelineTest, EndsThatWereJoinedAtDifferentExchangesArePairedByTheResponse) {
    // The server's read of the first request began before anybody looked; its client was seen from the second on.
    const std::string asked = quoted(request("/v1/chat/completions", kAsk));
    const auto answer = [](const std::string& id) {
        std::string text = kAnswer;
        const std::string mark = "\"id\":\"";
        const std::size_t at = text.find(mark) + mark.size();
        return quoted(response(text.replace(at, text.find('"', at) - at, id)));
    };
    const std::string open =
        "process 100 start=5 comm=client\nprocess 7 start=1 comm=server\n"
        "open 1 client joined openssl pid=100 local 127.0.0.1:40000 peer 127.0.0.1:443\n"
        "open 2 server from_start openssl pid=7 local 127.0.0.1:443 peer 127.0.0.1:40000\n";
    const auto server = [&](const std::string& id) { return ">> 2 " + asked + "\n<< 2 " + answer(id) + "\n"; };
    const auto client = [&](const std::string& id) { return ">> 1 " + asked + "\n<< 1 " + answer(id) + "\n"; };
    const Outcome out = run_script(open + server("first") + server("second") + client("second") + server("third") +
                                   client("third") + "close 1\nclose 2\n");
    std::map<std::string, std::map<model::Role, const model::Exchange*>> by_response;
    for (const model::Exchange& one : out.finished)
        by_response[one.llm.response_id][one.role] = &one;
    ASSERT_EQ(out.finished.size(), 5U);
    EXPECT_EQ(by_response["first"][model::Role::server]->pair, "");
    for (const std::string id : {"second", "third"}) {
        const model::Exchange* ours = by_response[id][model::Role::client];
        const model::Exchange* theirs = by_response[id][model::Role::server];
        ASSERT_TRUE(ours && theirs) << id;
        EXPECT_EQ(ours->pair, theirs->id) << id;
        EXPECT_EQ(theirs->pair, ours->id) << id;
    }
}

TEST(PipelineTest, AnEndWhoseAddressesComeLateIsWaitedForToo) {
    const std::string asked = quoted(request("/v1/chat/completions", kAsk)), answered = quoted(response(kAnswer));
    const Outcome out = run_script(
        "process 100 start=5 comm=client\nprocess 7 start=1 comm=server\n"
        "open 1 client from_start openssl pid=100\n"
        "open 2 server from_start openssl pid=7 local 127.0.0.1:443 peer 127.0.0.1:40000\n"
        ">> 1 " +
        asked + "\n>> 2 " + asked + "\n<< 2 " + answered +
        "\naddress 1 local 127.0.0.1:40000 peer 127.0.0.1:443\n<< 1 \"HTTP/1.1 200 OK\"\nclose 2\nclose 1\n");
    ASSERT_EQ(out.finished.size(), 2U);
    EXPECT_EQ(out.finished[0].role, model::Role::server);  // with the address, not with the client's end
    EXPECT_EQ(out.finished[0].pair, out.finished[1].id);
    EXPECT_EQ(out.finished[1].pair, out.finished[0].id);
}

TEST(PipelineTest, TheEndThatIsOverFirstWaitsForTheOther) {
    // On one machine the server may have answered before its client's SSL_write returned.
    const std::string both_ends =
        "process 100 start=5 comm=client\nprocess 7 start=1 comm=server\n"
        "open 1 client from_start openssl pid=100 local 127.0.0.1:40000 peer 127.0.0.1:443\n"
        "open 2 server from_start openssl pid=7 local 127.0.0.1:443 peer 127.0.0.1:40000\n";
    const std::string asked = quoted(request("/v1/chat/completions", kAsk)), answered = quoted(response(kAnswer));
    const Outcome out = run_script(both_ends + ">> 2 " + asked + "\n<< 2 " + answered + "\n>> 1 " + asked + "\n<< 1 " +
                                   answered + "\nclose 1\nclose 2\n");
    ASSERT_EQ(out.finished.size(), 2U);
    EXPECT_EQ(out.finished[0].role, model::Role::server);
    EXPECT_EQ(out.finished[0].pair, out.finished[1].id);
    EXPECT_EQ(out.finished[1].pair, out.finished[0].id);
    // One that never comes is not waited for longer than the source lasts.
    const Outcome alone = run_script(both_ends + ">> 2 " + asked + "\n<< 2 " + answered + "\nclose 2\n");
    ASSERT_EQ(alone.finished.size(), 1U);
    EXPECT_EQ(alone.finished[0].pair, "");
}

TEST(PipelineTest, AConnectionThatIsSilentForAnHourIsDeliveredAsFarAsItGot) {
    const std::string asked = quoted(request("/v1/chat/completions", kAsk));
    const std::string two = "open 1 client from_start none\nopen 2 client from_start none\n>> 1 " + asked + "\n";
    const std::string late = " >> 2 " + asked + "\n<< 2 " + quoted(response(kAnswer)) + "\n";
    const auto first_delivered = [&](const std::string& after) {
        const Outcome out = run_script(two + "after " + after + "\n" + late.substr(1));
        return out.finished.size() == 2 ? out.finished[0].completeness : Completeness::truncated;
    };
    EXPECT_EQ(first_delivered("59m"), Completeness::complete);  // the second connection's; the first comes at the end
    EXPECT_EQ(first_delivered("61m"), Completeness::in_progress);  // the first connection's
}

// A connection pool keeps one over the weekend. What the second one says meanwhile lets the pipeline look around.
TEST(PipelineTest, AConnectionThatRestedForDaysSpeaksAgain) {
    const std::string ask = quoted(request("/v1/chat/completions", kAsk));
    const std::string call = ">> 1 " + ask + "\n<< 1 " + quoted(response(kAnswer)) + "\n";
    const std::string other = "open 2 client from_start openssl\n>> 2 " + ask + "\nclose 2\n";
    const Outcome out = run_script(kOpen + call + "after 60h\n" + other + "after 1h\n" + call + "close 1\n");
    ASSERT_EQ(out.finished.size(), 3U);
    EXPECT_EQ(out.lost(model::Loss::connection_unknown), 0U);
    const model::Exchange& first = out.finished.front();
    const model::Exchange& last = out.finished.back();
    EXPECT_EQ(last.usage, first.usage);
    EXPECT_EQ(last.completeness, model::Completeness::complete);
    EXPECT_EQ(last.identity.process, first.identity.process);
    EXPECT_EQ(last.net.peer, first.net.peer);
}

TEST(PipelineTest, CallsACutExchangeInterrupted) {
    const std::string half =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        "40\r\ndata: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"co";
    const std::string call =
        kOpen + ">> 1 " + quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " + quoted(half) + "\n";
    for (const char* ending : {"exit 100\n", "close 1 reset\n", "close 1 orderly\n"}) {
        const Outcome out = run_script(call + ending);
        ASSERT_EQ(out.finished.size(), 1U) << ending;
        EXPECT_EQ(out.finished[0].completeness, Completeness::interrupted) << ending;
        EXPECT_EQ(out.finished[0].usage.source, model::UsageSource::none) << ending;
    }
    const Outcome open = run_script(call);
    ASSERT_EQ(open.finished.size(), 1U);
    EXPECT_EQ(open.finished[0].completeness, Completeness::in_progress);
}

TEST(PipelineTest, NeverCallsAnExchangeCompleteThatMissesBytes) {
    const std::string text = response(kAnswer);
    for (std::size_t at = 0; at < text.size(); at += 13) {
        for (const std::size_t size : {std::size_t{1}, std::size_t{40}}) {
            const std::size_t length = std::min(size, text.size() - at);
            const std::string first = text.substr(0, at);
            const std::string rest = text.substr(at + length);
            const Outcome out = run_script(
                kOpen + ">> 1 " + quoted(request("/v1/chat/completions", kAsk)) + "\n" +
                (first.empty() ? "" : "<< 1 " + quoted(first) + "\n") + "gap << 1 " + std::to_string(length) + "\n" +
                (rest.empty() ? "" : "<< 1 " + quoted(rest) + "\n") + "close 1 orderly lengths\n");
            for (const model::Exchange& one : out.finished) {
                EXPECT_NE(one.completeness, Completeness::complete) << at << "+" << length;
            }
        }
    }
}

TEST(PipelineTest, CountsAReReadOnce) {
    const std::string answer =
        R"({"id":"resp_1","object":"response","status":"completed","model":"gpt-4o","output":[],)"
        R"("usage":{"input_tokens":5,"output_tokens":6,"total_tokens":11}})";
    const std::string ask = R"({"model":"gpt-4o","input":"Hello"})";
    const std::string again =
        ">> 1 \"GET /v1/responses/resp_1 HTTP/1.1\\r\\nHost: api.openai.com\\r\\n\\r\\n\"\n<< 1 " +
        quoted(response(answer)) + "\n";
    const Outcome out = run_script(kOpen + ">> 1 " + quoted(request("/v1/responses", ask)) + "\n<< 1 " +
                                   quoted(response(answer)) + "\n" + again + again + "close 1\n");
    ASSERT_EQ(out.finished.size(), 3U);
    EXPECT_EQ(out.finished[0].usage.output, 6U);
    for (const int i : {1, 2}) {
        EXPECT_EQ(out.finished[static_cast<std::size_t>(i)].llm.operation, "fetch_response");
        EXPECT_FALSE(out.finished[static_cast<std::size_t>(i)].usage.output.has_value());
    }
    // Where the first answer was not seen, the first re-read counts.
    const Outcome alone = run_script(kOpen + again + again + "close 1\n");
    ASSERT_EQ(alone.finished.size(), 2U);
    EXPECT_EQ(alone.finished[0].usage.output, 6U);
    EXPECT_FALSE(alone.finished[1].usage.output.has_value());
}

// All bytes were seen, and some of them say nothing to us.
TEST(PipelineTest, CallsNoExchangeCompleteWhoseDocumentsCannotBeRead) {
    const std::string cut = kAnswer.substr(0, kAnswer.size() / 2);
    for (const auto& [ask, answer, verdict] :
         {std::tuple(kAsk, kAnswer, Completeness::complete), std::tuple(kAsk, cut, Completeness::truncated),
          std::tuple(kAsk, std::string("<html>busy</html>"), Completeness::truncated),
          std::tuple(kAsk.substr(0, kAsk.size() - 4), kAnswer, Completeness::truncated),
          // Written in another way, it says the same.
          std::tuple(kAsk, kAnswer.substr(0, 1) + "\"logprob\":NaN," + kAnswer.substr(1), Completeness::complete)}) {
        const Outcome out = run_script(kOpen + ">> 1 " + quoted(request("/v1/chat/completions", ask)) + "\n<< 1 " +
                                       quoted(response(answer)) + "\nclose 1\n");
        ASSERT_EQ(out.finished.size(), 1U) << answer;
        EXPECT_EQ(out.finished[0].completeness, verdict) << ask << answer;
        EXPECT_EQ(out.lost(model::Loss::bad_json), verdict == Completeness::complete ? 0U : 1U) << ask << answer;
    }
}

// The one who reads sees the end before the one who called: a stream that lags, or that has broken off.
TEST(PipelineTest, CountsOnceWhatIsReadBeforeTheCallIsOver) {
    const std::string usage = R"("usage":{"input_tokens":5,"output_tokens":6,"total_tokens":11})";
    const std::string answer =
        R"({"id":"resp_1","object":"response","status":"completed","model":"gpt-4o","output":[],)" + usage + "}";
    const std::string read = ">> 2 \"GET /v1/responses/resp_1 HTTP/1.1\\r\\nHost: api.openai.com\\r\\n\\r\\n\"\n<< 2 " +
                             quoted(response(answer)) + "\n";
    const std::string begun =
        kOpen + "open 2 client from_start openssl\n>> 1 " +
        quoted(request("/v1/responses", R"({"model":"gpt-4o","input":"Hello","stream":true})")) + "\n<< 1 " +
        quoted(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"object\":\"response\","
            "\"model\":\"gpt-4o\",\"status\":\"in_progress\"}}\n\n"
            "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hi there\"}\n\n") +
        "\n";
    const std::string ended = "<< 1 " +
                              quoted(
                                  "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"object\":"
                                  "\"response\",\"model\":\"gpt-4o\",\"status\":\"completed\"," +
                                  usage + "}}\n\n") +
                              "\n";
    for (const std::string& rest : {ended + "close 1 orderly\n", std::string("close 1 reset\n")}) {
        Settings settings;
        settings.missing_usage = MissingUsage::estimated;
        const Outcome out = run_script(begun + "after 1ms\n" + read + rest + read + "close 2\n", settings);
        ASSERT_EQ(out.finished.size(), 3U) << rest;
        std::uint64_t tokens = 0;
        for (const model::Exchange& one : out.finished)
            tokens += one.usage.input.value_or(0) + one.usage.output.value_or(0);
        EXPECT_EQ(tokens, 11U) << rest;
        EXPECT_EQ(out.finished[0].llm.operation, "fetch_response");
        EXPECT_EQ(out.finished[0].usage.output, 6U) << rest;
    }
    // What is read of one that is still being made is not what it costs.
    const std::string early =
        ">> 2 \"GET /v1/responses/resp_1 HTTP/1.1\\r\\nHost: api.openai.com\\r\\n\\r\\n\"\n<< 2 " +
        quoted(response(R"({"id":"resp_1","object":"response","status":"in_progress",)"
                        R"("model":"gpt-4o","output":[],"usage":{"input_tokens":0,)"
                        R"("output_tokens":0,"total_tokens":0}})")) +
        "\n";
    const Outcome out = run_script(begun + "after 1ms\n" + early + ended + "close 1 orderly\n" + read + "close 2\n");
    ASSERT_EQ(out.finished.size(), 3U);
    EXPECT_EQ(out.finished[0].usage.output, std::nullopt);
    EXPECT_EQ(out.finished[1].usage.output, 6U);
    EXPECT_EQ(out.finished[2].usage.output, std::nullopt);
}

// A call that goes on in the background is answered at once; zeros there are no count.
TEST(PipelineTest, CountsWhatABackgroundCallCameToWhenItIsRead) {
    const auto answer = [](const std::string& status, const std::string& usage) {
        return quoted(response(R"({"id":"resp_1","object":"response","status":")" + status +
                               R"(","model":"gpt-4o","output":[],"usage":)" + usage + "}"));
    };
    for (const std::string status : {"queued", "in_progress"}) {
        for (const std::string usage : {"null", R"({"input_tokens":0,"output_tokens":0,"total_tokens":0})"}) {
            const Outcome out = run_script(
                kOpen + ">> 1 " +
                quoted(request("/v1/responses", R"({"model":"gpt-4o","background":true,"input":"x"})")) + "\n<< 1 " +
                answer(status, usage) +
                "\nafter 1ms\n>> 1 \"GET /v1/responses/resp_1 HTTP/1.1\\r\\nHost: api.openai.com\\r\\n\\r\\n\"\n<< 1 " +
                answer("completed", R"({"input_tokens":5,"output_tokens":6,"total_tokens":11})") + "\nclose 1\n");
            ASSERT_EQ(out.finished.size(), 2U);
            EXPECT_EQ(out.finished[0].usage.output, std::nullopt) << status << usage;
            EXPECT_EQ(out.finished[0].usage.source, model::UsageSource::none) << status << usage;
            EXPECT_EQ(out.finished[1].usage.input, 5U) << status << usage;
            EXPECT_EQ(out.finished[1].usage.output, 6U) << status << usage;
        }
    }
}

// Nobody can read what is yet to be made: the identifier is another one's, too.
TEST(PipelineTest, CountsACallThatBeganAfterTheReading) {
    const std::string answer =
        R"({"id":"resp_1","object":"response","status":"completed","model":"gpt-4o","output":[],)"
        R"("usage":{"input_tokens":5,"output_tokens":6,"total_tokens":11}})";
    const Outcome out =
        run_script(kOpen + ">> 1 \"GET /v1/responses/resp_1 HTTP/1.1\\r\\nHost: api.openai.com\\r\\n\\r\\n\"\n<< 1 " +
                   quoted(response(answer)) + "\nafter 1ms\n>> 1 " +
                   quoted(request("/v1/responses", R"({"model":"gpt-4o","input":"Hello"})")) + "\n<< 1 " +
                   quoted(response(answer)) + "\nclose 1\n");
    ASSERT_EQ(out.finished.size(), 2U);
    EXPECT_EQ(out.finished[0].usage.output, 6U);
    EXPECT_EQ(out.finished[1].usage.output, 6U);
}

// Some servers draw identifiers from a thousand.
TEST(PipelineTest, CountsTwoCallsOfOneIdentifierTwice) {
    const std::string call =
        ">> 1 " + quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " + quoted(response(kAnswer)) + "\n";
    const Outcome out = run_script(kOpen + call + call + "close 1\n");
    ASSERT_EQ(out.finished.size(), 2U);
    EXPECT_FALSE(out.finished[0].llm.response_id.empty());
    EXPECT_EQ(out.finished[1].llm.response_id, out.finished[0].llm.response_id);
    EXPECT_TRUE(out.finished[0].usage.output.has_value());
    EXPECT_EQ(out.finished[1].usage, out.finished[0].usage);
}

TEST(PipelineTest, CountsBytesOfUnknownConnections) {
    const Outcome out = run_script("unannounced 5\n>> 5 \"GET / HTTP/1.1\\r\\n\\r\\n\"\nclose 5\n");
    EXPECT_EQ(out.lost(model::Loss::connection_unknown), 1U);
}

TEST(PipelineTest, BoundsWhatIsOpen) {
    Settings settings;
    settings.connections = 3;
    std::string script;
    for (int i = 1; i <= 5; ++i)
        script += "open " + std::to_string(i) + " client from_start openssl\n";
    EXPECT_EQ(run_script(script, settings).lost(model::Loss::connection_limit), 2U);

    settings = {};
    settings.exchanges = 2;
    std::string pipelined = kOpen;
    for (int i = 0; i < 5; ++i)
        pipelined += ">> 1 " + quoted(request("/v1/chat/completions", kAsk)) + "\n";
    EXPECT_EQ(run_script(pipelined + "close 1\n", settings).lost(model::Loss::exchange_limit), 3U);
}

TEST(PipelineTest, HashesBodiesWhereAsked) {
    Settings settings;
    settings.body_hash = BodyHash::sha256;
    const std::string call = kOpen + ">> 1 " + quoted(request("/v1/chat/completions", kAsk)) + "\n<< 1 " +
                             quoted(response(kAnswer)) + "\nclose 1\n";
    const Outcome out = run_script(call, settings);
    ASSERT_EQ(out.finished.size(), 1U);
    EXPECT_EQ(out.finished[0].http.request_sha256, base::sha256_hex(kAsk));
    EXPECT_EQ(out.finished[0].http.response_sha256, base::sha256_hex(kAnswer));
    EXPECT_TRUE(run_script(call).finished.at(0).http.request_sha256.empty());
}

}  // namespace
}  // namespace llmsnoop::pipeline
