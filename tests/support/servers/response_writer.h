#pragma once
// Puts an answer on the wire as its options ask: framing, content coding, pauses, odd write sizes, a sudden end.
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tests/support/servers/answer.h"
#include "tests/support/servers/answer_options.h"
#include "tests/support/servers/channel.h"

namespace llmsnoop::support {

class ResponseWriter {
 public:
    // Pauses end early once `stop` is set. Both must outlive the writer.
    ResponseWriter(Channel& channel, const std::atomic<bool>& stop) : channel_(channel), stop_(stop) {}

    // `before_end` is called just before the last bytes are written, so that whoever has read the whole answer finds it
    // accounted for. The result tells if that was too optimistic.
    SentBody send(const Answer& answer, const AnswerOptions& options, bool keep_alive,
                  const std::function<void(const SentBody&)>& before_end);

    // A document of no API: complete, with its length.
    bool send_plain(int status, std::string_view content_type, std::string_view body, bool head_only);

 private:
    void start(const Answer& answer, const AnswerOptions& options, bool keep_alive);
    void append_head(const Answer& answer, const AnswerOptions& options, bool keep_alive);
    bool send_pieces(const Answer& answer, const AnswerOptions& options);
    std::string_view encode(const Answer& answer, std::size_t piece);
    void frame(std::string_view bytes);
    bool flush(bool everything);
    void pause(unsigned microseconds) const;

    Channel& channel_;
    const std::atomic<bool>& stop_;
    std::string out_;  // to be written
    Framing framing_ = Framing::chunked;
    std::unique_ptr<Compressor> compressor_;  // of this answer; nullptr for identity
    std::string encoded_;                     // one piece, or the whole body where its length is needed first
    std::string tail_;                        // what ends the coding
    std::vector<std::size_t> encoded_ends_;
    std::size_t write_bytes_ = 0;
    SentBody sent_;
};

}  // namespace llmsnoop::support
