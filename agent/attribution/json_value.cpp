#include "agent/attribution/json_value.h"

namespace llmsnoop::attribution {

std::optional<nlohmann::json> parse_json(std::string_view text, std::size_t limit) {
    if (text.size() > limit) return std::nullopt;
    auto out = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (out.is_discarded()) return std::nullopt;
    return out;
}

std::optional<nlohmann::json> parse_members(std::string_view text, std::size_t limit,
                                            base::FunctionRef<bool(std::string_view)> is_wanted) {
    if (text.size() > limit) return std::nullopt;
    // A member's key is told of at the depth of its object's members; false leaves out the member.
    const auto keep = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
        if (depth != 1 || event != nlohmann::json::parse_event_t::key) return true;
        return is_wanted(parsed.get_ref<const std::string&>());
    };
    auto out = nlohmann::json::parse(text, keep, /*allow_exceptions=*/false);
    if (!out.is_object()) return std::nullopt;
    return out;
}

const nlohmann::json& member_of(const nlohmann::json& object, const char* key) {
    static const nlohmann::json kNull;
    if (!object.is_object()) return kNull;
    const auto at = object.find(key);
    return at == object.end() ? kNull : *at;
}

std::string text_of(const nlohmann::json& value, std::size_t limit) {
    const auto* text = value.get_ptr<const std::string*>();
    return text != nullptr && text->size() <= limit ? *text : std::string();
}

std::string text_at(const nlohmann::json& object, const char* key, std::size_t limit) {
    return text_of(member_of(object, key), limit);
}

}  // namespace llmsnoop::attribution
