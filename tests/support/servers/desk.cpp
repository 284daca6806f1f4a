#include "tests/support/servers/desk.h"

#include <charconv>
#include <ctime>

#include "agent/base/sha256.h"
#include "tests/support/servers/dialects.h"

namespace llmsnoop::support {
namespace {

constexpr std::size_t kExchangesPerPage = 20'000;

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

}  // namespace

std::optional<Api> api_of(std::string_view method, std::string_view path) {
    if (method != "POST") return std::nullopt;
    if (path.ends_with("/chat/completions")) return Api::openai_chat;
    if (path.ends_with("/v1/responses")) return Api::openai_responses;
    if (path.ends_with("/v1/embeddings")) return Api::openai_embeddings;
    if (path.ends_with("/v1/messages")) return Api::anthropic_messages;
    return std::nullopt;
}

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

Answer Desk::make_answer(const HttpRequest& request, Api api, const AnswerOptions& options) {
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

OpenCall Desk::open(const HttpRequest& request, Api api, const Target& target) {
    OpenCall call;
    call.options = target.options;
    if (call.options.negotiate) call.options.coding = negotiated(request.header("accept-encoding"));
    call.answer = make_answer(request, api, call.options);
    call.entry.truth = call.answer.truth;
    call.entry.status = call.answer.status;
    call.entry.client_port = client_port_;
    call.entry.connection = connection_;
    call.entry.path = target.path;
    call.entry.request_bytes = request.body_bytes;
    if (ledger_.keep() == Ledger::Keep::exchanges) call.entry.request_body_sha256 = base::sha256_hex(request.body);
    call.number = ledger_.open(call.entry);
    return call;
}

void Desk::close(OpenCall& call, const SentBody& sent) {
    call.entry.state = sent.whole ? ExchangeState::whole : ExchangeState::cut;
    call.entry.truth = truth_of(call.answer, sent);
    call.entry.response_bytes = sent.body_bytes;
    if (ledger_.keep() == Ledger::Keep::exchanges)
        call.entry.response_body_sha256 = base::sha256_hex(sent_part(call.answer, sent));
    ledger_.close(call.number, call.entry);
}

Document Desk::document(std::string_view path, std::string_view query) const {
    if (path == "/stats") return {200, "application/json", ledger_.stats_json()};
    if (path == "/exchanges") {
        std::uint64_t since = 0;
        if (query.starts_with("since=")) since = parse_size(query.substr(6)).value_or(0);
        return {200, "application/json", ledger_.exchanges_json(since, kExchangesPerPage)};
    }
    if (path == "/healthz") return {200, "text/plain", "ok\n"};
    if (path == "/status/204") return {204, "text/plain", ""};
    if (path == "/status/304") return {304, "text/plain", ""};
    return {404, "text/plain", "not found\n"};
}

}  // namespace llmsnoop::support
