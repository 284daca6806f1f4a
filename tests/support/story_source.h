#pragma once
// A capture source whose events are made while the pipeline takes them, so that a test can tell a story of gigabytes
// without holding them:
//
//   StorySource source([](Wire& wire) {
//       wire.open(1);
//       wire.send(1, "POST /v1/chat/completions HTTP/1.1\r\n...");
//       for (int i = 0; i < 1'000'000; ++i) wire.receive(1, "data: {}\n\n");
//   });
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "agent/capture/source.h"

namespace llmsnoop::support {

class Wire {
 public:
    explicit Wire(capture::EventOut out) : out_(out) {}

    // The observed end is the client; the clock moves on by a microsecond with each event.
    void open(model::ConnectionId id, bool from_start = true) {
        model::ConnectionOpened event;
        event.id = id;
        event.time = tick();
        event.transport = model::Transport::tls;
        event.library = model::Library::openssl;
        event.from_start = from_start;
        event.peer = model::Endpoint{};
        event.peer->port = 443;
        out_(event);
    }

    void send(model::ConnectionId id, std::string_view bytes) { carry(id, model::Direction::sent, bytes); }
    void receive(model::ConnectionId id, std::string_view bytes) { carry(id, model::Direction::received, bytes); }

    void close(model::ConnectionId id) {
        model::ConnectionClosed event;
        event.id = id;
        event.time = tick();
        out_(event);
        offsets_.erase(id);
    }

    // Anything else, as it is.
    void deliver(const model::CaptureEvent& event) { out_(event); }
    base::Time tick() { return time_ += std::chrono::microseconds(1); }

 private:
    static constexpr std::size_t kLargestChunk = std::size_t{64} << 10;

    void carry(model::ConnectionId id, model::Direction direction, std::string_view bytes) {
        std::uint64_t& offset = offsets_[id][static_cast<std::size_t>(direction)];
        while (!bytes.empty()) {
            model::Chunk chunk;
            chunk.connection = id;
            chunk.direction = direction;
            chunk.offset = offset;
            chunk.time = tick();
            chunk.bytes = base::as_bytes(bytes.substr(0, kLargestChunk));
            chunk.length = chunk.bytes.size();
            bytes.remove_prefix(chunk.bytes.size());
            offset += chunk.length;
            out_(chunk);
        }
    }

    capture::EventOut out_;
    base::Time time_ = base::time_from_unix_ns(1'767'225'600'000'000'000);  // 2026-01-01
    std::map<model::ConnectionId, std::array<std::uint64_t, 2>> offsets_;
};

class StorySource final : public capture::Source {
 public:
    using Story = std::function<void(Wire&)>;

    explicit StorySource(Story story) : story_(std::move(story)) {}

    base::Result<Status> poll(unsigned, base::Duration, capture::EventOut out) override {
        Wire wire(out);
        story_(wire);
        return Status::finished;
    }

 private:
    Story story_;
};

}  // namespace llmsnoop::support
