#include "agent/framing/json_lines_framer.h"

#include <cstring>

namespace llmsnoop::framing {

namespace {

base::Bytes trim(base::Bytes line) {
    const auto is_space = [](std::uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\r'; };
    while (!line.empty() && is_space(line.front()))
        line = line.subspan(1);
    while (!line.empty() && is_space(line.back()))
        line = line.first(line.size() - 1);
    return line;
}

void deliver(base::Bytes line, bool truncated, Outlet& out) {
    const base::Bytes document = trim(line);
    if (document.empty()) return;
    out.deliver(model::Frame::Kind::event, document, {.truncated = truncated});
}

}  // namespace

void JsonLinesFramer::feed(base::Bytes bytes, Outlet& out) {
    if (!mark_.passed()) {
        const base::Bytes text = mark_.pass(bytes);
        if (!text.empty()) hold(text, out);
    }
    while (!bytes.empty()) {
        const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
        if (found == nullptr) return hold(bytes, out);
        const auto length = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
        const base::Bytes rest = bytes.first(length);
        bytes = bytes.subspan(length + 1);
        if (skipping_) {
            skipping_ = false;
        } else if (line_.size() + rest.size() > limit_) {
            out.lost(model::Loss::frame_too_large);
        } else if (line_.empty()) {
            deliver(rest, false, out);
        } else {
            line_.append(rest);
            deliver(line_.view(), false, out);
        }
        line_.clear();
    }
}

void JsonLinesFramer::gap(Outlet& out) {
    mark_.abandon();
    if (!skipping_) skip_line(model::Loss::frame_cut, out);
}

void JsonLinesFramer::end(bool whole, Outlet& out) {
    if (!skipping_) deliver(line_.view(), !whole, out);
    line_.clear();
}

void JsonLinesFramer::hold(base::Bytes part, Outlet& out) {
    if (skipping_) return;
    if (line_.size() + part.size() > limit_) return skip_line(model::Loss::frame_too_large, out);
    line_.append(part);
}

void JsonLinesFramer::skip_line(model::Loss why, Outlet& out) {
    out.lost(why);
    skipping_ = true;
    line_.clear();
}

}  // namespace llmsnoop::framing
