#include "tests/support/servers/http_request.h"

#include <algorithm>
#include <charconv>

#include "tests/support/net/compression.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kReadSize = 16384;  // one TLS record at most

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& byte : result)
        if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte + ('a' - 'A'));
    return result;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

bool parse_head(std::string_view head, HttpRequest& request) {
    const std::size_t end = head.find("\r\n");
    const std::string_view first = head.substr(0, end);
    const std::size_t method_end = first.find(' ');
    const std::size_t target_end = first.rfind(' ');
    if (method_end == std::string_view::npos || target_end == method_end) return false;
    request.method = first.substr(0, method_end);
    request.target = first.substr(method_end + 1, target_end - method_end - 1);
    request.keep_alive = first.substr(target_end + 1) == "HTTP/1.1";
    request.headers.clear();
    head.remove_prefix(end + 2);
    while (!head.empty()) {
        const std::size_t line_end = head.find("\r\n");
        const std::string_view line = head.substr(0, line_end);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || line_end == std::string_view::npos) return false;
        request.headers.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
        head.remove_prefix(line_end + 2);
    }
    if (lower(request.header("connection")) == "close") request.keep_alive = false;
    return true;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view lower_name) const {
    for (const auto& [name, value] : headers)
        if (name == lower_name) return value;
    return {};
}

bool decode_body(HttpRequest& request) {
    const std::string_view encoding = request.header("content-encoding");
    if (encoding.empty() || encoding == "identity") return true;
    const auto coding = coding_named(encoding);
    if (!coding) return false;
    Decompressed decoded = decompress(*coding, request.body, kMaxDecodedBody);
    request.body = std::move(decoded.bytes);
    return decoded.whole;
}

ReadOutcome RequestReader::read(HttpRequest& request) {
    if (const ReadOutcome outcome = read_head(request); outcome != ReadOutcome::request) return outcome;
    if (const ReadOutcome outcome = read_body(request); outcome != ReadOutcome::request) return outcome;
    request.body_bytes = request.body.size();
    return decode_body(request) ? ReadOutcome::request : ReadOutcome::malformed;
}

ReadOutcome RequestReader::read_head(HttpRequest& request) {
    std::size_t searched = position_;
    for (;;) {
        const std::size_t end = buffer_.find("\r\n\r\n", searched);
        if (end != std::string::npos) {
            const std::string_view head = std::string_view(buffer_).substr(position_, end + 2 - position_);
            const bool good = parse_head(head, request);
            position_ = end + 4;
            return good ? ReadOutcome::request : ReadOutcome::malformed;
        }
        if (held() > kMaxHead) return ReadOutcome::too_large;
        const std::size_t before = held();
        if (!fill()) return ReadOutcome::closed;
        searched = position_ + (before > 3 ? before - 3 : 0);
    }
}

ReadOutcome RequestReader::read_body(HttpRequest& request) {
    request.body.clear();
    const bool chunked = lower(request.header("transfer-encoding")) == "chunked";
    const std::string_view length_text = request.header("content-length");
    std::size_t length = 0;
    if (!chunked && !length_text.empty()) {
        const auto [end, status] = std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
        if (status != std::errc() || end != length_text.data() + length_text.size()) return ReadOutcome::malformed;
        if (length > kMaxBody) return ReadOutcome::too_large;
    }
    // RFC 9110, section 10.1.1: a server may leave the 100 out once part of the content has arrived.
    if (lower(request.header("expect")) == "100-continue" && held() == 0 && (chunked || length > 0) &&
        !channel_.write("HTTP/1.1 100 Continue\r\n\r\n"))
        return ReadOutcome::closed;
    return chunked ? read_chunked(request) : take(request.body, length);
}

// RFC 9112, section 7.1. Extensions and trailers are skipped.
ReadOutcome RequestReader::read_chunked(HttpRequest& request) {
    std::string line;
    for (;;) {
        if (!read_line(line)) return ReadOutcome::closed;
        std::size_t size = 0;
        const auto [end, status] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
        if (status != std::errc() || end == line.data()) return ReadOutcome::malformed;
        if (size == 0) break;
        if (size > kMaxBody - request.body.size()) return ReadOutcome::too_large;
        if (const auto outcome = take(request.body, size); outcome != ReadOutcome::request) return outcome;
        if (!read_line(line)) return ReadOutcome::closed;
        if (!line.empty()) return ReadOutcome::malformed;
    }
    do {
        if (!read_line(line)) return ReadOutcome::closed;
    } while (!line.empty());
    return ReadOutcome::request;
}

ReadOutcome RequestReader::take(std::string& into, std::size_t size) {
    const std::size_t ready = std::min(size, held());
    into.append(buffer_, position_, ready);
    position_ += ready;
    std::size_t filled = into.size();
    into.resize(filled + (size - ready));
    while (filled < into.size()) {
        const std::size_t got = channel_.read(into.data() + filled, std::min(into.size() - filled, kReadSize));
        if (got == 0) return ReadOutcome::closed;
        filled += got;
    }
    return ReadOutcome::request;
}

bool RequestReader::read_line(std::string& line) {
    std::size_t end;
    while ((end = buffer_.find("\r\n", position_)) == std::string::npos)
        if (held() > kMaxHead || !fill()) return false;
    line.assign(buffer_, position_, end - position_);
    position_ = end + 2;
    return true;
}

bool RequestReader::fill() {
    buffer_.erase(0, position_);
    position_ = 0;
    const std::size_t before = buffer_.size();
    buffer_.resize(before + kReadSize);
    const std::size_t got = channel_.read(buffer_.data() + before, kReadSize);
    buffer_.resize(before + got);
    return got > 0;
}

}  // namespace llmsnoop::support
