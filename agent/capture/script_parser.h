#pragma once
// Turns the statements of a script into events (script_source.h has the language). One object per script.
#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/capture/script_source.h"
#include "agent/capture/script_words.h"

namespace llmsnoop::capture {

class ScriptParser {
 public:
    explicit ScriptParser(std::string folder) : folder_(std::move(folder)) {}

    base::Result<void> statement(const std::vector<ScriptWord>& words);
    Script finish() { return std::move(script_); }

 private:
    using Words = std::span<const ScriptWord>;

    struct Connection {
        bool observed_is_client = true;
        bool closed = false;
        std::array<std::uint64_t, 2> offsets{};  // of the next byte, by Direction
    };

    struct Stream {
        model::ConnectionId id = 0;
        Connection* connection = nullptr;
        model::Direction direction = model::Direction::sent;

        std::uint64_t& offset() const { return connection->offsets[static_cast<std::size_t>(direction)]; }
    };

    base::Result<void> once(Words words);
    base::Result<void> clock(Words words);
    base::Result<void> process(Words words);
    base::Result<void> process_ended(Words words);
    base::Result<void> open(Words words);
    base::Result<void> address(Words words);
    base::Result<void> name(Words words);
    base::Result<void> bytes(Words words);
    base::Result<void> gap(Words words);
    base::Result<void> end(Words words);
    base::Result<void> close(Words words);
    base::Result<void> unprobed(Words words);

    base::Result<Stream> stream(Words words);
    base::Result<model::ConnectionId> known(const ScriptWord& word);
    base::Result<std::string> piece(const ScriptWord& word) const;
    base::Result<void> endpoints(Words words, std::size_t& at, std::optional<model::Endpoint>& local,
                                 std::optional<model::Endpoint>& peer) const;
    void chunks(const Stream& stream, std::string_view bytes);
    void emit(model::CaptureEvent event) { script_.events.push_back(std::move(event)); }

    std::string folder_;
    Script script_;
    base::Time start_ = base::time_from_unix_ns(1'767'225'600'000'000'000);  // 2026-01-01T00:00:00Z
    base::Time now_ = start_;
    std::size_t cut_ = 0;
    std::size_t payload_bytes_ = 0;
    std::map<model::ConnectionId, Connection> connections_;
    std::map<std::uint32_t, model::ProcessKey> processes_;
};

}  // namespace llmsnoop::capture
