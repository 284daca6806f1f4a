#include "agent/llm/json_repair.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

#include "agent/llm/limits.h"

namespace llmsnoop::llm {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool ends_token(char c) {
    return is_space(c) || c == ',' || c == ':' || c == ']' || c == '}' || c == '[' || c == '{' || c == '"';
}

// What languages write where JSON has null, or cannot say a number.
bool means_nothing(std::string_view text) {
    static constexpr std::string_view kAll[] = {"null",     "None",      "undefined", "NaN", "nan",
                                                "Infinity", "-Infinity", "inf",       "-inf"};
    return std::find(std::begin(kAll), std::end(kAll), text) != std::end(kAll);
}

std::uint8_t byte(char c) {
    return static_cast<std::uint8_t>(c);
}

// The length of the well-formed UTF-8 sequence at the front (Unicode 15, table 3-7), or 0.
std::size_t utf8_sequence(std::string_view text) {
    const std::uint8_t lead = byte(text[0]);
    if (lead < 0x80) return 1;
    std::size_t length = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
    } else if ((lead & 0xF0) == 0xE0) {
        length = 3;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    }
    if (length == 0 || text.size() < length) return 0;
    if (byte(text[1]) < low || byte(text[1]) > high) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte(text[i]) & 0xC0) != 0x80) return 0;
    }
    return length;
}

std::optional<unsigned> hex4(std::string_view text) {
    if (text.size() < 4) return std::nullopt;
    unsigned value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const char c = text[i];
        const char lower = static_cast<char>(c | 0x20);
        if (is_digit(c)) {
            value = value * 16 + static_cast<unsigned>(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            value = value * 16 + static_cast<unsigned>(lower - 'a' + 10);
        } else {
            return std::nullopt;
        }
    }
    return value;
}

class Repair {
 public:
    Repair(std::string_view in, std::string& out) : in_(in), out_(out), base_(out.size()) {
        if (in_.substr(0, 3) == "\xEF\xBB\xBF") in_.remove_prefix(3);  // a byte order mark
    }

    Repaired run();

 private:
    // What the grammar allows at this point.
    enum class Want : std::uint8_t { value, key, colon, comma };
    struct Open {
        bool object;
        bool empty;
        std::size_t good;  // the output up to here is whole members or elements
    };

    bool at_end() const { return at_ >= in_.size(); }
    void step();
    void open(char c);
    void close();
    void finished_value();
    void separate();
    void string();
    void escape();
    void token();
    void number(std::string_view text);
    void skip_nested();
    void skip_string();
    void close_all();
    void drop_pending();

    std::string_view in_;
    std::string& out_;
    std::size_t base_;
    std::size_t at_ = 0;
    std::vector<Open> open_;
    Want want_ = Want::value;
    bool cut_ = false;  // the input ended within a token
    bool done_ = false;
    bool lossy_ = false;
    bool unclosed_ = false;
};

Repaired Repair::run() {
    while (!done_) {
        while (!at_end() && is_space(in_[at_]))
            ++at_;
        if (at_end()) break;
        step();
    }
    close_all();
    if (!done_ || out_.size() == base_) return Repaired::not_at_all;
    if (lossy_ || in_.find_first_not_of(" \t\r\n", at_) != std::string_view::npos) return Repaired::in_part;
    return unclosed_ ? Repaired::unclosed : Repaired::wholly;
}

void Repair::step() {
    const char c = in_[at_];
    if (want_ == Want::colon) {
        if (c != ':') {  // a key without a value: forget the key
            drop_pending();
            want_ = Want::comma;
            return;
        }
        ++at_;
        out_.push_back(':');
        want_ = Want::value;
        return;
    }
    if (c == ']' || c == '}') {
        ++at_;
        lossy_ = lossy_ || open_.empty() || open_.back().object != (c == '}');
        if (!open_.empty()) {
            drop_pending();
            close();
        }
        return;
    }
    if (c == ',' || c == ':') {
        ++at_;
        lossy_ = lossy_ || open_.empty();
        // A comma where a value should be: the member is dropped.
        if (!open_.empty()) {
            drop_pending();
            want_ = open_.back().object ? Want::key : Want::value;
        }
        return;
    }
    if (want_ == Want::comma) want_ = open_.back().object ? Want::key : Want::value;  // the comma itself is missing
    if (want_ == Want::key) {
        if (c != '"') {  // no key: skip what stands in its place
            lossy_ = true;
            if (c == '{' || c == '[') {
                skip_nested();
            } else {
                do
                    ++at_;
                while (!at_end() && !ends_token(in_[at_]));
            }
            return;
        }
        separate();
        string();
        want_ = Want::colon;
        return;
    }
    if (c == '{' || c == '[') {
        open(c);
        return;
    }
    if (!open_.empty() && !open_.back().object) separate();
    if (c == '"') {
        string();
    } else {
        token();
        if (cut_) return;
    }
    finished_value();
}

void Repair::separate() {
    if (!open_.back().empty) out_.push_back(',');
}

void Repair::open(char c) {
    if (!open_.empty() && !open_.back().object) separate();
    if (open_.size() >= limits::kRepairedDepth) {
        lossy_ = true;
        skip_nested();
        out_.append("null");
        finished_value();
        return;
    }
    ++at_;
    out_.push_back(c);
    open_.push_back({c == '{', true, out_.size()});
    want_ = c == '{' ? Want::key : Want::value;
}

