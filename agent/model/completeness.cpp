#include "agent/model/completeness.h"

namespace llmsnoop::model {

std::string_view name_of(Completeness value) {
    switch (value) {
        case Completeness::complete:
            return "complete";
        case Completeness::in_progress:
            return "in_progress";
        case Completeness::headers_lost:
            return "headers_lost";
        case Completeness::truncated:
            return "truncated";
        case Completeness::gap:
            return "gap";
        case Completeness::interrupted:
            return "interrupted";
    }
    return "?";
}

}  // namespace llmsnoop::model
