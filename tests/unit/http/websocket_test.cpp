// WebSocket after an HTTP/1.1 upgrade: frames, messages, permessage-deflate, limits and gaps.
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>

#include "agent/http/permessage_deflate.h"
#include "agent/http/websocket_frame.h"
#include "tests/unit/http/http_script.h"

namespace llmsnoop::http::test {
namespace {

using namespace std::string_literals;

const std::string kAsk = "GET /rt HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const std::string kSeen = "#1 request GET /rt @a\n#1 response 101\n";

std::string agree(const std::string& extensions = "") {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n" +
           (extensions.empty() ? "" : "Sec-WebSocket-Extensions: " + extensions + "\r\n") + "\r\n";
}

enum class Masked { yes, no };

// `first` is the first octet: FIN, RSV and opcode.
std::string frame(unsigned first, std::string payload, Masked masked) {
    std::string bytes(1, static_cast<char>(first));
    const unsigned bit = masked == Masked::yes ? 0x80 : 0;
    if (payload.size() < 126) {
        bytes += static_cast<char>(bit | payload.size());
    } else if (payload.size() < 65536) {
        bytes += static_cast<char>(bit | 126);
        bytes += static_cast<char>(payload.size() >> 8);
        bytes += static_cast<char>(payload.size());
    } else {
        bytes += static_cast<char>(bit | 127);
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes += static_cast<char>(payload.size() >> shift);
    }
    if (masked == Masked::yes) {
        const std::string key = "\x37\xfa\x21\x3d";
        bytes += key;
        for (std::size_t i = 0; i < payload.size(); ++i)
            payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    }
    return bytes + payload;
}
std::string from_client(unsigned first, const std::string& payload) {
    return frame(first, payload, Masked::yes);
}
std::string from_server(unsigned first, const std::string& payload) {
    return frame(first, payload, Masked::no);
}

// The sender's half of permessage-deflate.
class Deflater {
 public:
    Deflater() { deflateInit2(&z_, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY); }
    ~Deflater() { deflateEnd(&z_); }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    std::string message(const std::string& text, int flush = Z_SYNC_FLUSH) {
        std::string out(text.size() + 1000, '\0');
        z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
        z_.avail_in = static_cast<uInt>(text.size());
        z_.next_out = reinterpret_cast<Bytef*>(out.data());
        z_.avail_out = static_cast<uInt>(out.size());
        deflate(&z_, flush);
        out.resize(out.size() - z_.avail_out);
        if (flush == Z_SYNC_FLUSH) out.resize(out.size() - 4);
        return out;
    }
    void forget() { deflateReset(&z_); }

