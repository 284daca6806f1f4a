#include "tests/support/clients/response_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace llmsnoop::support {
namespace {

constexpr std::size_t kMaxLine = std::size_t{64} << 10;

template <typename Number>
bool read_number(std::string_view text, Number& value, int base) {
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return status == std::errc() && end != text.data();
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& byte : result)
        if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte + ('a' - 'A'));
    return result;
}

}  // namespace

void ResponseReader::begin() {
    state_ = State::head;
    line_.clear();
    first_line_ = true;
    continued_ = false;
    status_ = 0;
    chunked_ = has_length_ = closes_ = false;
    left_ = 0;
    encoding_.clear();
    body_.clear();
    body_bytes_ = 0;
}

std::size_t ResponseReader::feed(std::string_view bytes) {
    std::size_t used = 0;
    while (!finished() && used < bytes.size()) {
        const bool in_body = state_ == State::length || state_ == State::chunk_data || state_ == State::until_close;
        const std::string_view rest = bytes.substr(used);
        used += in_body ? feed_body(rest) : feed_line(rest);
    }
    return used;
}

void ResponseReader::feed_end() {
    if (!finished()) state_ = state_ == State::until_close ? State::done : State::failed;
}

std::size_t ResponseReader::feed_line(std::string_view bytes) {
    const void* newline = std::memchr(bytes.data(), '\n', bytes.size());
    if (newline == nullptr) {
        line_ += bytes;
        if (line_.size() > kMaxLine) state_ = State::failed;
        return bytes.size();
    }
    const auto size = static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data());
    std::string_view line = bytes.substr(0, size);
    if (!line_.empty()) {
        line_ += line;
        line = line_;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    take_line(line);
    line_.clear();
    return size + 1;
}

std::size_t ResponseReader::feed_body(std::string_view bytes) {
    const std::size_t size = state_ == State::until_close ? bytes.size() : std::min<std::uint64_t>(left_, bytes.size());
    if (keep_ == Keep::body) body_ += bytes.substr(0, size);
    body_bytes_ += size;
    left_ -= state_ == State::until_close ? 0 : size;
    if (left_ == 0 && state_ == State::length) state_ = State::done;
    if (left_ == 0 && state_ == State::chunk_data) state_ = State::chunk_end;
    return size;
}

void ResponseReader::take_line(std::string_view line) {
    switch (state_) {
        case State::head:
            if (first_line_) {
                // "HTTP/1.1 200 OK"
                first_line_ = false;
                if (!line.starts_with("HTTP/1.") || line.size() < 12 || !read_number(line.substr(9), status_, 10))
                    state_ = State::failed;
            } else if (line.empty()) {
                end_head();
            } else {
                take_header(line);
            }
            break;
        case State::chunk_size:
            if (!read_number(line, left_, 16)) {
                state_ = State::failed;
            } else {
                state_ = left_ == 0 ? State::trailer : State::chunk_data;
            }
            break;
        case State::chunk_end:
            state_ = line.empty() ? State::chunk_size : State::failed;
            break;
        case State::trailer:
            if (line.empty()) state_ = State::done;
            break;
        default:
            break;
    }
}

void ResponseReader::take_header(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        state_ = State::failed;
        return;
    }
    const std::string name = lower(line.substr(0, colon));
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    const std::string value = begin == std::string_view::npos ? std::string() : lower(line.substr(begin));
    if (name == "content-length") has_length_ = read_number(std::string_view(value), left_, 10);
    if (name == "transfer-encoding") chunked_ = value == "chunked";
    if (name == "content-encoding") encoding_ = value;
    if (name == "connection") closes_ = value == "close";
}

// RFC 9112, section 6.3.
void ResponseReader::end_head() {
    if (status_ / 100 == 1) {
        continued_ = true;
        first_line_ = true;
    } else if (status_ == 204 || status_ == 304) {
        state_ = State::done;
    } else if (chunked_) {
        left_ = 0;
        state_ = State::chunk_size;
    } else if (has_length_) {
        state_ = left_ == 0 ? State::done : State::length;
    } else {
        closes_ = true;
        state_ = State::until_close;
    }
}

}  // namespace llmsnoop::support
