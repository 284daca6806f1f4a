#include "agent/model/exchange.h"

namespace llmsnoop::model {

std::string_view name_of(Role value) {
    return value == Role::client ? "client" : "server";
}

}  // namespace llmsnoop::model
