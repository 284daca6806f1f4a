#pragma once
// Runs a script (agent/capture/script_source.h) through the whole pipeline, from chunks to exchanges.
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/capture/script_source.h"
#include "agent/pipeline/engine.h"

namespace llmsnoop::pipeline {

// A source that plays a script and notes what the pipeline asks of it.
class NotingSource final : public capture::Source {
 public:
    explicit NotingSource(std::unique_ptr<Source> inner) : inner_(std::move(inner)) {}

    struct Mute {
        model::ConnectionId connection;
        model::Direction direction;
        std::optional<std::uint64_t> until;

        friend bool operator==(const Mute&, const Mute&) = default;
    };

    base::Result<Status> poll(unsigned shard, base::Duration wait, capture::EventOut out) override {
        return inner_->poll(shard, wait, out);
    }
    void mute(model::ConnectionId connection, model::Direction direction, std::optional<std::uint64_t> until) override {
        mutes.push_back({connection, direction, until});
    }
    void released(model::ConnectionId connection) override { closed.push_back(connection); }

    std::vector<Mute> mutes;
    std::vector<model::ConnectionId> closed;

 private:
    std::unique_ptr<Source> inner_;
};

// A word of a script.
inline std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '\r')
            out += "\\r";
        else if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out + "\"";
}

inline std::string request(const std::string& path, const std::string& body, const std::string& headers = "",
                           const std::string& host = "api.openai.com") {
    return "POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string response(const std::string& body, const std::string& type = "application/json") {
    return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

struct Outcome {
    std::vector<model::ExchangeStarted> started;
    std::vector<model::Exchange> finished;
    std::vector<NotingSource::Mute> mutes;
    std::vector<model::ConnectionId> closed;
    std::unique_ptr<model::LossCounters> losses = std::make_unique<model::LossCounters>();

    std::uint64_t lost(model::Loss loss) const { return losses->get(loss); }
};

inline Outcome run_script(const std::string& text, Settings settings = {}, const tokens::Pricing* pricing = nullptr) {
    Outcome out;
    auto script = capture::parse_script(text, "script");
    EXPECT_TRUE(script) << (script ? "" : script.error().message);
    if (!script) return out;
    NotingSource source(capture::play_script(std::move(*script)));
    attribution::ProcessTable processes(attribution::ProcessTable::Facts::from_events, *out.losses);
    Services services{settings,
                      source,
                      *out.losses,
                      processes,
                      {[&](model::ExchangeStarted one) { out.started.push_back(std::move(one)); },
                       [&](model::Exchange one) { out.finished.push_back(std::move(one)); }},
                      {},
                      {},
                      {},
                      pricing};
    Engine engine(services);
    EXPECT_TRUE(engine.run());
    out.mutes = source.mutes;
    out.closed = source.closed;
    return out;
}

}  // namespace llmsnoop::pipeline
