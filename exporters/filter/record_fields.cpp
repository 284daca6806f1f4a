#include "exporters/filter/record_fields.h"

#include <nlohmann/json.hpp>

#include "exporters/filter/record_schema_text.h"

namespace llmsnoop::exporters {

std::string_view record_schema() {
    return kRecordSchemaText;
}

bool is_record_field(const std::vector<std::string>& path) {
    static const nlohmann::json schema = nlohmann::json::parse(record_schema());
    const nlohmann::json* at = &schema;
    for (const std::string& part : path) {
        if (at->contains("$ref")) {
            // "#/$defs/name"
            const nlohmann::json::json_pointer target(at->at("$ref").get<std::string>().substr(1));
            if (!schema.contains(target)) return false;
            at = &schema.at(target);
        }
        const auto properties = at->find("properties");
        if (properties != at->end() && properties->contains(part)) {
            at = &properties->at(part);
            continue;
        }
        const auto others = at->find("additionalProperties");
        return others != at->end() && (others->is_object() || *others == true);
    }
    return !path.empty();
}

}  // namespace llmsnoop::exporters
