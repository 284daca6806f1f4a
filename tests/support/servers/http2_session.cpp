#include "tests/support/servers/http2_session.h"

#include <algorithm>
#include <vector>

namespace llmsnoop::support {
namespace {

constexpr std::size_t kReadSize = 16384;
constexpr std::uint32_t kStreamsAtOnce = 250;
constexpr int kForever = -1;

nghttp2_nv field(const std::string& name, const std::string& value) {
    const auto bytes = [](const std::string& text) {
        return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

nghttp2_session_callbacks* Http2Session::callbacks() {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            self(user).streams_.try_emplace(frame->hd.stream_id);
            return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                 const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
            if (Stream* stream = self(user).find(frame->hd.stream_id))
                self(user).header(*stream, text(name, name_size), text(value, value_size));
            return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        made,
        [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size, void* user) {
            if (Stream* stream = self(user).find(id)) stream->request.body += text(bytes, size);
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
            if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
            if (Stream* stream = self(user).find(frame->hd.stream_id)) self(user).answer(frame->hd.stream_id, *stream);
            return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
            self(user).closed(id, error);
            return 0;
        });
    // pad=N: padding hides how long an answer is, and must not count as part of it.
    nghttp2_session_callbacks_set_select_padding_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, std::size_t max, void* user) {
            const Stream* stream = self(user).find(frame->hd.stream_id);
            const std::size_t wanted = stream != nullptr && stream->call ? stream->call->options.padding : 0;
            return static_cast<ssize_t>(std::min(frame->hd.length + wanted, max));
        });
    return made;
}

Http2Session::Http2Session(Channel& channel, Desk& desk, const std::atomic<bool>& stop)
    : channel_(channel), desk_(desk), stop_(stop) {
    nghttp2_session_callbacks* used = callbacks();
    nghttp2_session_server_new(&session_, used, this);
    nghttp2_session_callbacks_del(used);
}

Http2Session::~Http2Session() {
    nghttp2_session_del(session_);
}

bool Http2Session::serve() {
    const nghttp2_settings_entry settings{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamsAtOnce};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &settings, 1);
    std::uint8_t block[kReadSize];
    bool good = true;
    while (good && !stop_) {
        // One frame, then a look at what the client says: a reset must be noticed in mid-stream.
        const Sent sent = send_frame();
        if (sent == Sent::failed) good = false;
        if (sent == Sent::done && nghttp2_session_want_read(session_) == 0) break;
        if (good && channel_.wait_readable(sent == Sent::frame ? 0 : wait_for())) {
            const std::size_t got = channel_.read(reinterpret_cast<char*>(block), sizeof block);
            if (got == 0) break;
            good = nghttp2_session_mem_recv(session_, block, got) >= 0;
        }
        resume_due();
    }
    for (auto& [id, stream] : streams_)
        if (stream.call && !stream.sent.whole) desk_.close(*stream.call, stream.sent);
    return good;
}

Http2Session::Sent Http2Session::send_frame() {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) return Sent::failed;
    if (size == 0) return Sent::done;
    return channel_.write(text(bytes, static_cast<std::size_t>(size))) ? Sent::frame : Sent::failed;
}

