#pragma once
// permessage-deflate (RFC 7692) with zlib, one direction of one connection: independent of the agent's own, so that one
// can check the other.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace llmsnoop::support {

enum class Deflate : std::uint8_t {
    none,         // the extension is not used
    takeover,     // the window lives from message to message
    no_takeover,  // each message stands for itself
};

// By the name used in `?deflate=`: none, takeover, no-takeover.
std::optional<Deflate> deflate_named(std::string_view name);

class MessageDeflater {
 public:
    explicit MessageDeflater(Deflate mode);
    ~MessageDeflater();

    // Section 7.2.1: the message's payload, without the four bytes that end it.
    std::string deflate(std::string_view message);

 private:
    struct State;
    const Deflate mode_;
    std::unique_ptr<State> state_;
};

class MessageInflater {
 public:
    explicit MessageInflater(Deflate mode);
    ~MessageInflater();

    // Section 7.2.2. nullopt if it does not decode.
    std::optional<std::string> inflate(std::string payload);

 private:
    struct State;
    const Deflate mode_;
    std::unique_ptr<State> state_;
};

}  // namespace llmsnoop::support
