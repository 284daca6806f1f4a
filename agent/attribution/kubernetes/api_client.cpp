#include "agent/attribution/kubernetes/api_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <utility>

#include "agent/attribution/host_files.h"

namespace llmsnoop::attribution::kubernetes {

namespace {

constexpr std::size_t kMaxToken = 64U << 10;

struct Free {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
    void operator()(CURLM* multi, int) const { curl_multi_cleanup(multi); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What a write callback needs.
struct Transfer {
    CURL* easy;
    ApiClient::OnBody on_body;
    bool refused = false;
};

std::size_t on_bytes(char* data, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    const std::size_t bytes = size * count;
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) return bytes;  // what an error says is not read
    if (transfer.on_body({data, bytes})) return bytes;
    transfer.refused = true;
    return bytes + 1;  // any other number than `bytes` ends it
}

// A token must not cross a network in the clear.
bool may_send_token(const std::string& url) {
    if (url.starts_with("https://")) return true;
    for (const char* local : {"http://127.0.0.1", "http://[::1]", "http://localhost"}) {
        const std::string_view host(local);
        if (url.starts_with(host) && (url.size() == host.size() || url[host.size()] == ':')) return true;
    }
    return false;
}

}  // namespace

struct ApiClient::Handles {
    std::unique_ptr<CURL, Free> easy{curl_easy_init()};
    CURLM* multi = curl_multi_init();

    ~Handles() { curl_multi_cleanup(multi); }
};

base::Result<std::unique_ptr<ApiClient>> ApiClient::create(ApiOptions options) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!options.url.starts_with("https://") && !options.url.starts_with("http://"))
        return base::error("'" + options.url + "' is no http(s) URL", base::Error::Kind::usage);
    // User information (RFC 3986 section 3.2.1) would be a credential in the log, or hide which host it is.
    if (options.url.find('@') != std::string::npos)
        return base::error("the URL of the Kubernetes API must not hold a user", base::Error::Kind::usage);
    if (!options.token_file.empty() && !may_send_token(options.url))
        return base::error("a token is not sent to " + options.url + ": https is wanted", base::Error::Kind::usage);
    while (options.url.ends_with('/'))
        options.url.pop_back();
    std::unique_ptr<ApiClient> out(new ApiClient(std::move(options)));
    if (started != CURLE_OK || !out->handles_->easy || out->handles_->multi == nullptr)
        return base::error("libcurl cannot be initialised");
    return out;
}

ApiClient::ApiClient(ApiOptions options) : options_(std::move(options)), handles_(std::make_unique<Handles>()) {}
ApiClient::~ApiClient() = default;

base::Result<std::string> ApiClient::read_token() const {
    if (options_.token_file.empty()) return std::string();
    auto token = read_below("/", options_.token_file, kMaxToken);
    if (!token) return base::error(options_.token_file + " cannot be read");
    while (!token->empty() && (token->back() == '\n' || token->back() == '\r' || token->back() == ' '))
        token->pop_back();
    const bool plain = std::all_of(token->begin(), token->end(), [](char c) { return c > ' ' && c <= '~'; });
    if (token->empty() || !plain) return base::error(options_.token_file + " holds no token");
    return *token;
}

base::Result<int> ApiClient::get(const std::string& path, std::chrono::milliseconds timeout, OnBody on_body) {
    const auto token = read_token();
    if (!token) return token.error();
    CURL* easy = handles_->easy.get();
    curl_easy_reset(easy);
    Transfer transfer{easy, on_body};
    std::unique_ptr<curl_slist, Free> headers(curl_slist_append(nullptr, "Accept: application/json"));
    if (!token->empty())
        headers.reset(curl_slist_append(headers.release(), ("Authorization: Bearer " + *token).c_str()));
    const std::string url = options_.url + path;
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "llmsnoop");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);  // the token is for this server
    curl_easy_setopt(easy, CURLOPT_PROXY, "");           // and not for a proxy that the environment names
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    // A watch is silent for minutes: a peer that is gone shows by this only.
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);  // otherwise a new file would be read after a day
#endif
    if (!options_.verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_multi_add_handle(handles_->multi, easy);
    const auto done = this->transfer();
    curl_multi_remove_handle(handles_->multi, easy);
    if (!done && !transfer.refused) return done.error();
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
}

base::Result<void> ApiClient::transfer() {
    constexpr int kLongestWaitMs = 1000;  // cancel() wakes it up earlier
    while (!cancelled_.load()) {
        int running = 0;
        if (curl_multi_perform(handles_->multi, &running) != CURLM_OK) return base::error("libcurl failed");
        int waiting = 0;
        while (const CURLMsg* message = curl_multi_info_read(handles_->multi, &waiting)) {
            if (message->msg != CURLMSG_DONE) continue;
            if (message->data.result == CURLE_OK) return {};
            return base::error(options_.url + ": " + curl_easy_strerror(message->data.result));
        }
        if (curl_multi_poll(handles_->multi, nullptr, 0, kLongestWaitMs, nullptr) != CURLM_OK)
            return base::error("libcurl failed");
    }
    return base::error("cancelled");
}

void ApiClient::cancel() {
    cancelled_.store(true);
    curl_multi_wakeup(handles_->multi);
}

std::string ApiClient::escaped(const std::string& text) {
    constexpr const char* kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';  // RFC 3986 section 2.3
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return out;
}

}  // namespace llmsnoop::attribution::kubernetes
