#include "agent/capture/script_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/event_text.h"

namespace llmsnoop::capture {
namespace {

using support::text_of_event;
using testing::ElementsAre;

std::vector<std::string> lines(std::string_view text, const std::string& folder = ".") {
    const auto script = parse_script(text, "test", folder);
    if (!script) return {script.error().message};
    std::vector<std::string> out;
    for (const auto& event : script->events)
        out.push_back(text_of_event(event));
    return out;
}

TEST(Script, AConnectionFromItsBeginningToItsEnd) {
    EXPECT_THAT(lines(R"(
        # what a Python program does
        process 100 start=5 comm=python3
        open 1 client from_start openssl pid=100 peer 192.0.2.1:443
        name 1 api.example.com
        address 1 local [2001:db8::1]:50000 peer 192.0.2.1:443
        >> 1 "POST / HTTP/1.1\r\n"   # the request
             "\r\n"
        << 1 "HTTP/1.1 200 OK\r\n\r\n"
        gap << 1 100
        << 1 "after the gap"
        end << 1
        close 1 orderly lengths
        exit 100
    )"),
                ElementsAre("process 100/5 python3", "open 1 from_start openssl process 100/5 ? -> 192.0.2.1:443",
                            "name 1 api.example.com", "address 1 2001:db8::1:50000 -> 192.0.2.1:443",
                            ">> 1 @0 \"POST / HTTP/1.1\\r\\n\\r\\n\"", "<< 1 @0 \"HTTP/1.1 200 OK\\r\\n\\r\\n\"",
                            "<< 1 @119 \"after the gap\"", "end << 1 @132", "close 1 orderly sent=19 received=132",
                            "exit 100/5"));
}

TEST(Script, ObservedAtTheServerTheArrowsStayWhereTheyAre) {
    EXPECT_THAT(
        lines("open 7 server joined wire\n>> 7 \"request\"\n<< 7 \"answer\"\nclose 7 reset"),
        ElementsAre("open 7 joined none wire ? -> ?", "<< 7 @0 \"request\"", ">> 7 @0 \"answer\"", "close 7 reset"));
}

TEST(Script, PiecesOfEveryKind) {
    EXPECT_THAT(lines("open 1\n>> 1 \"a\\x00\\t\\\"\\\\\" hex:00fFa0 \"xy\"*3\n>> 1 at=1 \"again\"\n>> 1 \"end\""),
                ElementsAre("open 1 joined none ? -> ?", ">> 1 @0 \"a\\x00\\x09\\x22\\x5c\\x00\\xff\\xa0xyxyxy\"",
                            ">> 1 @1 \"again\"", ">> 1 @6 \"end\""));
}

TEST(Script, ChunksCanBeRepeatedAndCut) {
    EXPECT_THAT(lines("open 1\nrepeat 3 << 1 \"ab\"\npieces 2\n<< 1 \"cdefg\"\npieces 0\n<< 1 \"hij\""),
                ElementsAre("open 1 joined none ? -> ?", "<< 1 @0 \"ab\"", "<< 1 @2 \"ab\"", "<< 1 @4 \"ab\"",
                            "<< 1 @6 \"cd\"", "<< 1 @8 \"ef\"", "<< 1 @10 \"g\"", "<< 1 @11 \"hij\""));
}

TEST(Script, LossesAndStraysAndExecs) {
    EXPECT_THAT(lines("unannounced 9\n>> 9 \"stray\"\ngap >> 9 1000 call_limit\n>> 9 \"x\"\nprocess 5 start=1\nexec 5"),
                ElementsAre(">> 9 @0 \"stray\"", ">> 9 @5 \"\" of 1000 call_limit", ">> 9 @1005 \"x\"", "process 5/1 ",
                            "exec 5/1"));
}

TEST(Script, TlsThatNoProbeSees) {
    EXPECT_THAT(lines("process 100 start=5\n"
                      "unprobed 100 7 hello api.example local 192.0.2.9:4000 peer 192.0.2.1:443\n"
                      "unprobed 100 8 hello \"\"\n"
                      "unprobed 100 7 data"),
                ElementsAre("process 100/5 ", "tls hello 100/5 7 api.example 192.0.2.9:4000 -> 192.0.2.1:443",
                            "tls hello 100/5 8  ? -> ?", "tls data 100/5 7"));
}

TEST(Script, TimesAreCountedFromTheBeginning) {
    const auto script = parse_script("open 1\nat 12.5ms\n>> 1 \"a\"\nafter 1us\nend >> 1\nat 2s\nclose 1", "test");
    ASSERT_TRUE(script);
    const auto& events = script->events;
    const base::Time start = std::get<model::ConnectionOpened>(events[0]).time;
    EXPECT_EQ(base::rfc3339(start), "2026-01-01T00:00:00.000000000Z");
    EXPECT_EQ((std::get<model::Chunk>(events[1]).time - start).count(), 12'500'000);
    EXPECT_EQ((std::get<model::DirectionEnded>(events[2]).time - start).count(), 12'501'000);
    EXPECT_EQ((std::get<model::ConnectionClosed>(events[3]).time - start).count(), 2'000'000'000);
}

TEST(Script, EveryFactOfAProcess) {
    const auto script = parse_script(
        "process 100 start=5 comm=py exe=/usr/bin/py uid=0 ppid=1 cgroup=/a=b cgroup_id=9 args_sha256=ff started=-1s",
        "test");
    ASSERT_TRUE(script);
    const model::Process& process = std::get<model::ProcessSeen>(script->events[0]).process;
    EXPECT_EQ(process.key, (model::ProcessKey{100, 5}));
    EXPECT_EQ(process.comm, "py");
    EXPECT_EQ(process.exe, "/usr/bin/py");
    EXPECT_EQ(process.uid, 0U);
    EXPECT_EQ(process.ppid, 1U);
    EXPECT_EQ(process.cgroup, "/a=b");
    EXPECT_EQ(process.cgroup_id, 9U);
    EXPECT_EQ(process.args_sha256, "ff");
    EXPECT_EQ(base::rfc3339(*process.start_time), "2025-12-31T23:59:59.000000000Z");
}

TEST(Script, ErrorsNameTheLine) {
    const std::pair<const char*, const char*> cases[] = {
        {"\n\nhello", "test:3: no statement begins with \"hello\""},
        {"open", "test:1: \"open\" needs more than that"},
        {"open x", "test:1: \"x\" is not a number"},
        {"open 1\nopen 1", "test:2: connection 1 was opened before"},
        {"open 1 sideways", "test:1: did not expect \"sideways\" here"},
        {"open 1 peer", "test:1: \"peer\" needs an address"},
        {"open 1 peer example.com:443", "test:1: \"example.com:443\" is not an address such as 192.0.2.1:443"},
        {"open 1 pid=3", "test:1: process 3 was not introduced"},
        {">> 1 \"x\"", "test:1: connection 1 was not opened"},
        {"open 1\nclose 1\n>> 1 \"x\"", "test:3: connection 1 was closed before"},
        {"open 1\n>> 1 x", "test:2: did not expect \"x\" here"},
        {"open 1\n>> 1 \"x", "test:2: a text without closing quote"},
        {"open 1\n>> 1 \"\\q\"", "test:2: an escape that is none of \\r \\n \\t \\0 \\\" \\\\ \\xHH"},
        {"open 1\n>> 1 \"\\x0\"", "test:2: \\x needs two hexadecimal digits"},
        {"open 1\n>> 1 \"x\"y", "test:2: expected a blank or *COUNT behind a piece"},
        {"open 1\n>> 1 hex:0", "test:2: \"0\" has an odd digit"},
        {"open 1\n>> 1 @/nowhere/at/all", "test:2: /nowhere/at/all: No such file or directory"},
        {"open 1\n>> 1 \"x\"*99999999999", "test:2: the script holds too many bytes"},
        {"open 1\ngap = 1 5", "test:2: expected >> or <<, not \"=\""},
        {"open 1\ngap >> 1 5 bad_luck", "test:2: there is no loss \"bad_luck\""},
        {"open 1\nrepeat 5", "test:2: \"repeat\" needs a count and a statement"},
        {"open 1\nrepeat 5 repeat 5 >> 1 \"x\"", "test:2: no statement begins with \"repeat\""},
        {"open 1\nrepeat 999999999 >> 1 \"x\"", "test:2: the script makes too many events"},
        {"at noon", "test:1: \"noon\" is not a duration such as 12.5ms"},
        {"repeat 4000 after 20000h", "test:1: the clock has left this century"},
        {"process 1 name=x", "test:1: did not expect \"name=x\" here"},
        {"process 1 uid=x", "test:1: \"x\" is not an id"},
        {"exit 4", "test:1: process 4 was not introduced"},
        {"unprobed 4 1 data", "test:1: process 4 was not introduced"},
        {"process 4\nunprobed 4 1 nothing", "test:2: did not expect \"nothing\" here"},
        {"process 4\nunprobed 4 1 hello", "test:2: \"hello\" needs a name"},
        {"process 4\nunprobed 4 1 data more", "test:2: did not expect \"more\" here"},
        {"\"text\" alone", "test:1: no statement begins with \"text\""},
    };
    for (const auto& [text, message] : cases)
        EXPECT_THAT(lines(text), ElementsAre(message)) << text;
}

TEST(Script, AsASourceWithFilesBesideIt) {
    std::string folder = (std::filesystem::temp_directory_path() / "llmsnoop-script-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    std::ofstream(folder + "/body.json") << "{\"a\": 1}";
    std::ofstream(folder + "/a.script") << "open 1\nrepeat 3000 >> 1 @body.json*2\n";
    auto source = open_script(folder + "/a.script");
    ASSERT_TRUE(source);
    EXPECT_EQ((*source)->shards(), 1U);
    std::vector<std::string> got;
    auto status = Source::Status::busy;
    while (status != Source::Status::finished) {
        auto polled =
            (*source)->poll(0, {}, [&](const model::CaptureEvent& event) { got.push_back(text_of_event(event)); });
        ASSERT_TRUE(polled);
        status = *polled;
    }
    EXPECT_EQ(got.size(), 3001U);
    EXPECT_EQ(got[3000], ">> 1 @47984 \"{\\x22a\\x22: 1}{\\x22a\\x22: 1}\"");
    EXPECT_EQ(open_script(folder).error().message, folder + ": Is a directory");
    EXPECT_THAT(lines("open 1\n>> 1 @.", folder), ElementsAre("test:2: " + folder + "/.: Is a directory"));
    EXPECT_EQ(open_script(folder + "/none").error().message, folder + "/none: No such file or directory");
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace llmsnoop::capture