 private:
    z_stream z_{};
};

TEST(WebSocket, MessagesOfBothSides) {
    expect_events(Script()
                      .client(kAsk)
                      .server(agree())
                      .client(from_client(0x81, "{\"type\":\"hello\"}"))
                      .server(from_server(0x81, "welcome") + from_server(0x82, "\x01\x02"))
                      .client(from_client(0x81, "")),
                  kSeen +
                      "#1 request text \"{\"type\":\"hello\"}\"\n#1 response text \"welcome\"\n"
                      "#1 response binary \"\\x01\\x02\"\n#1 request text \"\"\n");
}

TEST(WebSocket, FragmentsWithControlFramesBetween) {
    expect_events(Script().client(kAsk).server(agree()).server(from_server(0x01, "one ") + from_server(0x89, "ping") +
                                                               from_server(0x00, "two ") + from_server(0x8a, "") +
                                                               from_server(0x80, "three")),
                  kSeen + "#1 response text \"one two three\"\n");
    expect_events(Script().client(kAsk).server(agree()).client(from_client(0x02, "a") + from_client(0x00, "") +
                                                               from_client(0x80, "b")),
                  kSeen + "#1 request binary \"ab\"\n");
}

TEST(WebSocket, CloseFramesEndTheMessages) {
    expect_events(Script()
                      .client(kAsk)
                      .server(agree())
                      .client(from_client(0x88, "\x03\xe8"))
                      .server(from_server(0x81, "last") + from_server(0x88, "\x03\xe8") + "whatever")
                      .close(),
                  kSeen + "#1 request as_framed\n#1 response text \"last\"\n#1 response as_framed\n");
}

TEST(WebSocket, WithoutCloseFramesTheMessagesAreCutOff) {
    const auto talk = [] { return Script().client(kAsk).server(agree()).server(from_server(0x01, "half")); };
    expect_events(talk().close(),
                  kSeen + "#1 request cut_off\n#1 response text \"half\" truncated\n#1 response cut_off\n");
    expect_events(talk().server_end(), kSeen + "#1 response text \"half\" truncated\n#1 response cut_off\n");
    expect_events(talk().close(model::ConnectionClosed::How::source_ended),
                  kSeen + "#1 request unfinished\n#1 response text \"half\" truncated\n#1 response unfinished\n");
}

TEST(WebSocket, AnUpgradeThatIsDeclinedEndsTheRequest) {
    expect_events(Script().client(kAsk).server("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"),
                  "#1 request GET /rt @a\n#1 request as_framed\n#1 response 403\n#1 response as_framed\n");
}

TEST(WebSocket, FramesThatComeBeforeTheAnswerWait) {
    expect_events(Script().client(kAsk + from_client(0x81, "eager")).server(agree()).server(from_server(0x81, "x")),
                  kSeen + "#1 request text \"eager\"\n#1 response text \"x\"\n");
}

TEST(WebSocket, JoinedBetweenRequestAndAnswer) {
    expect_events(
        Script::joined_late().server(agree() + from_server(0x81, "x")).client(from_client(0x81, "y")),
        "#1 request lost\n#1 response 101\n#1 response text \"x\"\n#1 request text \"y\"\nlost: http_unpaired 1\n");
}

TEST(WebSocket, LongFramesOfAllLengthEncodings) {
    for (const std::size_t size : {125UL, 126UL, 65535UL, 65536UL, 200'000UL}) {
        const std::string text(size, 'x');
        const std::string expected = kSeen + "#1 response text \"" + text + "\"\n#1 request text \"" + text + "\"\n";
        const Script script =
            Script().client(kAsk).server(agree()).server(from_server(0x81, text)).client(from_client(0x81, text));
        EXPECT_EQ(script.play_whole(), expected);
        EXPECT_EQ(script.play([](std::size_t) { return 1000; }), expected);
    }
}

TEST(WebSocket, AMessageBeyondTheLimitIsTruncated) {
    Limits limits;
    limits.websocket_message = 5;
    expect_events(
        Script()
            .with(limits)
            .client(kAsk)
            .server(agree())
            .server(from_server(0x81, "123456789") + from_server(0x01, "12") + from_server(0x80, "345678"))
            .client(from_client(0x81, "abcdefgh") + from_client(0x81, "abcde")),
        kSeen +
            "#1 response text \"12345\" truncated\n#1 response text \"12345\" truncated\n"
            "#1 request text \"abcde\" truncated\n#1 request text \"abcde\"\nlost: websocket_message_limit 3\n");
}

TEST(WebSocket, BrokenFramesAreCountedAndTheNextMessageIsFound) {
    const std::string two = from_server(0x81, "{\"found\":1}") + from_server(0x81, "{\"found\":2}");
    const std::string seen =
        "#1 response gap ?\n#1 response text \"{\"found\":1}\"\n#1 response text \"{\"found\":2}\"\n"
        "lost: websocket_bad_frame 1\n";
    for (const std::string& bad : {"\xa1\x01x"s, "\x83\x01x"s, "\x09\x01x"s, "\x88\x7e\xff\xff"s, "\xc1\x01x"s,
                                   "\x81\x7f\x80\0\0\0\0\0\0\x01"s}) {
        expect_events(Script().client(kAsk).server(agree() + bad + two), kSeen + seen);
    }
}

TEST(WebSocket, FramesInTheWrongOrderAreCounted) {
    expect_events(
        Script().client(kAsk).server(agree() + from_server(0x80, "no start") + from_server(0x01, "no end") +
                                     from_server(0x81, "good")),
        kSeen +
            "#1 response gap ?\n#1 response gap ?\n#1 response text \"no end\" truncated\n#1 response text \"good\"\n"
            "lost: websocket_bad_frame 2\n");
}

TEST(WebSocketDeflate, WithContextTakeover) {
    Deflater client;
    Deflater server;
    const std::string text = "the same words again and again, the same words again";
    const std::string c1 = client.message(text);
    const std::string c2 = client.message(text);
    const std::string s1 = server.message(text);
    const std::string s2 = server.message(text);
    EXPECT_LT(c2.size(), c1.size() / 2) << "refers to the message before";
    expect_events(Script()
                      .client(kAsk)
                      .server(agree("permessage-deflate; client_max_window_bits=15"))
                      .client(from_client(0xc1, c1) + from_client(0xc1, c2))
                      .server(from_server(0xc1, s1) + from_server(0x81, "plain") + from_server(0xc1, s2)),
                  kSeen + "#1 request text \"" + text + "\"\n#1 request text \"" + text + "\"\n#1 response text \"" +
                      text + "\"\n#1 response text \"plain\"\n#1 response text \"" + text + "\"\n");
}

TEST(WebSocketDeflate, WithoutContextTakeover) {
    Deflater client;
    Deflater server;
    const std::string text = "the same words again and again, the same words again";
    const std::string c1 = client.message(text);
    client.forget();
    const std::string c2 = client.message(text);
    const std::string s1 = server.message(text);
    server.forget();
    const std::string s2 = server.message(text);
    expect_events(Script()
                      .client(kAsk)
                      .server(agree("foo\r\nSec-WebSocket-Extensions: bar, permessage-deflate; "
                                    "server_no_context_takeover; client_no_context_takeover"))
                      .client(from_client(0xc1, c1) + from_client(0xc1, c2))
                      .server(from_server(0xc1, s1) + from_server(0xc1, s2)),
                  kSeen + "#1 request text \"" + text + "\"\n#1 request text \"" + text + "\"\n#1 response text \"" +
                      text + "\"\n#1 response text \"" + text + "\"\n");
}

TEST(WebSocketDeflate, FragmentsOfACompressedMessage) {
    Deflater server;
    const std::string text = "a longer text that is cut into three fragments, with a ping between";
    const std::string packed = server.message(text);
    expect_events(Script().client(kAsk).server(agree("permessage-deflate") + from_server(0x41, packed.substr(0, 5)) +
                                               from_server(0x89, "") + from_server(0x00, packed.substr(5, 11)) +
                                               from_server(0x80, packed.substr(16))),
                  kSeen + "#1 response text \"" + text + "\"\n");
}

// The request was not seen, so the client's first frame is looked at as a request; its first octet could begin one
// ("A").
TEST(WebSocketDeflate, AFrameThatLooksLikeARequestAtFirst) {
    Deflater client;
    const std::string message = client.message("hello");
    expect_events(
        Script()
            .server(agree("permessage-deflate"))
            .client(from_client(0x41, message.substr(0, 3)) + from_client(0x80, message.substr(3))),
        "#1 request lost\n#1 response 101\n#1 request text \"hello\"\nlost: http_desync 1\nlost: http_unpaired 1\n");
}

TEST(WebSocketDeflate, AnEmptyMessageAndAMessageEndingInALastBlock) {
    Deflater finished;
    const std::string last = finished.message("Hello", Z_FINISH) + "\0"s;  // RFC 7692 section 7.2.3.4
    expect_events(
        Script().client(kAsk).server(agree("permessage-deflate") + from_server(0xc1, "\0"s) + from_server(0xc1, last) +
                                     from_server(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\0"s)),
        kSeen + "#1 response text \"\"\n#1 response text \"Hello\"\n#1 response text \"Hello\"\n");
}

TEST(WebSocketDeflate, ABombIsBounded) {
    Limits limits;
    limits.websocket_message = 1000;
    Deflater server;
    Deflater again;
    const std::string bomb = server.message(std::string(1 << 20, '\0'));
    const std::string after = server.message(std::string(900, '\0'));  // refers to the bomb
    const std::string fresh = again.message("fresh");
    const std::string text = Script()
                                 .with(limits)
                                 .client(kAsk)
                                 .server(agree("permessage-deflate") + from_server(0xc2, bomb) +
                                         from_server(0xc2, after) + from_server(0xc2, fresh))
                                 .play_whole();
    EXPECT_TRUE(
        text.ends_with(" truncated\n#1 response gap ?\n#1 response binary \"fresh\"\n"
                       "lost: websocket_bad_frame 1\nlost: websocket_message_limit 1\n"))
        << text.substr(text.size() - 200);
}

TEST(WebSocketDeflate, ManyLastBlocksAreRefused) {
    std::string blocks;
    for (int i = 0; i < 100'000; ++i)
        blocks += "\x03\x00"s;
    expect_events(
        Script().client(kAsk).server(agree("permessage-deflate") + from_server(0xc1, blocks) + from_server(0x81, "x")),
        kSeen + "#1 response gap ?\n#1 response text \"x\"\nlost: websocket_bad_frame 1\n");
}

TEST(WebSocketDeflate, ReadsWhatWasAgreed) {
    EXPECT_FALSE(read_deflate_terms("").agreed);
    EXPECT_FALSE(read_deflate_terms("x-webkit-deflate-frame, permessage-bzip2; permessage-deflate").agreed);
    const DeflateTerms terms =
        read_deflate_terms("Permessage-Deflate;server_max_window_bits=10 ; server_no_context_takeover");
    EXPECT_TRUE(terms.agreed);
    EXPECT_EQ(terms.server, ContextTakeover::no);
    EXPECT_EQ(terms.client, ContextTakeover::yes);
}

TEST(WebSocketGap, InsideAFrameCutsItsMessageOnly) {
    const std::string first = from_server(0x81, "0123456789");
    expect_events(Script()
                      .client(kAsk)
                      .server(agree())
                      .server(first.substr(0, 5))
                      .server_gap(4)
                      .server(first.substr(9) + from_server(0x81, "next")),
                  kSeen + "#1 response gap ?\n#1 response text \"012\" truncated\n#1 response text \"next\"\n");
    const std::string masked = from_client(0x81, "0123456789");
    expect_events(Script()
                      .client(kAsk)
                      .server(agree())
                      .client(masked.substr(0, 9))
                      .client_gap(7)
                      .client(from_client(0x81, "next")),
                  kSeen + "#1 request gap ?\n#1 request text \"012\" truncated\n#1 request text \"next\"\n");
}

TEST(WebSocketGap, InAPingIsNoLoss) {
    expect_events(Script().client(kAsk).server(agree() + "\x89\x04").server_gap(4).server(from_server(0x81, "next")),
                  kSeen + "#1 response text \"next\"\n");
}

TEST(WebSocketGap, BeyondAFrameTheNextMessageIsLookedFor) {
    const std::string a = from_server(0x81, "{\"type\":\"a\"}");
    const std::string b = from_server(0x81, "{\"type\":\"b\"}");
    expect_events(
        Script().client(kAsk).server(agree()).server(a).server_gap(100).server("tail of it}" + a + b).close(),
        kSeen +
            "#1 response text \"{\"type\":\"a\"}\"\n#1 response gap ?\n#1 response text \"{\"type\":\"a\"}\"\n"
            "#1 response text \"{\"type\":\"b\"}\"\n#1 request cut_off\n#1 response cut_off\n");
    const std::string c = from_client(0x81, "{\"type\":\"a\"}");
    expect_events(Script().client(kAsk).server(agree()).client(c).client_gap(100).client("tail of it}" + c + c),
                  kSeen +
                      "#1 request text \"{\"type\":\"a\"}\"\n#1 request gap ?\n#1 request text \"{\"type\":\"a\"}\"\n"
                      "#1 request text \"{\"type\":\"a\"}\"\n");
}

TEST(WebSocketGap, TheLastMessageIsFoundWhenTheConnectionCloses) {
    const std::string a = from_server(0x81, "{\"type\":\"a\"}");
    expect_events(
        Script().client(kAsk).server(agree()).server_gap(100).server("tail of it}" + a).close(),
        kSeen + "#1 response gap ?\n#1 request cut_off\n#1 response text \"{\"type\":\"a\"}\"\n#1 response given_up\n");
}

TEST(WebSocketGap, WithContextTakeoverOnlyFreshMessagesAreRead) {
    Deflater server;
    Deflater restarted;
    const std::string first = server.message("some words to remember, many words");
    const std::string refers = server.message("some words to remember, many words");
    const std::string fresh = restarted.message("fresh words");
    const std::string more = restarted.message("fresh words");
    expect_events(
        Script()
            .client(kAsk)
            .server(agree("permessage-deflate") + from_server(0xc1, first).substr(0, 10))
            .server_gap(first.size() + 2 - 10)
            .server(from_server(0xc1, refers) + from_server(0xc1, fresh) + from_server(0xc1, more)),
        kSeen +
            "#1 response gap ?\n#1 response text \"some wo\" truncated\n#1 response gap ?\n"
            "#1 response text \"fresh words\"\n#1 response text \"fresh words\"\nlost: websocket_bad_frame 1\n");
}

TEST(WebSocketFrame, UnmaskingIsTheSameInEveryPhaseAndLength) {
    const std::array<std::uint8_t, 4> key{1, 2, 4, 8};
    std::vector<std::uint8_t> bytes(40);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 7);
    for (std::uint64_t phase = 0; phase < 9; ++phase) {
        for (std::size_t size = 0; size <= bytes.size(); ++size) {
            std::vector<std::uint8_t> clear(size);
            unmask(base::Bytes(bytes).first(size), key, phase, clear.data());
            for (std::size_t i = 0; i < size; ++i)
                ASSERT_EQ(clear[i], bytes[i] ^ key[(phase + i) % 4]);
        }
    }
}

}  // namespace
}  // namespace llmsnoop::http::test
