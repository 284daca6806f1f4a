#include "exporters/sink.h"

namespace llmsnoop::exporters {

void Sink::started(const model::Cleared<model::ExchangeStarted>& /*started*/) {}

base::Result<void> Sink::flush() {
    return {};
}

}  // namespace llmsnoop::exporters
