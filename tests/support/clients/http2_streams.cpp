#include "tests/support/clients/http2_streams.h"

#include <algorithm>
#include <utility>

#include "agent/base/sha256.h"
#include "tests/support/net/compression.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kReadSize = 16384;
constexpr std::size_t kMaxDecoded = std::size_t{256} << 20;

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv field(const std::pair<std::string, std::string>& one) {
    const auto bytes = [](const std::string& word) {
        return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(word.data()));
    };
    return {bytes(one.first), bytes(one.second), one.first.size(), one.second.size(), NGHTTP2_NV_FLAG_NONE};
}

// The head of an HTTP/1.1 request as HTTP/2 says it (RFC 9113, section 8.3.1).
std::vector<std::pair<std::string, std::string>> fields_of(std::string_view head) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t target = line.find(' ') + 1;
    std::vector<std::pair<std::string, std::string>> fields{
        {":method", std::string(line.substr(0, target - 1))},
        {":scheme", "https"},
        {":authority", ""},
        {":path", std::string(line.substr(target, line.find(' ', target) - target))}};
    head.remove_prefix(line.size() + 2);
    while (!head.starts_with("\r\n")) {
        const std::string_view one = head.substr(0, head.find("\r\n"));
        const std::size_t colon = one.find(": ");
        std::string name(one.substr(0, colon));
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte; });
        const std::string value(one.substr(colon + 2));
        if (name == "host") {
            fields[2].second = value;
        } else {
            fields.emplace_back(std::move(name), value);
        }
        head.remove_prefix(one.size() + 2);
    }
    return fields;
}

}  // namespace

nghttp2_session_callbacks* Http2Streams::callbacks() {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
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
            if (Stream* stream = self(user).find(id)) stream->response += text(bytes, size);
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(made,
                                                         [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                                                             Stream* stream = self(user).find(frame->hd.stream_id);
                                                             if (stream != nullptr && frame->hd.type == NGHTTP2_DATA)
                                                                 self(user).data_frame(frame->hd.stream_id, *stream);
                                                             return 0;
                                                         });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
            self(user).closed(id, error);
            return 0;
        });
    return made;
}

Http2Streams::Http2Streams(Transport& transport, unsigned connection) : transport_(transport), connection_(connection) {
    nghttp2_session_callbacks* used = callbacks();
    nghttp2_session_client_new(&session_, used, this);
    nghttp2_session_callbacks_del(used);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
}

Http2Streams::~Http2Streams() {
    nghttp2_session_del(session_);
}

bool Http2Streams::add(const CallPlan& plan, std::string_view mark, std::uint64_t seed,
                       std::optional<unsigned> reset_after) {
    RequestText request = make_request(plan, mark, seed);
    Stream stream;
    stream.report.api = plan.api;
    stream.report.request_model = model_of(plan);
    stream.report.local_port = transport_.port();
    stream.report.connection = connection_;
    stream.report.exchange = ++added_;
    stream.report.stream = plan.stream;
    stream.report.request_bytes = request.body_bytes;
    stream.report.request_sha256 = base::sha256_hex(request.json);
    stream.request = std::move(request.body);
    stream.reset_after = reset_after;
    stream.began = Clock::now();

    const auto texts = fields_of(request.head);
    std::vector<nghttp2_nv> fields;
    fields.reserve(texts.size());
    for (const auto& one : texts)
        fields.push_back(field(one));
    nghttp2_data_provider provider{};
    provider.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source*, void* user) -> ssize_t {
        Stream* one = self(user).find(id);
        if (one == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        const std::size_t part = std::min(size, one->request.size() - one->sent);
        std::copy_n(one->request.data() + one->sent, part, into);
        one->sent += part;
        if (one->sent == one->request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(part);
    };
    const std::int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &provider, nullptr);
    if (id < 0) return false;
    open_.emplace(id, std::move(stream));
    return true;
}

bool Http2Streams::run() {
    char block[kReadSize];
    while (send() && !open_.empty()) {
        const std::size_t got = transport_.read(block, sizeof block);
        if (got == 0) return false;
        if (nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(block), got) < 0) return false;
    }
    return open_.empty();
}

// All frames that are ready go out in one write.
bool Http2Streams::send() {
    std::string out;
    for (;;) {
        const std::uint8_t* bytes = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
        if (size < 0) return false;
        if (size == 0) break;
        out += text(bytes, static_cast<std::size_t>(size));
    }
    return out.empty() || transport_.write(out);
}

void Http2Streams::say_goodbye() {
    nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
    send();
}

Http2Streams::Stream* Http2Streams::find(std::int32_t id) {
    const auto at = open_.find(id);
    return at == open_.end() ? nullptr : &at->second;
}

void Http2Streams::header(Stream& stream, std::string_view name, std::string_view value) {
    if (name == ":status") stream.report.status = std::stoi(std::string(value));
    if (name == "content-encoding") stream.encoding = value;
}

void Http2Streams::data_frame(std::int32_t id, Stream& stream) {
    if (stream.data_frames == 0)
        stream.report.first_milliseconds =
            std::chrono::duration<double, std::milli>(Clock::now() - stream.began).count();
    if (++stream.data_frames == stream.reset_after)
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

void Http2Streams::closed(std::int32_t id, std::uint32_t error) {
    const auto at = open_.find(id);
    if (at == open_.end()) return;
    Stream& stream = at->second;
    ExchangeReport& report = stream.report;
    report.whole = error == NGHTTP2_NO_ERROR;
    const Coding coding = coding_named(stream.encoding).value_or(Coding::identity);
    const Decompressed body = decompress(coding, stream.response, kMaxDecoded);
    report.facts = read_answer(body.bytes);
    report.response_bytes = stream.response.size();
    report.response_sha256 = base::sha256_hex(body.bytes);
    report.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - stream.began).count();
    over_.emplace(id, std::move(report));
    open_.erase(at);
}

std::vector<ExchangeReport> Http2Streams::take_reports() {
    std::vector<ExchangeReport> reports;
    for (auto& [id, report] : std::exchange(over_, {}))
        reports.push_back(std::move(report));
    return reports;
}

}  // namespace llmsnoop::support
