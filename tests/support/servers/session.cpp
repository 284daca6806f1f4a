#include "tests/support/servers/session.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>

#include "agent/base/sha256.h"
#include "tests/support/net/socket.h"
#include "tests/support/net/wording.h"
#include "tests/support/servers/dialects.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kExchangesPerPage = 20'000;
constexpr std::size_t kBulkWrite = 16384;

// Gateways put prefixes before the APIs' paths, so the end decides.
std::optional<Api> api_of(const HttpRequest& request, std::string_view path) {
    if (request.method != "POST") return std::nullopt;
    if (path.ends_with("/chat/completions")) return Api::openai_chat;
    if (path.ends_with("/v1/responses")) return Api::openai_responses;
    if (path.ends_with("/v1/embeddings")) return Api::openai_embeddings;
    if (path.ends_with("/v1/messages")) return Api::anthropic_messages;
    return std::nullopt;
}

Coding negotiated(std::string_view accepted) {
    for (const std::string_view name : {"br", "zstd", "gzip", "deflate"})
        if (accepted.find(name) != std::string_view::npos) return *coding_named(name);
    return Coding::identity;
}

// What a reader knows after `sent.pieces` pieces.
Truth truth_of(const Answer& answer, const SentBody& sent) {
    Truth truth = answer.truth;
    if (sent.whole) return truth;
    if (sent.pieces <= answer.finish_piece) {
        truth.finish_reasons.clear();
        truth.tool_calls.clear();
    }
    if (answer.counts_piece == Answer::kNever || sent.pieces <= answer.counts_piece)
        truth.counts = truth.stream && sent.pieces > 0 ? truth.first_counts : TokenCounts{};
    if (sent.pieces == 0 || !truth.stream) {
        truth.id.clear();
        truth.model.clear();
    }
    return truth;
}

std::string_view sent_part(const Answer& answer, const SentBody& sent) {
    if (sent.whole) return answer.body;
    return std::string_view(answer.body).substr(0, sent.pieces == 0 ? 0 : answer.piece_ends[sent.pieces - 1]);
}

// 65536, 64K, 8M, 1G
std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc()) return std::nullopt;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (unit.empty()) return value;
    if (unit == "K") return value << 10;
    if (unit == "M") return value << 20;
    if (unit == "G") return value << 30;
    return std::nullopt;
}

}  // namespace

bool Session::serve() {
    HttpRequest request;
    for (;;) {
        switch (reader_.read(request)) {
            case ReadOutcome::closed:
                return true;
            case ReadOutcome::malformed:
                return writer_.send_plain(400, "text/plain", "malformed request\n", false);
            case ReadOutcome::too_large:
                return writer_.send_plain(413, "text/plain", "request too large\n", false);
            case ReadOutcome::request:
                break;
        }
        switch (answer(request)) {
            case Next::request:
                break;
            case Next::goodbye:
                return true;
            case Next::cut:
                return false;
        }
    }
}

Session::Next Session::answer(const HttpRequest& request) {
    const std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
    const auto api = api_of(request, path);
    if (!api) return answer_other(request, path);
    const auto target = parse_target(request.target);
    if (!target) return plain(request, 400, "text/plain", target.error().message + "\n");
    return answer_call(request, *api, *target);
}

Answer Session::make_answer(const HttpRequest& request, Api api, const AnswerOptions& options) {
    const std::uint64_t seed = options.seed ? *options.seed : seeds_++;
    const auto call_request = call_reader_.read(api, request.body);
    if (!call_request) return answer_error(api, 400, call_request.error().message, seed);
    if (options.error_status) {
        Answer refusal = answer_error(api, *options.error_status, "The request was refused, as asked.", seed);
        refusal.truth.request_model = call_request->model;
        return refusal;
    }
    const Call call{*call_request, options, request.body.size(), seed, std::time(nullptr)};
    switch (api) {
        case Api::openai_chat:
            return answer_openai_chat(call);
        case Api::openai_responses:
            return answer_openai_responses(call);
        case Api::openai_embeddings:
            return answer_openai_embeddings(call);
        case Api::anthropic_messages:
            return answer_anthropic_messages(call);
    }
    return {};
}

Session::Next Session::answer_call(const HttpRequest& request, Api api, const Target& target) {
    AnswerOptions options = target.options;
    if (options.negotiate) options.coding = negotiated(request.header("accept-encoding"));
    const Answer answer = make_answer(request, api, options);

    LedgerEntry entry;
    entry.truth = answer.truth;
    entry.status = answer.status;
    entry.client_port = peer_port(channel_.fd());
    entry.connection = number_;
    entry.path = target.path;
    entry.request_bytes = request.body_bytes;
    const bool hashed = ledger_.keep() == Ledger::Keep::exchanges;
    if (hashed) entry.request_body_sha256 = base::sha256_hex(request.body);
    const std::uint64_t number = ledger_.open(entry);

    const auto close = [&](const SentBody& sent) {
        entry.state = sent.whole ? ExchangeState::whole : ExchangeState::cut;
        entry.truth = truth_of(answer, sent);
        entry.response_bytes = sent.body_bytes;
        if (hashed) entry.response_body_sha256 = base::sha256_hex(sent_part(answer, sent));
        ledger_.close(number, entry);
    };
    const SentBody sent = writer_.send(answer, options, request.keep_alive, close);
    if (!sent.whole) {
        close(sent);
        return Next::cut;
    }
    return request.keep_alive && options.framing != Framing::until_close ? Next::request : Next::goodbye;
}

Session::Next Session::answer_other(const HttpRequest& request, std::string_view path) {
    const std::string_view query =
        std::string_view(request.target).substr(std::min(path.size() + 1, request.target.size()));
    if (path == "/stats") return plain(request, 200, "application/json", ledger_.stats_json());
    if (path == "/exchanges") {
        std::uint64_t since = 0;
        if (query.starts_with("since=")) since = parse_size(query.substr(6)).value_or(0);
        return plain(request, 200, "application/json", ledger_.exchanges_json(since, kExchangesPerPage));
    }
    if (path == "/healthz") return plain(request, 200, "text/plain", "ok\n");
    if (path == "/status/204") return plain(request, 204, "text/plain", "");
    if (path == "/status/304") return plain(request, 304, "text/plain", "");
    if (path.starts_with("/bulk/"))
        if (const auto size = parse_size(path.substr(6))) return send_bulk(*size);
    return plain(request, 404, "text/plain", "not found\n");
}

Session::Next Session::plain(const HttpRequest& request, int status, std::string_view content_type,
                             std::string_view body) {
    if (!writer_.send_plain(status, content_type, body, request.method == "HEAD")) return Next::cut;
    return request.keep_alive ? Next::request : Next::goodbye;
}

// A download that is no model's answer, in writes of one full TLS record.
Session::Next Session::send_bulk(std::uint64_t size) {
    static const std::string block = Wording(1).exactly(kBulkWrite);
    std::string head;
    append(head, "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ", size, "\r\n\r\n");
    if (!channel_.write(head)) return Next::cut;
    while (size > 0) {
        const std::size_t part = std::min<std::uint64_t>(size, block.size());
        if (!channel_.write(std::string_view(block).substr(0, part))) return Next::cut;
        size -= part;
    }
    return Next::request;
}

}  // namespace llmsnoop::support
