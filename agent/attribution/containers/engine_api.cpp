#include "agent/attribution/containers/engine_api.h"

#include <curl/curl.h>

#include <memory>
#include <utility>

namespace llmsnoop::attribution {

namespace {

struct EasyFree {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

std::size_t take(const char* data, std::size_t one, std::size_t count, void* body) {
    auto& out = *static_cast<std::string*>(body);
    const std::size_t size = one * count;
    if (out.size() + size > kMaxBundleBytes) return 0;  // ends the transfer
    out.append(data, size);
    return size;
}

// Called at least once a second.
int ends_when_stopped(void* stop, curl_off_t /*down*/, curl_off_t /*of*/, curl_off_t /*up*/, curl_off_t /*of*/) {
    return static_cast<const std::atomic<bool>*>(stop)->load() ? 1 : 0;
}

}  // namespace

EngineAnswer ask_engine(const std::string& socket, const std::string& id, std::chrono::milliseconds timeout,
                        const std::atomic<bool>& stop) {
    static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    const std::unique_ptr<CURL, EasyFree> easy(kReady ? curl_easy_init() : nullptr);
    if (!easy) return {};
    CURL* const curl = easy.get();
    std::string body;
    // Without a version in the path the engine answers by its own newest one; these members are in all of them.
    const std::string url = "http://localhost/containers/" + id + "/json";
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "llmsnoop");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &ends_when_stopped);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&stop));
    if (curl_easy_perform(curl) != CURLE_OK) return {};
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 404) return {EngineAnswer::Outcome::unknown};
    if (status != 200) return {};
    auto facts = read_engine_answer(body, id);
    if (!facts) return {EngineAnswer::Outcome::unknown};
    return {EngineAnswer::Outcome::named, std::move(*facts)};
}

}  // namespace llmsnoop::attribution
