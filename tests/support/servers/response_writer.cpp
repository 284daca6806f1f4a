#include "tests/support/servers/response_writer.h"

#include <time.h>

#include <algorithm>
#include <charconv>

namespace llmsnoop::support {
namespace {

constexpr std::size_t kCoalesced = std::size_t{64} << 10;
constexpr unsigned kPauseSlice = 50'000;  // microseconds

std::string_view reason_phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 413:
            return "Content Too Large";
        case 429:
            return "Too Many Requests";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        default:
            return "";  // RFC 9112, section 4: the phrase may be empty (529 has none)
    }
}

std::string http_date() {
    const time_t now = time(nullptr);
    tm fields{};
    gmtime_r(&now, &fields);
    char text[40];
    const std::size_t size = strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &fields);
    return {text, size};
}

}  // namespace

SentBody ResponseWriter::send(const Answer& answer, const AnswerOptions& options, bool keep_alive,
                              const std::function<void(const SentBody&)>& before_end) {
    start(answer, options, keep_alive);
    if (!send_pieces(answer, options)) return sent_;
    const bool all_sent = framing_ == Framing::chunked && out_.empty() && tail_.empty();
    if (framing_ == Framing::chunked) {
        if (!tail_.empty()) frame(tail_);
        out_ += "0\r\n\r\n";
    } else if (framing_ == Framing::until_close) {
        out_ += tail_;
        sent_.body_bytes += tail_.size();
    }
    SentBody expected = sent_;
    expected.whole = true;
    expected.pieces = answer.pieces();
    before_end(expected);
    if (all_sent) pause(options.end_us);
    if (flush(true) || all_sent) sent_ = expected;  // a client that has read all may have left
    return sent_;
}

void ResponseWriter::start(const Answer& answer, const AnswerOptions& options, bool keep_alive) {
    sent_ = {};
    out_.clear();
    encoded_.clear();
    tail_.clear();
    encoded_ends_.clear();
    write_bytes_ = options.write_bytes;
    framing_ = options.framing;
    if (framing_ == Framing::by_kind) framing_ = answer.truth.stream ? Framing::chunked : Framing::content_length;
    compressor_ = Compressor::create(options.coding);
    if (compressor_ && framing_ == Framing::content_length) {
        for (std::size_t i = 0; i < answer.pieces(); ++i) {
            const bool last = i + 1 == answer.pieces();
            compressor_->add(answer.piece(i), last ? Flush::finish : Flush::sync, encoded_);
            encoded_ends_.push_back(encoded_.size());
        }
    }
    append_head(answer, options, keep_alive);
}

void ResponseWriter::append_head(const Answer& answer, const AnswerOptions& options, bool keep_alive) {
    append(out_, "HTTP/1.1 ", answer.status, " ", reason_phrase(answer.status), "\r\ndate: ", http_date(),
           "\r\ncontent-type: ", answer.content_type, "\r\n");
    if (options.coding != Coding::identity) append(out_, "content-encoding: ", header_value(options.coding), "\r\n");
    switch (framing_) {
        case Framing::chunked:
        case Framing::by_kind:
            out_ += "transfer-encoding: chunked\r\n";
            break;
        case Framing::content_length:
            append(out_, "content-length: ", compressor_ ? encoded_.size() : answer.body.size(), "\r\n");
            break;
        case Framing::until_close:
            break;
    }
    append(out_, "connection: ", keep_alive && framing_ != Framing::until_close ? "keep-alive" : "close", "\r\n");
    if (answer.truth.stream) out_ += "cache-control: no-cache\r\n";
    for (const auto& [name, value] : answer.headers)
        append(out_, name, ": ", value, "\r\n");
    out_ += "\r\n";
}

// One write per piece where timing or the place of a cut matters; a document at once goes out with its head. The last
// bytes stay in `out_`.
bool ResponseWriter::send_pieces(const Answer& answer, const AnswerOptions& options) {
    const bool one_by_one = answer.truth.stream || options.gap_us > 0 || options.die_after;
    if (answer.truth.stream && !flush(false)) return false;
    for (std::size_t i = 0; i < answer.pieces(); ++i) {
        if (options.die_after == i) {
            flush(true);
            sent_.pieces = i;
            return false;
        }
        if (options.gap_us > 0) {
            if (!flush(true)) return false;
            sent_.pieces = i;
            pause(options.gap_us);
        }
        frame(encode(answer, i));
        if (i + 1 == answer.pieces()) break;
        if ((one_by_one || out_.size() >= kCoalesced) && !flush(false)) return false;
        if (one_by_one) sent_.pieces = i + 1;
    }
    // A stream's end is written on its own, as servers do that learn of the end after the last event.
    if (framing_ == Framing::chunked && one_by_one) {
        if (!flush(false)) return false;
        sent_.pieces = answer.pieces();
        if (options.die_after == answer.pieces()) {
            flush(true);
            return false;
        }
    }
    if (compressor_ && framing_ != Framing::content_length) compressor_->add("", Flush::finish, tail_);
    return true;
}

std::string_view ResponseWriter::encode(const Answer& answer, std::size_t piece) {
    if (!compressor_) return answer.piece(piece);
    if (framing_ == Framing::content_length) {
        const std::size_t begin = piece == 0 ? 0 : encoded_ends_[piece - 1];
        return std::string_view(encoded_).substr(begin, encoded_ends_[piece] - begin);
    }
    encoded_.clear();
    compressor_->add(answer.piece(piece), Flush::sync, encoded_);
    return encoded_;
}

void ResponseWriter::frame(std::string_view bytes) {
    sent_.body_bytes += bytes.size();
    if (framing_ != Framing::chunked) {
        out_ += bytes;
        return;
    }
    if (bytes.empty()) return;
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, bytes.size(), 16).ptr;
    append(out_, std::string_view(digits, static_cast<std::size_t>(end - digits)), "\r\n", bytes, "\r\n");
}

// Writes `out_`; with `write=N` in cuts of N bytes, keeping an incomplete one back unless `everything` has to go.
bool ResponseWriter::flush(bool everything) {
    if (write_bytes_ == 0) {
        const bool good = out_.empty() || channel_.write(out_);
        out_.clear();
        return good;
    }
    std::string_view rest = out_;
    while (rest.size() >= write_bytes_ || (everything && !rest.empty())) {
        const std::string_view cut = rest.substr(0, write_bytes_);
        if (!channel_.write(cut)) return false;
        rest.remove_prefix(cut.size());
    }
    out_.erase(0, out_.size() - rest.size());
    return true;
}

void ResponseWriter::pause(unsigned microseconds) const {
    while (microseconds > 0 && !stop_) {
        const unsigned slice = std::min(microseconds, kPauseSlice);
        const timespec duration{0, static_cast<long>(slice) * 1000};
        nanosleep(&duration, nullptr);
        microseconds -= slice;
    }
}

bool ResponseWriter::send_plain(int status, std::string_view content_type, std::string_view body, bool head_only) {
    std::string text;
    append(text, "HTTP/1.1 ", status, " ", reason_phrase(status), "\r\ndate: ", http_date(), "\r\n");
    // RFC 9110, section 8.6: no Content-Length in a 204; a 304 has no content whatever it says.
    if (status != 204) append(text, "content-type: ", content_type, "\r\ncontent-length: ", body.size(), "\r\n");
    text += "\r\n";
    if (!head_only && status != 204 && status != 304) text += body;
    return channel_.write(text);
}

}  // namespace llmsnoop::support
