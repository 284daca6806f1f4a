#include "exporters/filter/filter.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace llmsnoop::exporters {

namespace {

template <typename T>
int order(const T& a, const T& b) {
    return a < b ? -1 : b < a ? 1 : 0;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
    // Linear but for going back to the last star, which only ever moves forward.
    std::size_t at = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            resume = i;
        } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[i])) {
            ++at;
            ++i;
        } else if (star != std::string_view::npos) {
            at = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

bool Filter::matches(const nlohmann::json& record) const {
    return nodes_.empty() || holds(nodes_.size() - 1, record);
}

bool Filter::matches_line(std::string_view line) const {
    if (nodes_.empty()) return true;
    const auto record = nlohmann::json::parse(line, nullptr, false);
    return !record.is_discarded() && matches(record);
}

bool Filter::holds(std::size_t index, const nlohmann::json& record) const {
    const Node& node = nodes_[index];
    switch (node.kind) {
        case Kind::both:
            return holds(node.left, record) && holds(node.right, record);
        case Kind::either:
            return holds(node.left, record) || holds(node.right, record);
        case Kind::negation:
            return !holds(node.left, record);
        default:
            break;
    }
    const nlohmann::json* value = &record;
    for (const std::string& part : node.path) {
        if (!value->is_object()) return false;
        const auto at = value->find(part);
        if (at == value->end()) return false;
        value = &*at;
    }
    if (node.kind == Kind::has) return true;
    const auto one = [&](const nlohmann::json& element) {
        return std::any_of(node.values.begin(), node.values.end(),
                           [&](const Value& wanted) { return holds_for(element, node.op, wanted); });
    };
    return value->is_array() ? std::any_of(value->begin(), value->end(), one) : one(*value);
}

bool Filter::holds_for(const nlohmann::json& value, Op op, const Value& wanted) {
    int compared = 0;
    if (value.is_string() && wanted.type == Value::Type::text) {
        const auto& text = value.get_ref<const std::string&>();
        if (op == Op::like) return glob_matches(wanted.text, text);
        compared = order(text, wanted.text);
    } else if (value.is_number() && wanted.type == Value::Type::number) {
        compared = order(value.get<double>(), wanted.number);
    } else if (value.is_boolean() && wanted.type == Value::Type::boolean) {
        compared = order(value.get<bool>(), wanted.boolean);
    } else {
        return op == Op::unequal;  // present, and of another type: certainly not equal
    }
    switch (op) {
        case Op::equal:
            return compared == 0;
        case Op::unequal:
            return compared != 0;
        case Op::less:
            return compared < 0;
        case Op::at_most:
            return compared <= 0;
        case Op::greater:
            return compared > 0;
        case Op::at_least:
            return compared >= 0;
        case Op::like:
            return false;
    }
    return false;
}

}  // namespace llmsnoop::exporters
