#pragma once
// One HTTP request by libcurl, with limits. No redirect is followed.
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::exporters::store {

struct HttpRequest {
    std::string url;
    std::vector<std::string> headers = {};  // "Name: value"
    const std::string* body = nullptr;      // POST, if there is one
    std::string ca_file = {};               // PEM; empty: the machine's own
    std::chrono::milliseconds timeout{60'000};
    std::size_t most_bytes = 256U << 20;  // of the answer
};

struct HttpAnswer {
    long status = 0;
    std::string body;
};

// An error says what failed, without the URL's or the headers' secrets.
base::Result<HttpAnswer> http(const HttpRequest& request);

// As a part of a URL (RFC 3986).
std::string percent_encoded(std::string_view text);

// The host of an http or https URL; an error (kind usage) for anything else, and for one with user or password in it.
struct UrlParts {
    bool tls = false;
    std::string host;
    // By its address: names that begin like one are somebody's.
    bool is_loopback() const {
        return host == "localhost" || host == "[::1]" ||
               (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
    }
};
base::Result<UrlParts> parse_url(const std::string& url);

// A file with one line, such as a token: without the white space around it. An error if it is empty, too long, or holds
// what cannot stand in a header.
base::Result<std::string> read_secret(const std::string& path);

}  // namespace llmsnoop::exporters::store
