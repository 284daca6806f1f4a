#include "agent/model/unpriced.h"

namespace llmsnoop::model {

std::string_view name_of(Unpriced value) {
    switch (value) {
        case Unpriced::unknown_model:
            return "unknown_model";
        case Unpriced::unknown_count:
            return "unknown_count";
        case Unpriced::no_price:
            return "no_price";
    }
    return "?";
}

}  // namespace llmsnoop::model