// Milliseconds until the first stream that waits is due.
int Http2Session::wait_for() const {
    std::optional<Clock::time_point> first;
    for (const auto& [id, stream] : streams_)
        if (stream.waiting && (!first || stream.due < *first)) first = stream.due;
    if (!first) return kForever;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*first - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void Http2Session::resume_due() {
    const auto now = Clock::now();
    for (auto& [id, stream] : streams_) {
        if (!stream.waiting || stream.due > now) continue;
        stream.waiting = false;
        nghttp2_session_resume_data(session_, id);
    }
}

Http2Session::Stream* Http2Session::find(std::int32_t id) {
    const auto at = streams_.find(id);
    return at == streams_.end() ? nullptr : &at->second;
}

void Http2Session::header(Stream& stream, std::string_view name, std::string_view value) {
    if (name == ":method") {
        stream.request.method = value;
    } else if (name == ":path") {
        stream.request.target = value;
    } else {
        stream.request.headers.emplace_back(name, value);
    }
}

void Http2Session::answer(std::int32_t id, Stream& stream) {
    if (stream.answered) return;
    stream.answered = true;
    HttpRequest& request = stream.request;
    request.body_bytes = request.body.size();
    const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
    const auto api = api_of(request.method, path);
    const auto target = api ? parse_target(request.target) : base::Result<Target>(Target{});
    if (!api || !target || !decode_body(request)) {
        const std::string_view query =
            std::string_view(request.target).substr(std::min(path.size() + 1, request.target.size()));
        Document document = api ? Document{400, "text/plain", "bad request\n"} : desk_.document(path, query);
        stream.document = std::move(document.body);
        return respond(id, document.status, {{"content-type", std::string(document.content_type)}});
    }
    stream.call = desk_.open(request, *api, *target);
    const OpenCall& call = *stream.call;
    stream.compressor = Compressor::create(call.options.coding);
    stream.due = Clock::now();
    std::vector<std::pair<std::string, std::string>> headers{{"content-type", std::string(call.answer.content_type)}};
    if (stream.compressor) headers.emplace_back("content-encoding", header_value(call.options.coding));
    if (!call.answer.truth.stream && !stream.compressor)
        headers.emplace_back("content-length", std::to_string(call.answer.body.size()));
    for (const auto& one : call.answer.headers)
        headers.push_back(one);
    respond(id, call.answer.status, headers);
    // goaway=1 (RFC 9113, section 6.8): no new streams, but those that are open go on to their ends.
    if (call.options.goaway)
        nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                              NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2Session::respond(std::int32_t id, int status,
                           const std::vector<std::pair<std::string, std::string>>& headers) {
    const std::string status_name = ":status";
    const std::string status_text = std::to_string(status);
    std::vector<nghttp2_nv> fields{field(status_name, status_text)};
    for (const auto& [name, value] : headers)
        fields.push_back(field(name, value));
    nghttp2_data_provider provider{};
    provider.read_callback = [](nghttp2_session*, std::int32_t stream_id, std::uint8_t* into, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source*, void* user) -> ssize_t {
        Stream* stream = self(user).find(stream_id);
        return stream == nullptr ? static_cast<ssize_t>(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE)
                                 : self(user).fill(*stream, into, size, flags);
    };
    nghttp2_submit_response(session_, id, fields.data(), fields.size(), &provider);
}

// Puts the next piece into `ready`. False when there is none any more.
bool Http2Session::encode_next(Stream& stream) {
    const Answer& answer = stream.call->answer;
    if (stream.next_piece == answer.pieces()) return false;
    stream.ready.clear();
    stream.position = 0;
    const bool last = stream.next_piece + 1 == answer.pieces();
    if (stream.compressor) {
        stream.compressor->add(answer.piece(stream.next_piece), last ? Flush::finish : Flush::sync, stream.ready);
    } else {
        stream.ready = answer.piece(stream.next_piece);
    }
    ++stream.next_piece;
    return true;
}

// At most one piece for each DATA frame, so that the pieces of several streams interleave.
ssize_t Http2Session::fill(Stream& stream, std::uint8_t* into, std::size_t size, std::uint32_t* flags) {
    if (!stream.call) {
        stream.ready.swap(stream.document);
    } else if (stream.position == stream.ready.size()) {
        const AnswerOptions& options = stream.call->options;
        if (options.die_after == stream.next_piece) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM
        if (options.gap_us > 0 && stream.next_piece < stream.call->answer.pieces()) {
            if (Clock::now() < stream.due) {
                stream.waiting = true;
                return NGHTTP2_ERR_DEFERRED;
            }
            stream.due = Clock::now() + std::chrono::microseconds(options.gap_us);
        }
        encode_next(stream);
    }
    const std::size_t part = std::min(size, stream.ready.size() - stream.position);
    std::copy_n(stream.ready.data() + stream.position, part, into);
    stream.position += part;
    stream.sent.body_bytes += part;
    if (stream.position < stream.ready.size()) {
        if (!stream.call) stream.document.swap(stream.ready);
        return static_cast<ssize_t>(part);
    }
    stream.sent.pieces = stream.next_piece;
    if (stream.call &&
        (stream.next_piece < stream.call->answer.pieces() || stream.call->options.die_after == stream.next_piece))
        return static_cast<ssize_t>(part);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    stream.sent.whole = true;
    // Before the frame is written, so that whoever has read the whole answer finds it accounted for.
    if (stream.call) desk_.close(*stream.call, stream.sent);
    return static_cast<ssize_t>(part);
}

void Http2Session::closed(std::int32_t id, std::uint32_t error) {
    const auto at = streams_.find(id);
    if (at == streams_.end()) return;
    Stream& stream = at->second;
    if (stream.call && (error != NGHTTP2_NO_ERROR || !stream.sent.whole)) {
        stream.sent.whole = false;
        desk_.close(*stream.call, stream.sent);
    }
    streams_.erase(at);
}

}  // namespace llmsnoop::support
