#include "agent/framing/json_array_framer.h"

#include <algorithm>
#include <cstring>

namespace llmsnoop::framing {

namespace {

bool is_space(std::uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

bool ends_bare(std::uint8_t byte) {
    return byte == ',' || byte == ']' || is_space(byte);
}

void deliver(base::Bytes element, bool truncated, Outlet& out) {
    if (element.empty()) return;
    out.deliver(model::Frame::Kind::event, element, {.truncated = truncated});
}

}  // namespace

void JsonArrayFramer::feed(base::Bytes bytes, Outlet& out) {
    if (!mark_.passed()) {
        const base::Bytes text = mark_.pass(bytes);
        if (!text.empty()) {  // no JSON begins like this
            state_ = State::body;
            body_.feed(text, out);
        }
    }
    while (!bytes.empty())
        bytes = bytes.subspan(step(bytes, out));
}

void JsonArrayFramer::gap(Outlet& out) {
    mark_.abandon();
    if (state_ == State::finished) return;
    if (state_ == State::body) return body_.gap(out);
    const bool in_gap = state_ == State::in_line || state_ == State::at_line || state_ == State::at_comma;
    if (!in_gap && !skipping_) out.lost(model::Loss::frame_cut);
    state_ = State::in_line;
    skipping_ = false;
    element_.clear();
}

void JsonArrayFramer::end(bool whole, Outlet& out) {
    if (state_ == State::body) return body_.end(whole, out);
    if ((state_ == State::nested || state_ == State::bare) && !skipping_) deliver(element_.view(), true, out);
    state_ = State::finished;
}

std::size_t JsonArrayFramer::step(base::Bytes bytes, Outlet& out) {
    switch (state_) {
        case State::start:
            return start(bytes, out);
        case State::between:
            return between(bytes);
        case State::nested:
        case State::bare:
            return element(bytes, out);
        case State::body:
            body_.feed(bytes, out);
            return bytes.size();
        case State::in_line:
        case State::at_line:
        case State::at_comma:
            return resync(bytes);
        case State::finished:
            break;
    }
    return bytes.size();
}

std::size_t JsonArrayFramer::start(base::Bytes bytes, Outlet& out) {
    const std::uint8_t first = bytes.front();
    if (is_space(first)) return 1;
    if (first == '[') {
        state_ = State::between;
        return 1;
    }
    state_ = State::body;
    body_.feed(bytes, out);
    return bytes.size();
}

std::size_t JsonArrayFramer::between(base::Bytes bytes) {
    const std::uint8_t first = bytes.front();
    if (is_space(first) || first == ',') return 1;
    if (first == ']') {
        state_ = State::finished;
        return 1;
    }
    state_ = first == '{' || first == '[' || first == '"' ? State::nested : State::bare;
    nesting_ = {};
    return 0;
}

std::size_t JsonArrayFramer::element(base::Bytes bytes, Outlet& out) {
    std::size_t length = 0;
    bool done = false;
    if (state_ == State::nested) {
        length = nesting_.follow(bytes);
        done = nesting_.done();
    } else {
        length = static_cast<std::size_t>(std::find_if(bytes.begin(), bytes.end(), ends_bare) - bytes.begin());
        done = length < bytes.size();
    }
    const base::Bytes part = bytes.first(length);
    if (!skipping_ && element_.size() + part.size() > limit_) {
        out.lost(model::Loss::frame_too_large);
        skipping_ = true;
        element_.clear();
    }
    if (!done) {
        if (!skipping_) element_.append(part);
        return length;
    }
    if (!skipping_) {
        if (element_.empty()) {
            deliver(part, false, out);
        } else {
            element_.append(part);
            deliver(element_.view(), false, out);
        }
    }
    element_.clear();
    skipping_ = false;
    state_ = State::between;
    return length;
}

std::size_t JsonArrayFramer::resync(base::Bytes bytes) {
    const std::uint8_t first = bytes.front();
    if (state_ == State::in_line) {
        const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
        if (found == nullptr) return bytes.size();
        state_ = State::at_line;
        return static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data()) + 1;
    }
    if (first == '{') {
        state_ = State::nested;
        nesting_ = {};
        return 0;
    }
    if (state_ == State::at_line) {
        if (first == '\r' || first == '\n') return 1;
        state_ = first == ',' ? State::at_comma : State::in_line;
        return 1;
    }
    if (is_space(first)) return 1;
    state_ = State::in_line;
    return 0;
}

}  // namespace llmsnoop::framing