void Repair::close() {
    out_.push_back(open_.back().object ? '}' : ']');
    open_.pop_back();
    finished_value();
}

void Repair::finished_value() {
    if (open_.empty()) {
        done_ = true;
        return;
    }
    open_.back().empty = false;
    open_.back().good = out_.size();
    want_ = Want::comma;
}

// At the opening quote.
void Repair::string() {
    out_.push_back('"');
    ++at_;
    while (!at_end()) {
        const char c = in_[at_];
        if (c == '"') {
            ++at_;
            out_.push_back('"');
            return;
        }
        if (c == '\\') {
            escape();
        } else if (byte(c) < 0x20) {
            static constexpr char kHex[] = "0123456789abcdef";
            out_.append("\\u00");
            out_.push_back(kHex[byte(c) >> 4]);
            out_.push_back(kHex[byte(c) & 0xF]);
            ++at_;
        } else if (const std::size_t length = utf8_sequence(in_.substr(at_)); length > 0) {
            out_.append(in_, at_, length);
            at_ += length;
        } else {
            out_.append(kReplacement);
            ++at_;
        }
    }
    lossy_ = true;
    out_.push_back('"');  // cut within the string: what there is of it is kept
}

// At a backslash. RFC 8259 section 7.
void Repair::escape() {
    const std::string_view rest = in_.substr(at_ + 1);
    if (rest.empty()) {
        ++at_;
        return;
    }
    if (rest[0] != 'u') {
        if (std::string_view(R"("\/bfnrt)").find(rest[0]) != std::string_view::npos) out_.append(in_, at_, 2), ++at_;
        ++at_;  // an unknown escape loses its backslash
        return;
    }
    const std::optional<unsigned> unit = hex4(rest.substr(1));
    if (!unit) {
        at_ += 2;
        return;
    }
    if (*unit < 0xD800 || *unit > 0xDFFF) {
        out_.append(in_, at_, 6);
        at_ += 6;
        return;
    }
    const std::string_view next = rest.substr(5);
    const std::optional<unsigned> low = next.substr(0, 2) == "\\u" ? hex4(next.substr(2)) : std::nullopt;
    if (*unit < 0xDC00 && low && *low >= 0xDC00 && *low <= 0xDFFF) {
        out_.append(in_, at_, 12);
        at_ += 12;
    } else {
        out_.append(kReplacement);
        at_ += 6;
    }
}

// A number, a literal, or something that is neither.
void Repair::token() {
    const std::size_t begin = at_;
    while (!at_end() && !ends_token(in_[at_]))
        ++at_;
    if (at_end() && !open_.empty()) {
        cut_ = true;
        return;
    }
    const std::string_view text = in_.substr(begin, at_ - begin);
    if (text == "true" || text == "True") {
        out_.append("true");
    } else if (text == "false" || text == "False") {
        out_.append("false");
    } else {
        number(text);
    }
}

void Repair::number(std::string_view text) {
    std::size_t i = text[0] == '-' ? 1 : 0;
    const auto digits = [&] {
        const std::size_t from = i;
        while (i < text.size() && is_digit(text[i]))
            ++i;
        return i - from;
    };
    const std::size_t whole_at = i;
    const std::size_t whole = digits();
    bool valid = whole > 0 && (whole == 1 || text[whole_at] != '0');
    bool fraction = false;
    if (i < text.size() && text[i] == '.') {
        ++i;
        fraction = true;
        valid = valid && digits() > 0;
    }
    std::size_t exponent = 0;
    if (i < text.size() && (text[i] | 0x20) == 'e') {
        ++i;
        if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
        exponent = digits();
        valid = valid && exponent > 0;
    }
    const bool is_number = valid && i == text.size();
    // Whole numbers beyond 64 bits are read as doubles, and doubles must stay finite.
    const bool is_kept = is_number && exponent <= 2 && whole <= 200;
    lossy_ = lossy_ || (!is_kept && !means_nothing(text));
    if (!is_kept) {
        out_.append("null");
        return;
    }
    out_.append(text);
    if (whole > 18 && !fraction && exponent == 0) out_.append(".0");
}

void Repair::skip_nested() {
    std::size_t depth = 0;
    while (!at_end()) {
        const char c = in_[at_];
        if (c == '"') {
            skip_string();
            continue;
        }
        ++at_;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) return;
    }
}

void Repair::skip_string() {
    ++at_;
    while (!at_end() && in_[at_] != '"')
        at_ += in_[at_] == '\\' ? 2 : 1;
    ++at_;
}

// What of a member has no value.
void Repair::drop_pending() {
    lossy_ = lossy_ || out_.size() > open_.back().good;
    out_.resize(open_.back().good);
}

void Repair::close_all() {
    if (done_) return;
    (cut_ || want_ != Want::comma ? lossy_ : unclosed_) = true;
    while (!open_.empty()) {
        if (want_ != Want::comma) out_.resize(open_.back().good);
        close();
    }
}

}  // namespace

Repaired repair_json(std::string_view text, std::string& out) {
    return Repair(text, out).run();
}

void append_utf8(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_sequence(text);
        out.append(length > 0 ? text.substr(0, length) : kReplacement);
        text.remove_prefix(length > 0 ? length : 1);
    }
}

}  // namespace llmsnoop::llm
