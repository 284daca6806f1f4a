#pragma once
// GET requests to the API server (or a kubelet) with libcurl. The token file is read for each request and the file of
// certificates for each connection, because both are replaced while the agent runs. Neither the token nor anything that
// the server says is part of an error.
//
// Used by one thread; cancel() from any.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/function_ref.h"
#include "agent/base/result.h"

namespace llmsnoop::attribution::kubernetes {

struct ApiOptions {
    std::string url;         // "https://10.96.0.1:443"; http only without a token, or on this machine
    std::string token_file;  // empty: none is sent
    std::string ca_file;     // empty: the system's
    bool verify = true;      // the server's certificate
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
};

class ApiClient {
 public:
    static base::Result<std::unique_ptr<ApiClient>> create(ApiOptions options);
    ~ApiClient();
    ApiClient(const ApiClient&) = delete;
    ApiClient& operator=(const ApiClient&) = delete;

    // Pieces of the body of an answer with status 200; false ends the request.
    using OnBody = base::FunctionRef<bool(std::string_view)>;

    // The status of the answer. An Error if there was none, if it broke off, or if it was not over in time.
    base::Result<int> get(const std::string& path, std::chrono::milliseconds timeout, OnBody on_body);

    // Ends the request under way and all later ones.
    void cancel();
    bool cancelled() const { return cancelled_.load(); }

    static std::string escaped(const std::string& text);  // for a query

 private:
    explicit ApiClient(ApiOptions options);

    base::Result<std::string> read_token() const;
    base::Result<void> transfer();

    struct Handles;

    const ApiOptions options_;
    std::unique_ptr<Handles> handles_;
    std::atomic<bool> cancelled_{false};
};

}  // namespace llmsnoop::attribution::kubernetes
