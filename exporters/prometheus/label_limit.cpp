#include "exporters/prometheus/label_limit.h"

namespace llmsnoop::exporters {

bool LabelLimit::admits(std::string_view value) const {
    return is_free(value) || users_.size() < places_ || users_.find(value) != users_.end();
}

void LabelLimit::acquire(std::string_view value) {
    if (is_free(value)) return;
    const auto known = users_.find(value);
    if (known != users_.end()) {
        ++known->second;
    } else {
        users_.emplace(value, 1);
    }
}

void LabelLimit::release(std::string_view value) {
    const auto known = users_.find(value);
    if (known != users_.end() && --known->second == 0) users_.erase(known);
}

}  // namespace llmsnoop::exporters
