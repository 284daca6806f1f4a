#pragma once
// The fields that a record can have, as the shipped JSON Schema lists them.
#include <string>
#include <string_view>
#include <vector>

namespace llmsnoop::exporters {

// The schema's text, as shipped.
std::string_view record_schema();

// Is there such a field? Below objects that take any name (usage.details, k8s.labels) everything is one.
bool is_record_field(const std::vector<std::string>& path);

}  // namespace llmsnoop::exporters
