#include "agent/capture/tcp_first_bytes.h"

#include <gtest/gtest.h>

namespace llmsnoop::capture {
namespace {

FirstBytes kind(std::string_view text) {
    return kind_of_first_bytes(base::as_bytes(text));
}

TEST(FirstBytes, Requests) {
    EXPECT_EQ(kind("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"), FirstBytes::request);
    EXPECT_EQ(kind("GET /very/long/path/that/goes/on"), FirstBytes::request);
    EXPECT_EQ(kind("CONNECT example.com:443 HTTP/1.1\r\n"), FirstBytes::request);
    EXPECT_EQ(kind("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), FirstBytes::request);
    EXPECT_EQ(kind("PRI * HT"), FirstBytes::request);
}

TEST(FirstBytes, Responses) {
    EXPECT_EQ(kind("HTTP/1.1 200 OK\r\n"), FirstBytes::response);
    EXPECT_EQ(kind("HTTP/1.0 404"), FirstBytes::response);
}

TEST(FirstBytes, NeitherOfThem) {
    EXPECT_EQ(kind(""), FirstBytes::unknown);
    EXPECT_EQ(kind("data: {\"choices\":[]}\n\n"), FirstBytes::unknown);
    EXPECT_EQ(kind("AND THEN some text\n"), FirstBytes::unknown);
    EXPECT_EQ(kind("GET"), FirstBytes::unknown);
    EXPECT_EQ(kind("OK "), FirstBytes::unknown);
    EXPECT_EQ(kind(std::string_view("\0\0\x12\x04\0\0\0\0\0", 9)), FirstBytes::unknown);
}

}  // namespace
}  // namespace llmsnoop::capture
