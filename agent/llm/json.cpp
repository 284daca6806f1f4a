#include "agent/llm/json.h"

#include <simdjson.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <type_traits>

namespace llmsnoop::llm {
namespace {

namespace dom = simdjson::dom;

static_assert(std::is_trivially_copyable_v<dom::element>);

using Handle = std::array<std::uint64_t, 2>;

constexpr double kCountLimit = 9007199254740992.0;  // 2^53

dom::element element_of(const Handle& handle) {
    return std::bit_cast<dom::element>(handle);
}

void write_text(std::string& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (c == '\n') {
            out.append("\\n");
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out.append("\\u00");
            out.push_back(kHex[(c >> 4) & 0xf]);
            out.push_back(kHex[c & 0xf]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

template <typename Number>
void write_number(std::string& out, Number value) {
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, static_cast<std::size_t>(end.ptr - digits));
}

// Recursion is bounded by the parser's own limit of depth (1024).
bool write_value(std::string& out, dom::element value, std::size_t limit) {
    if (out.size() > limit) return false;
    bool fits = true;
    bool first = true;
    switch (value.type()) {
        case dom::element_type::OBJECT:
            out.push_back('{');
            for (const auto [key, member] : dom::object(value.get_object().value_unsafe())) {
                if (!std::exchange(first, false)) out.push_back(',');
                write_text(out, key);
                out.push_back(':');
                fits = write_value(out, member, limit);
                if (!fits) break;
            }
            out.push_back('}');
            break;
        case dom::element_type::ARRAY:
            out.push_back('[');
            for (const dom::element one : dom::array(value.get_array().value_unsafe())) {
                if (!std::exchange(first, false)) out.push_back(',');
                fits = write_value(out, one, limit);
                if (!fits) break;
            }
            out.push_back(']');
            break;
        case dom::element_type::STRING:
            write_text(out, value.get_string().value_unsafe());
            break;
        case dom::element_type::INT64:
            write_number(out, value.get_int64().value_unsafe());
            break;
        case dom::element_type::UINT64:
            write_number(out, value.get_uint64().value_unsafe());
            break;
        case dom::element_type::DOUBLE:
            write_number(out, value.get_double().value_unsafe());
            break;
        case dom::element_type::BOOL:
            out.append(value.get_bool().value_unsafe() ? "true" : "false");
            break;
        case dom::element_type::NULL_VALUE:
            out.append("null");
            break;
    }
    return fits && out.size() <= limit;
}

}  // namespace

Json::Kind Json::kind() const {
    if (handle_[0] == 0) return Kind::missing;
    switch (element_of(handle_).type()) {
        case dom::element_type::OBJECT:
            return Kind::object;
        case dom::element_type::ARRAY:
            return Kind::array;
        case dom::element_type::STRING:
            return Kind::text;
        case dom::element_type::INT64:
        case dom::element_type::UINT64:
        case dom::element_type::DOUBLE:
            return Kind::number;
        case dom::element_type::BOOL:
            return Kind::truth;
        case dom::element_type::NULL_VALUE:
            return Kind::null;
    }
    return Kind::missing;
}

Json Json::operator[](std::string_view key) const {
    dom::object object;
    if (handle_[0] == 0 || element_of(handle_).get_object().get(object) != simdjson::SUCCESS) return {};
    Json found;
    for (auto at = object.begin(); at != object.end(); ++at) {
        if (at.key_equals(key)) found = Json(std::bit_cast<Handle>(at.value()));
    }
    return found;
}

void Json::pick(const std::string_view* names, Json* picked, std::size_t count) const {
    dom::object object;
    if (handle_[0] == 0 || element_of(handle_).get_object().get(object) != simdjson::SUCCESS) return;
    for (auto at = object.begin(); at != object.end(); ++at) {
        const std::string_view key = at.key();
        for (std::size_t i = 0; i < count; ++i) {
            if (names[i] == key) picked[i] = Json(std::bit_cast<Handle>(at.value()));
        }
    }
}

Json Json::at(std::size_t index) const {
    dom::array array;
    if (handle_[0] == 0 || element_of(handle_).get_array().get(array) != simdjson::SUCCESS) return {};
    for (const dom::element one : array) {
        if (index-- == 0) return Json(std::bit_cast<Handle>(one));
    }
    return {};
}

std::size_t Json::size() const {
    if (handle_[0] == 0) return 0;
    if (dom::array array; element_of(handle_).get_array().get(array) == simdjson::SUCCESS) return array.size();
    if (dom::object object; element_of(handle_).get_object().get(object) == simdjson::SUCCESS) return object.size();
    return 0;
}

std::optional<std::string_view> Json::text() const {
    std::string_view value;
    if (handle_[0] == 0 || element_of(handle_).get_string().get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
}

std::optional<double> Json::number() const {
    double value = 0;
    if (handle_[0] == 0 || element_of(handle_).get_double().get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> Json::count() const {
    const std::optional<double> value = number();
    if (!value || *value < 0 || *value >= kCountLimit || std::floor(*value) != *value) return std::nullopt;
    return static_cast<std::uint64_t>(*value);
}

std::optional<bool> Json::truth() const {
    bool value = false;
    if (handle_[0] == 0 || element_of(handle_).get_bool().get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
}

void Json::each(base::FunctionRef<void(Json)> visit) const {
    dom::array array;
    if (handle_[0] == 0 || element_of(handle_).get_array().get(array) != simdjson::SUCCESS) return;
    for (const dom::element one : array)
        visit(Json(std::bit_cast<Handle>(one)));
}

void Json::each_member(base::FunctionRef<void(std::string_view, Json)> visit) const {
    dom::object object;
    if (handle_[0] == 0 || element_of(handle_).get_object().get(object) != simdjson::SUCCESS) return;
    for (const auto [key, value] : object)
        visit(key, Json(std::bit_cast<Handle>(value)));
}

bool Json::write(std::string& out, std::size_t limit) const {
    return handle_[0] == 0 || write_value(out, element_of(handle_), limit);
}

}  // namespace llmsnoop::llm
