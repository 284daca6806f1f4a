#include "agent/http/head_parser.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "agent/http/field_text.h"

namespace llmsnoop::http {
namespace {

// Takes the next line off `text`, without its line end (CRLF, or bare LF: RFC 9112 section 2.2).
std::string_view take_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool is_folded(std::string_view line) {
    return !line.empty() && (line.front() == ' ' || line.front() == '\t');
}

class FieldReader {
 public:
    FieldReader(ParsedHead& parsed, const Limits& limits, model::LossCounters& losses)
        : parsed_(parsed), limits_(limits), losses_(losses) {}

    void read_all(std::string_view text) {
        std::string unfolded;
        while (!text.empty()) {
            std::string_view line = take_line(text);
            if (is_folded(text) && !line.empty()) {
                // obs-fold (RFC 9112 section 5.2): continuation lines belong to the value, joined by a space.
                unfolded = line;
                while (is_folded(text))
                    unfolded.append(" ").append(trim(take_line(text)));
                line = unfolded;
            }
            read_one(line);
        }
        if (too_many_) losses_.add(model::Loss::http_head_limit);
    }

 private:
    void read_one(std::string_view line) {
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return;
        // "No whitespace is allowed between the field name and colon" (section 5.1), but responses with some exist.
        std::string name = lower_case(trim(line.substr(0, colon)));
        if (name.empty()) return;
        const std::string_view value = trim(line.substr(colon + 1));
        if (name == "content-length") read_length(value);
        if (name == "transfer-encoding") read_transfer_coding(value);
        if (name == "upgrade") parsed_.asks_upgrade = true;
        if (name == "host" && parsed_.head->authority.empty()) parsed_.head->authority = value;
        if (parsed_.head->headers.size() >= limits_.header_count) {
            too_many_ = true;
            return;
        }
        parsed_.head->headers.push_back({std::move(name), std::string(value)});
    }

    // Several fields or a list are valid as long as all say the same number (RFC 9112 section 6.3, item 5).
    void read_length(std::string_view value) {
        bool any = false;
        for (std::string_view one; next_element(value, one); any = true) {
            std::uint64_t number = 0;
            const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), number);
            const bool bad = error != std::errc() || end != one.data() + one.size();
            const bool differs = parsed_.length_field == LengthField::valid && number != parsed_.content_length;
            if (bad || differs || parsed_.length_field == LengthField::invalid) {
                parsed_.length_field = LengthField::invalid;
            } else {
                parsed_.length_field = LengthField::valid;
                parsed_.content_length = number;
            }
        }
        if (!any) parsed_.length_field = LengthField::invalid;
    }

    void read_transfer_coding(std::string_view value) {
        for (std::string_view one; next_element(value, one);) {
            const std::string_view coding = trim(one.substr(0, one.find(';')));
            if (equals_ignoring_case(coding, "chunked")) {
                parsed_.transfer_coding = TransferCoding::chunked;
            } else if (!equals_ignoring_case(coding, "identity")) {  // withdrawn by RFC 7230, and meaning nothing
                parsed_.transfer_coding = TransferCoding::other;
            }
        }
    }

    ParsedHead& parsed_;
    const Limits& limits_;
    model::LossCounters& losses_;
    bool too_many_ = false;
};

// RFC 9112 section 3.2: origin-form and asterisk-form are reported as sent, absolute-form as the origin-form it stands
// for (its authority goes before the Host field), authority-form (CONNECT) as both.
void set_target(model::MessageHead& head, std::string_view target) {
    const auto scheme = target.find("://");
    if (head.method == "CONNECT") {
        head.authority = target;
        head.target = target;
    } else if (scheme != std::string_view::npos && target.front() != '/' && is_token(target.substr(0, scheme))) {
        const std::string_view rest = target.substr(scheme + 3);
        const auto path = std::min(rest.find_first_of("/?"), rest.size());
        head.authority = rest.substr(0, path);
        head.target = rest.substr(path);
        if (!head.target.starts_with('/')) head.target.insert(0, 1, '/');
    } else {
        head.target = target;
    }
}

}  // namespace

std::optional<ParsedHead> parse_head(std::string_view text, const Limits& limits, model::LossCounters& losses) {
    const std::string_view first = take_line(text);
    ParsedHead parsed;
    parsed.head = std::make_shared<model::MessageHead>();
    parsed.head->protocol = model::Protocol::http1;
    if (const auto status = parse_status_line(first)) {
        parsed.kind = MessageKind::response;
        parsed.head->status = *status;
    } else if (const auto request = parse_request_line(first)) {
        parsed.head->method = request->method;
        set_target(*parsed.head, request->target);
    } else {
        return std::nullopt;
    }
    FieldReader(parsed, limits, losses).read_all(text);
    return parsed;
}

}  // namespace llmsnoop::http
