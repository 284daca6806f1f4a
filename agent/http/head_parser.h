#pragma once
// Reads one complete HTTP/1 message head (RFC 9112 sections 2 to 6): what is reported of it, and what decides where its
// body ends. As lenient as real peers are: bare LF, folded lines, lines without a colon (passed over), white space
// before it.
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/http/limits.h"
#include "agent/http/start_line.h"
#include "agent/model/http_event.h"
#include "agent/model/loss.h"

namespace llmsnoop::http {

enum class TransferCoding : std::uint8_t { none, chunked, other };  // `other`: the last coding is not chunked
enum class LengthField : std::uint8_t { absent, valid, invalid };   // `invalid`: no number, or several that differ

struct ParsedHead {
    MessageKind kind = MessageKind::request;
    std::shared_ptr<model::MessageHead> head;
    TransferCoding transfer_coding = TransferCoding::none;
    LengthField length_field = LengthField::absent;
    std::uint64_t content_length = 0;
    bool asks_upgrade = false;  // has an Upgrade field
};

// `text` is a whole head, empty line included; nothing if its first line is no start line. Header fields beyond the
// limit of their number are not kept (and counted once), but still decide the framing.
std::optional<ParsedHead> parse_head(std::string_view text, const Limits& limits, model::LossCounters& losses);

}  // namespace llmsnoop::http
