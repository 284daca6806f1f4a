#include "agent/model/blind.h"

namespace llmsnoop::model {

std::string_view name_of(BlindReason value) {
    switch (value) {
        case BlindReason::library_refused:
            return "library_refused";
        case BlindReason::library_unsupported:
            return "library_unsupported";
        case BlindReason::library_not_attached:
            return "library_not_attached";
        case BlindReason::connection_missed:
            return "connection_missed";
        case BlindReason::no_library:
            return "no_library";
        case BlindReason::process_gone:
            return "process_gone";
    }
    return "";
}

}  // namespace llmsnoop::model
