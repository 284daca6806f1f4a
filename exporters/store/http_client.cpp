#include "exporters/store/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>

namespace llmsnoop::exporters::store {

namespace {

struct EasyFree {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlFree {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

struct Sink {
    std::string body;
    std::size_t most = 0;
};

std::size_t take(const char* data, std::size_t one, std::size_t count, void* sink) {
    auto& out = *static_cast<Sink*>(sink);
    const std::size_t size = one * count;
    if (out.body.size() + size > out.most) return 0;  // ends the transfer
    out.body.append(data, size);
    return size;
}

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
    std::string out = text;
    curl_free(text);
    return out;
}

}  // namespace

base::Result<HttpAnswer> http(const HttpRequest& request) {
    static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    const std::unique_ptr<CURL, EasyFree> easy(kReady ? curl_easy_init() : nullptr);
    if (!easy) return base::error("libcurl cannot be used");
    CURL* const curl = easy.get();
    std::unique_ptr<curl_slist, ListFree> headers;
    for (const std::string& one : request.headers)
        headers.reset(curl_slist_append(headers.release(), one.c_str()));
    Sink sink{{}, request.most_bytes};
    std::array<char, CURL_ERROR_SIZE> reason{};
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     std::min<long>(static_cast<long>(request.timeout.count()), 10'000));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
    if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
    if (request.body != nullptr) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body->data());
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    }
    const CURLcode done = curl_easy_perform(curl);
    if (done == CURLE_WRITE_ERROR) return base::error("the answer is too large");
    if (done != CURLE_OK) return base::error(reason[0] != '\0' ? reason.data() : curl_easy_strerror(done));
    HttpAnswer answer;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    answer.body = std::move(sink.body);
    return answer;
}

std::string percent_encoded(std::string_view text) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            out.push_back(c);
        } else {
            out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return out;
}

base::Result<UrlParts> parse_url(const std::string& url) {
    const auto wrong = [&](const char* why) {
        return base::error("'" + url + "' is no address: " + why, base::Error::Kind::usage);
    };
    const std::unique_ptr<CURLU, UrlFree> parsed(curl_url());
    if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
        return wrong("http://HOST:PORT or https://HOST:PORT is wanted");
    const std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") return wrong("http:// or https:// is wanted");
    if (!part_of(parsed.get(), CURLUPART_USER).empty() || !part_of(parsed.get(), CURLUPART_PASSWORD).empty())
        return base::error("a user or password does not belong into the address", base::Error::Kind::usage);
    if (!part_of(parsed.get(), CURLUPART_QUERY).empty() || !part_of(parsed.get(), CURLUPART_FRAGMENT).empty())
        return wrong("no query is wanted");
    return UrlParts{scheme == "https", part_of(parsed.get(), CURLUPART_HOST)};
}

base::Result<std::string> read_secret(const std::string& path) {
    constexpr std::size_t kMost = 4096;
    std::ifstream file(path, std::ios::binary);
    std::string text(kMost + 1, '\0');
    if (!file) return base::system_error(path);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    const char* const kSpace = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string::npos) return base::error(path + ": is empty", base::Error::Kind::usage);
    text = text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
    const bool fits =
        text.size() <= kMost && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
    if (!fits) return base::error(path + ": one line of visible ASCII is wanted", base::Error::Kind::usage);
    return text;
}

}  // namespace llmsnoop::exporters::store
