#include "agent/policy/credential_mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "agent/policy/credential_names.h"
#include "agent/policy/secret_scan.h"
#include "tests/unit/policy/fake_keys.h"

namespace llmsnoop::policy {
namespace {

std::string masked(std::string text) {
    mask_credentials({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    return text;
}

std::string masked_in_pieces(std::string text, const std::vector<std::size_t>& cuts) {
    CredentialMask mask;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
        const std::size_t end = i < cuts.size() ? cuts[i] : text.size();
        mask.mask({reinterpret_cast<std::uint8_t*>(text.data()) + begin, end - begin});
        begin = end;
    }
    return text;
}

std::string stars(std::size_t count) {
    return std::string(count, '*');
}

TEST(CredentialMask, MasksCredentialHeaders) {
    EXPECT_EQ(masked("POST /v1/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer abc\r\nAccept: */*\r\n\r\n{}"),
              "POST /v1/x HTTP/1.1\r\nHost: h\r\nAuthorization: **********\r\nAccept: */*\r\n\r\n{}");
    for (const std::string name :
         {"authorization", "Proxy-Authorization", "api-key", "X-API-Key", "x-goog-api-key", "Cookie", "Set-Cookie",
          "x-amz-security-token", "Ocp-Apim-Subscription-Key", "Helicone-Auth", "cf-aig-authorization"}) {
        EXPECT_EQ(masked("A: b\r\n" + name + ": s3cret; x=y\r\nC: d\r\n"),
                  "A: b\r\n" + name + ": " + stars(11) + "\r\nC: d\r\n");
        EXPECT_EQ(masked(name + ":s\n"), name + ":*\n");
    }
}

TEST(CredentialMask, LeavesOtherHeadersAlone) {
    const std::string head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nidempotency-key: 1\r\nsec-websocket-key: "
        "dGhlIHNhbXBsZQ==\r\n"
        "x-ratelimit-remaining-tokens: 5\r\ncontent-length: 12\r\n\r\ndata: {\"authorization: \":1}\n\n";
    EXPECT_EQ(masked(head), head);
}

TEST(CredentialMask, MasksUrlParameters) {
    EXPECT_EQ(masked("GET /v1/x?key=abc-1&alt=sse HTTP/1.1\r\n"), "GET /v1/x?key=*****&alt=sse HTTP/1.1\r\n");
    EXPECT_EQ(masked("see \"https://h/?a=1&access_token=abc\", ok"), "see \"https://h/?a=1&access_token=***\", ok");
    EXPECT_EQ(masked("?X-Amz-Signature=ff&X-Amz-Date=2"), "?X-Amz-Signature=**&X-Amz-Date=2");
    EXPECT_EQ(masked("?monkeys=3&keyboard=4"), "?monkeys=3&keyboard=4");
    // As Go writes them into JSON, and everybody into HTML.
    EXPECT_EQ(masked(R"({"url":"https://h/?sv=1\u0026sig=a%2Fb\u0026se=2"})"),
              R"({"url":"https://h/?sv=1\u0026sig=*****\u0026se=2"})");
    EXPECT_EQ(masked(R"("{\"url\":\"h?a=1\\u0026token=abc\"}")"), R"("{\"url\":\"h?a=1\\u0026token=***\"}")");
    EXPECT_EQ(masked("<a href='/?a=1&amp;token=abc'>"), "<a href='/?a=1&amp;token=***'>");
    EXPECT_EQ(masked(R"("one\ntoken=2")"), R"("one\ntoken=2")");
}

TEST(CredentialMask, MasksKeysInBodies) {
    for (const FakeKey& key : fake_keys()) {
        EXPECT_EQ(masked("{\"content\":\"" + key.text + "\"}"), "{\"content\":\"" + stars(key.text.size()) + "\"}");
    }
    const std::string token = repeat("tok9", 24);
    EXPECT_EQ(masked("Sec-WebSocket-Protocol: realtime, openai-insecure-api-key." + token + ", x\r\n"),
              "Sec-WebSocket-Protocol: realtime, " + stars(24 + 24) + ", x\r\n");
}

TEST(CredentialMask, MasksOnAfterACutInAValue) {
    CredentialMask mask;
    const auto feed = [&](std::string text) {
        mask.mask({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
        return text;
    };
    EXPECT_EQ(feed("A: b\r\nAuthor"), "A: b\r\nAuthor");
    EXPECT_EQ(feed("ization: Bea"), "ization: ***");
    EXPECT_EQ(feed("rer xyz\r"), "*******\r");
    EXPECT_EQ(feed("\nB: c\r\n"), "\nB: c\r\n");
    EXPECT_EQ(feed("GET /?ke"), "GET /?ke");
    EXPECT_EQ(feed("y=ab"), "y=**");
    EXPECT_EQ(feed("cd HTTP/1.1\r\n"), "** HTTP/1.1\r\n");
    EXPECT_EQ(feed("\r\nhf_abc"), "\r\nhf_abc");
    EXPECT_EQ(feed("defgh"), "*****");
    EXPECT_EQ(feed("ijklm no"), "***** no");
}

// A gap in the middle of a credential does not let its rest through.
TEST(CredentialMask, MasksOnAfterAGapInAValue) {
    CredentialMask mask;
    std::string first = "Authorization: Bearer ab";
    mask.mask({reinterpret_cast<std::uint8_t*>(first.data()), first.size()});
    mask.skip();
    std::string second = "yz\r\nA: b\r\n";
    mask.mask({reinterpret_cast<std::uint8_t*>(second.data()), second.size()});
    EXPECT_EQ(second, "**\r\nA: b\r\n");
}

// Where a head is written line by line, a gap can end where a line begins.
TEST(CredentialMask, MasksAFieldThatAGapStandsBefore) {
    for (const std::string before : {"POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: h", "GET /?a=b", ""}) {
        CredentialMask mask;
        std::string first = before;
        mask.mask({reinterpret_cast<std::uint8_t*>(first.data()), first.size()});
        mask.skip();
        std::string second = "Authorization: Bearer xyz\r\nA: b\r\n";
        mask.mask({reinterpret_cast<std::uint8_t*>(second.data()), second.size()});
        EXPECT_EQ(second, "Authorization: **********\r\nA: b\r\n") << before;
    }
}

std::string traffic() {
    std::string text = "POST /v1/x?key=AIza" + repeat("Sy_7k", 35) +
                       "&alt=sse&amp;sig=zq9zq9\\u0026token=zq9zq9 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer "
                       "zq9-very-secret-zq9\r\nCookie: a=zq9zq9\r\n\r\n";
    for (const FakeKey& key : fake_keys())
        text += "{\"role\":\"user\",\"content\":\"text\\n" + key.text + "\"}\r\n";
    return text;
}

// However the bytes are cut, whatever is masked in the whole is masked in the pieces too, save for the beginning of a
// key that a cut falls into: its prefix and a few characters.
void expect_no_more_leaks(const std::string& text, const std::vector<std::size_t>& cuts) {
    const std::string whole = masked(text);
    const std::string pieces = masked_in_pieces(text, cuts);
    ASSERT_EQ(pieces.size(), text.size());
    constexpr std::size_t kLongestPrefix = 33;  // the half before the dot of a key that has two
    std::size_t open = 0;  // length of the current stretch that is masked in the whole and not in the pieces
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool leaks = whole[i] == '*' && pieces[i] != '*' && text[i] != '*';
        open = leaks ? open + 1 : 0;
        ASSERT_LE(open, kLongestPrefix + kCutSecret) << text.substr(i + 1 - open, open) << testing::PrintToString(cuts);
        if (pieces[i] != '*') {
            ASSERT_EQ(pieces[i], text[i]);
        }
    }
    EXPECT_EQ(pieces.find("zq9"), std::string::npos);
}

std::vector<std::size_t> everywhere(const std::string& text) {
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i < text.size(); ++i)
        cuts.push_back(i);
    return cuts;
}

// Into single bytes, and into any two pieces.
void expect_no_more_leaks(const std::string& text) {
    expect_no_more_leaks(text, everywhere(text));
    for (const std::size_t cut : everywhere(text))
        expect_no_more_leaks(text, {cut});
}

TEST(CredentialMask, AnyCutMasksAsMuch) {
    const std::string text = traffic();
    expect_no_more_leaks(text);
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
        std::vector<std::size_t> cuts;
        for (unsigned n = random() % 40; n > 0; --n)
            cuts.push_back(1 + random() % (text.size() - 1));
        std::sort(cuts.begin(), cuts.end());
        expect_no_more_leaks(text, cuts);
    }
}

// Whether a word begins may hang on bytes before it that are no part of one: here on the "%" of what may be an escape.
TEST(CredentialMask, KnowsAfterACutWhatStoodBeforeAWord) {
    for (const std::string before : {"50% p", "?token=a% p", "?token=a%\x01p", "a\nCookie: %\nd"}) {
        const std::string text = before + "ya29." + repeat("a0_", 60) + "!";
        ASSERT_NE(masked(text).find(repeat("*", 60) + "!"), std::string::npos) << text;
        expect_no_more_leaks(text);
    }
}

TEST(CredentialMask, LeavesTrafficWithoutCredentialsAsItIs) {
    std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 50; ++i) {
        text +=
            "d7\r\ndata: "
            "{\"id\":\"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012\",\"object\":\"chat.completion.chunk\",\"created\":"
            "1700000000,\"model\":\"gpt-4o-2024-08-06\",\"system_fingerprint\":\"fp_0123456789\",\"choices\":[{"
            "\"index\":0,"
            "\"delta\":{\"content\":\" word\"}}]}\n\n\r\n";
    }
    EXPECT_EQ(masked(text), text);
    EXPECT_EQ(masked_in_pieces(text, everywhere(text)), text);
}

TEST(CredentialNames, GoByTheEndOfTheName) {
    EXPECT_TRUE(is_credential_header("X-Amz-Security-Token"));
    EXPECT_FALSE(is_credential_header("x-ratelimit-limit-tokens"));
    EXPECT_FALSE(is_credential_header("Idempotency-Key"));
    EXPECT_FALSE(is_credential_header("key"));
    EXPECT_FALSE(is_credential_header(""));
    EXPECT_TRUE(is_credential_parameter("key"));
    EXPECT_TRUE(is_credential_parameter("API_KEY"));
    EXPECT_FALSE(is_credential_parameter("keys"));
}

}  // namespace
}  // namespace llmsnoop::policy
