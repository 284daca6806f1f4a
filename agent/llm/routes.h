#pragma once
// The table of the registry: which dialect stands behind which path, how sure the path is, and how its reader is made.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "agent/llm/dialect.h"
#include "agent/llm/shapes.h"
#include "agent/llm/target.h"

namespace llmsnoop::llm {

enum class Method : std::uint8_t { post, get, websocket };

// What makes an exchange with that path a model call.
enum class Certainty : std::uint8_t {
    path,  // the path says it all
    host,  // the path on a host that serves model APIs; elsewhere the body has to confirm it
    port,  // the path on Ollama's port; elsewhere the body has to confirm it
    body,  // the body has to confirm it, wherever it is
};

struct Recognised {
    const Target& target;
    const model::MessageHead& request;
    Calls& calls;
    model::LossCounters& losses;
};

struct Route {
    Method method;
    std::string_view path;  // Target::ends_in
    std::string_view dialect;
    std::string_view operation;
    Certainty certainty;
    bool (*confirms)(const Bodies&);  // null where the certainty is `path`
    std::unique_ptr<Dialect> (*make)(const Recognised&);
};

// The first that matches counts.
std::span<const Route> routes();
// Likewise: files of batch results, each of which holds many calls.
std::span<const Route> batch_routes();

// The reader of a dialect that was recognised by the bodies alone; null for names that are never recognised so.
std::unique_ptr<Dialect> make_by_name(std::string_view dialect, const Recognised& recognised);
std::string_view operation_of(std::string_view dialect);

}  // namespace llmsnoop::llm
