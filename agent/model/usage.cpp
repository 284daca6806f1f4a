#include "agent/model/usage.h"

namespace llmsnoop::model {

std::string_view name_of(UsageSource value) {
    switch (value) {
        case UsageSource::none:
            return "none";
        case UsageSource::reported:
            return "reported";
        case UsageSource::adjusted:
            return "adjusted";
        case UsageSource::partial:
            return "partial";
        case UsageSource::estimated:
            return "estimated";
    }
    return "none";
}

}  // namespace llmsnoop::model
