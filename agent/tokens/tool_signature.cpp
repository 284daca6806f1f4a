#include "agent/tokens/tool_signature.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace llmsnoop::tokens {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestInput = 512U << 10;
constexpr std::size_t kLongestOutput = 1U << 20;
constexpr int kDeepest = 32;            // nested types; also ends schemas that refer to themselves
constexpr int kMostSteps = 100'000;     // properties and alternatives, all tools together
constexpr std::size_t kRequired = 256;  // names of a "required" list that are looked at

const Json* member(const Json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    const auto at = object.find(name);
    return at == object.end() ? nullptr : &*at;
}

std::string_view text_of(const Json* value) {
    return value != nullptr && value->is_string() ? std::string_view(value->get_ref<const std::string&>())
                                                  : std::string_view();
}

class Writer {
 public:
    std::optional<std::string> write(const Json& tools) {
        out_ = "namespace functions {\n\n";
        for (const Json& tool : tools)
            function(tool);
        out_ += "} // namespace functions";
        if (failed_) return std::nullopt;
        return std::move(out_);
    }

 private:
    // {type, name, ...} in the Responses API, {type, function: {name, ...}} in chat, {name, ...} before there were
    // tools.
    void function(const Json& tool) {
        const Json* const inner = member(tool, "function");
        const Json& function = member(tool, "name") == nullptr && inner != nullptr ? *inner : tool;
        const std::string_view name = text_of(member(function, "name"));
        if (name.empty()) return;
        comment(text_of(member(function, "description")), 0);
        const Json* const schema = member(function, "parameters");
        const Json* const properties = schema != nullptr ? member(*schema, "properties") : nullptr;
        out_.append("type ").append(name).append(" = (");
        if (properties != nullptr && properties->is_object() && !properties->empty()) {
            root_ = schema;
            out_ += "_: {\n";
            members(*schema, 0);
            out_ += "}";
        }
        out_ += ") => any;\n\n";
    }

    void members(const Json& object, int depth) {
        const Json* const properties = member(object, "properties");
        if (properties == nullptr || !properties->is_object()) return;
        const Json* const required = member(object, "required");
        for (const auto& [name, property] : properties->items()) {
            if (!step() || !property.is_object()) return;
            comment(text_of(member(property, "description")), depth);
            indent(depth);
            out_ += name;
            if (!holds(required, name)) out_ += '?';
            out_ += ": ";
            type(property, depth);
            out_ += ',';
            if (const Json* const value = member(property, "default"); value != nullptr && !value->is_null()) {
                out_ += " // default: ";
                literal(*value);
            }
            out_ += '\n';
        }
    }

    void type(const Json& schema, int depth) {
        if (!step()) return;
        if (++nesting_ > kDeepest) {
            failed_ = true;
        } else {
            type_of(resolved(schema), depth);
        }
        --nesting_;
    }

    void type_of(const Json& schema, int depth) {
        if (const Json* const values = member(schema, "enum"); values != nullptr && values->is_array()) {
            joined(*values, [this](const Json& value) { literal(value); });
        } else if (const Json* const any = member(schema, "anyOf"); any != nullptr && any->is_array()) {
            joined(*any, [this, depth](const Json& one) { type(one, depth); });
        } else if (const Json* const kind = member(schema, "type"); kind != nullptr && kind->is_array()) {
            joined(*kind, [&](const Json& one) { named_type(text_of(&one), schema, depth); });
        } else {
            named_type(text_of(kind), schema, depth);
        }
    }

    void named_type(std::string_view name, const Json& schema, int depth) {
        if (name == "object" && member(schema, "properties") != nullptr) {
            out_ += "{\n";
            members(schema, depth + 1);
            indent(depth);
            out_ += '}';
        } else if (const Json* const items = member(schema, "items"); name == "array" && items != nullptr) {
            type(*items, depth);
            out_ += "[]";
        } else if (name == "array") {
            out_ += "any[]";
        } else if (name == "integer") {
            out_ += "number";
        } else {
            out_ += name.empty() ? "any" : name;
        }
    }

    // A schema that stands elsewhere in the same parameters: "#/$defs/Name".
    const Json& resolved(const Json& schema) const {
        std::string_view path = text_of(member(schema, "$ref"));
        if (!path.starts_with("#/")) return schema;
        const Json* at = root_;
        while (!path.empty() && at != nullptr) {
            path.remove_prefix(path.find('/') + 1);
            const std::size_t end = std::min(path.find('/'), path.size());
            at = member(*at, std::string(path.substr(0, end)).c_str());
            path.remove_prefix(end);
        }
        return at != nullptr && at->is_object() ? *at : schema;
    }

    template <typename Each>
    void joined(const Json& list, Each each) {
        bool first = true;
        for (const Json& one : list) {
            if (!step()) return;
            if (!first) out_ += " | ";
            first = false;
            each(one);
        }
    }

    void literal(const Json& value) {
        if (value.is_string()) {
            out_.append("\"").append(text_of(&value)).append("\"");
        } else if (value.is_primitive()) {
            out_ += value.dump();
        } else {
            out_ += value.is_array() ? "[]" : "{}";
        }
    }

    void comment(std::string_view text, int depth) {
        while (!text.empty() && step()) {
            const std::size_t end = text.find('\n');
            indent(depth);
            out_.append("// ").append(text.substr(0, end)).append("\n");
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
    }

    void indent(int depth) { out_.append(static_cast<std::size_t>(depth) * 2, ' '); }

    static bool holds(const Json* list, std::string_view name) {
        if (list == nullptr || !list->is_array()) return false;
        const auto end = list->begin() + static_cast<std::ptrdiff_t>(std::min(list->size(), kRequired));
        return std::any_of(list->begin(), end, [name](const Json& one) { return text_of(&one) == name; });
    }

    bool step() {
        if (++steps_ > kMostSteps || out_.size() > kLongestOutput) failed_ = true;
        return !failed_;
    }

    std::string out_;
    const Json* root_ = nullptr;
    int steps_ = 0;
    int nesting_ = 0;
    bool failed_ = false;
};

}  // namespace

std::optional<std::string> tool_signatures(std::string_view json) {
    if (json.size() > kLongestInput) return std::nullopt;
    const Json tools = Json::parse(json, nullptr, /*allow_exceptions=*/false);
    if (!tools.is_array()) return std::nullopt;
    return Writer().write(tools);
}

}  // namespace llmsnoop::tokens
