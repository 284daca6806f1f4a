#include "agent/capture/client_hello.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/client_hello.h"

namespace llmsnoop::capture {
namespace {

using support::client_hello;
using support::extension;
using support::handshake_record;
using support::hello_body;
using support::server_name_extension;
using support::vector_of;

std::optional<std::string> name_in(std::string_view bytes) {
    return server_name_of(base::as_bytes(bytes));
}

std::string with_extensions(std::string_view extensions) {
    return handshake_record(hello_body(extensions));
}

TEST(ClientHello, TellsTheServersName) {
    EXPECT_EQ(name_in(client_hello("api.openai.com")), "api.openai.com");
    EXPECT_EQ(name_in(with_extensions(server_name_extension("a-b.c_d.example"))), "a-b.c_d.example");
}

TEST(ClientHello, NamesAreTheSameInAnyCaseAndWithADotAtTheirEnd) {
    EXPECT_EQ(name_in(client_hello("API.OpenAI.com.")), "api.openai.com");
}

TEST(ClientHello, WithoutAName) {
    EXPECT_EQ(name_in(with_extensions("")), "");
    EXPECT_EQ(name_in(with_extensions(extension(16, "abc") + extension(43, "d"))), "");
    std::string body = hello_body("");
    body.resize(body.size() - 2);  // TLS 1.2 has hellos without a list of extensions
    EXPECT_EQ(name_in(handshake_record(body)), "");
}

TEST(ClientHello, OtherNamesBeforeTheHosts) {
    const std::string names =
        std::string("\x07", 1) + vector_of(2, "other") + std::string(1, '\0') + vector_of(2, "host");
    EXPECT_EQ(name_in(with_extensions(extension(0, vector_of(2, names)))), "host");
    const std::string no_host = std::string("\x07", 1) + vector_of(2, "other");
    EXPECT_EQ(name_in(with_extensions(extension(0, vector_of(2, no_host)))), std::nullopt);
}

TEST(ClientHello, WhatIsNoNameOfAHost) {
    for (const std::string& name : {std::string(), std::string("."), std::string("a b"), std::string("a\0b", 3),
                                    std::string("a/b"), std::string("\xc3\xa4"), std::string(254, 'a')}) {
        EXPECT_EQ(name_in(client_hello(name)), std::nullopt) << name;
    }
    EXPECT_EQ(name_in(client_hello(std::string(253, 'a'))), std::string(253, 'a'));
}

TEST(ClientHello, WhatIsNoClientHello) {
    EXPECT_EQ(name_in(""), std::nullopt);
    EXPECT_EQ(name_in("GET / HTTP/1.1\r\n\r\n"), std::nullopt);
    std::string hello = client_hello("a.example");
    for (const std::size_t at : {0U, 1U, 5U}) {  // the record's type and version, the message's type
        std::string other = hello;
        other[at] = '\x02';
        EXPECT_EQ(name_in(other), std::nullopt) << at;
    }
}

// A message may be spread over several records (RFC 8446 section 5.1); nobody does so but to hide from those who look.
TEST(ClientHello, SpreadOverRecords) {
    const std::string hello = client_hello("a.example").substr(5);
    const std::string type("\x16\x03\x01", 3);
    EXPECT_EQ(name_in(type + vector_of(2, hello.substr(0, 60)) + type + vector_of(2, hello.substr(60))), std::nullopt);
}

TEST(ClientHello, LengthsThatContradictEachOther) {
    const std::string name = std::string(1, '\0') + vector_of(2, "a.example");
    // The list is longer than its extension, the name than its list, the extension than the list of extensions.
    EXPECT_EQ(name_in(with_extensions(extension(0, std::string("\x00\x40", 2) + name))), std::nullopt);
    EXPECT_EQ(name_in(with_extensions(extension(0, vector_of(2, std::string("\0\0\x40", 3) + "a.example")))),
              std::nullopt);
    EXPECT_EQ(name_in(with_extensions(std::string("\0\0\0\x40", 4) + vector_of(2, name))), std::nullopt);
    // What lies behind the message is not looked at.
    std::string hello = handshake_record(hello_body(""));
    EXPECT_EQ(name_in(hello + server_name_extension("a.example")), "");
}

// Bytes that are not there make the answer unknown, never another one.
TEST(ClientHello, CutAnywhere) {
    const std::string hello = client_hello("api.anthropic.com");
    const std::size_t behind_name = hello.find("api.anthropic.com") + 17;
    for (std::size_t size = 0; size <= hello.size(); ++size) {
        const auto name = name_in(std::string_view(hello).substr(0, size));
        EXPECT_EQ(name.has_value(), size >= behind_name) << size;
        EXPECT_EQ(name.value_or("api.anthropic.com"), "api.anthropic.com");
    }
    const std::string without = with_extensions(extension(16, "abc"));
    for (std::size_t size = 0; size < without.size(); ++size) {
        // Of the last extension it is enough to know that it is another one.
        const bool all_known = size + 3 >= without.size();
        EXPECT_EQ(name_in(std::string_view(without).substr(0, size)).has_value(), all_known) << size;
    }
}

TEST(ClientHello, DamagedAnyhow) {
    std::mt19937 random(1);
    for (int i = 0; i < 20000; ++i) {
        std::string hello = client_hello("api.openai.com");
        for (unsigned n = random() % 4 + 1; n > 0; --n)
            hello[random() % hello.size()] = static_cast<char>(random());
        const auto name = name_in(std::string_view(hello).substr(0, random() % (hello.size() + 1)));
        EXPECT_EQ(name.value_or("").find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_."), std::string::npos);
    }
}

}  // namespace
}  // namespace llmsnoop::capture
