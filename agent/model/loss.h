#pragma once
// Every way in which a byte or a fact can get lost between the probe and the exporter, each with a name, the stage
// where it happens and a sentence for the reader of `llmsnoop_lost_total{stage,reason}`. Nothing is dropped without
// adding one here.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/base/counters.h"

namespace llmsnoop::model {

// X(name, stage, sentence)
#define LLMSNOOP_LOSSES(X)                                                                                        \
    X(ring_full, "kernel", "the ring buffer had no room for a record")                                            \
    X(user_page_unreadable, "kernel", "the bytes of a call lay on a page that could not be read without a fault") \
    X(call_limit, "kernel", "a single call moved more bytes than are captured of one call")                       \
    X(calls_full, "kernel", "the table of calls in flight had no room")                                           \
    X(connections_full, "kernel", "the table of connections had no room")                                         \
    X(calls_nested, "kernel", "TLS calls were nested deeper than is followed")                                    \
    X(call_unreturned, "kernel", "a TLS call whose return was not seen, so what it moved is unknown")             \
    X(moved_in_kernel, "kernel", "a call moved bytes that no buffer showed (sendfile, splice, io_uring)")         \
    X(process_record_lost, "kernel", "a process event found no room in the ring buffer")                          \
    X(connection_untied, "kernel", "a TLS record whose socket, and so its connection, is not known (rustls)")     \
    X(process_share, "kernel", "a call of a process that has more than its share of a ring buffer that fills up") \
    X(program_skipped, "kernel", "the kernel did not run a program because the same CPU was in the midst of it")  \
    X(record_size, "capture", "a record was shorter than its header says")                                        \
    X(record_version, "capture", "a record or tape has a version that this agent does not know")                  \
    X(record_kind, "capture", "a record of unknown kind")                                                         \
    X(packet_malformed, "capture", "a packet whose headers contradict its length")                                \
    X(packet_truncated, "capture", "a packet that was captured in part (snap length)")                            \
    X(packet_fragment, "capture", "an IP fragment, which is not reassembled")                                     \
    X(packet_link, "capture", "a packet on a link layer that is not understood")                                  \
    X(tape_damaged, "capture", "a tape ends inside a record or holds one that cannot be read")                    \
    X(server_name_unread, "capture", "a ClientHello, sent without a probe, whose server name could not be read")  \
    X(mmap_events_lost, "capture", "the kernel dropped notices of newly mapped libraries")                        \
    X(connection_unknown, "stream", "bytes of a connection that was never announced")                             \
    X(connection_limit, "stream", "a connection was given up because too many are open")                          \
    X(stream_gap, "stream", "bytes that are missing between two chunks of a stream")                              \
    X(late_chunk, "stream", "a chunk that arrived after its place in the stream had been given up")               \
    X(reorder_limit, "stream", "bytes that waited for a missing segment until the limit")                         \
    X(http_desync, "http", "bytes that are no HTTP where HTTP was expected")                                      \
    X(http_joined_late, "http", "the beginning of the connection was not seen, nor its header compression state") \
    X(http_head_limit, "http", "a message head or header list larger than the limit")                             \
    X(http_stream_limit, "http", "more concurrent exchanges on a connection than are followed")                   \
    X(http_unpaired, "http", "a response whose request was not seen")                                             \
    X(websocket_bad_frame, "http", "a WebSocket frame that breaks RFC 6455 or RFC 7692")                          \
    X(websocket_message_limit, "http", "a WebSocket message larger than the limit")                               \
    X(content_coding_unknown, "framing", "a content coding that is not understood")                               \
    X(content_coding_broken, "framing", "compressed bytes that do not decode")                                    \
    X(content_coding_limit, "framing", "a body that expands beyond the limit")                                    \
    X(memory_limit, "pipeline", "a body or message given up because all together would keep too much in memory")  \
    X(frame_too_large, "framing", "a document or event larger than the limit")                                    \
    X(frame_broken, "framing", "a frame whose checksum or length is wrong")                                       \
    X(frame_cut, "framing", "a document or event whose beginning or end is missing")                              \
    X(bad_json, "llm", "a document that is no JSON")                                                              \
    X(dialect_unknown, "llm", "a call to a model API in a dialect that is not understood")                        \
    X(usage_inconsistent, "tokens", "reported counts that do not add up by any known rule")                       \
    X(process_gone, "attribution", "a process that had ended before it could be looked up")                       \
    X(pod_unknown, "attribution", "a record that left without its pod's names, which did not come in time")       \
    X(pod_malformed, "attribution", "a pod or event of the API server that could not be read")                    \
    X(blind_limit, "blind", "a connection that is not checked for being a blind spot, because too many are")      \
    X(exchange_limit, "pipeline", "an exchange given up because too many are open")                               \
    X(queue_full, "exporters", "a record that a sink was too slow to take")                                       \
    X(sink_failed, "exporters", "a record that a sink could not write")                                           \
    X(label_limit, "exporters", "a label value folded into `other` because there were too many")                  \
    X(record_limit, "policy", "entries of a record beyond what one record may hold")

enum class Loss : std::uint8_t {
#define X(name, stage, sentence) name,
    LLMSNOOP_LOSSES(X)
#undef X
};

inline constexpr std::size_t kLossCount = 0
#define X(name, stage, sentence) +1
    LLMSNOOP_LOSSES(X)
#undef X
    ;

struct LossText {
    std::string_view name;
    std::string_view stage;
    std::string_view sentence;
};

const LossText& text_of(Loss loss);

using LossCounters = base::CounterArray<Loss, kLossCount>;

}  // namespace llmsnoop::model
