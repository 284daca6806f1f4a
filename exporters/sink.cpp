#include "exporters/sink.h"

namespace llmsnoop::exporters {

void Sink::started(const model::Cleared<model::ExchangeStarted>& /*started*/) {}

base::Result<void> Sink::flush() {
    return {};
}

std::uint64_t Sink::waiting() const {
    return 0;
}

}  // namespace llmsnoop::exporters
