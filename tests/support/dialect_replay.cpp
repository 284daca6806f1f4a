// Drives the dialects without the rest of the agent: reads recorded exchanges as JSON lines on stdin ({request,
// response}, as in the corpus of recorded exchanges), and prints for each a JSON line with the calls that were
// recognised, their usage resolved.
//
//   zcat exchanges.jsonl.gz | dialect_replay [--heads-lost] [--no-fast-path]
//
// --heads-lost: as if both message heads had been lost, so that only the bodies can tell the dialect.
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/framing/content_decoder.h"
#include "agent/framing/framer.h"
#include "agent/llm/json_dialect.h"
#include "agent/llm/registry.h"
#include "agent/tokens/resolver.h"

namespace {

using namespace llmsnoop;
using nlohmann::json;

struct Options {
    bool heads_lost = false;
    bool fast_path = true;
};

struct Message {
    model::MessageHead head;
    std::string body;  // decoded
};

std::string decode_base64(const std::string& text) {
    static const std::string kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const std::size_t value = kAlphabet.find(c);
        if (value == std::string::npos) continue;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        if ((held += 6) < 8) continue;
        held -= 8;
        out.push_back(static_cast<char>((bits >> held) & 0xFF));
    }
    return out;
}

std::string lower(std::string text) {
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

Message message_of(const json& part) {
    Message out;
    out.head.protocol = model::Protocol::http1;
    const bool decoded = part.value("body_state", "") == "decoded";
    std::string coding;
    if (part.contains("headers") && part["headers"].is_object()) {
        for (const auto& [name, values] : part["headers"].items()) {
            for (const json& value : values.is_array() ? values : json::array({values})) {
                const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
                if (lower(name) == "content-encoding") {
                    if (!decoded) coding = text;
                } else {
                    out.head.headers.push_back({lower(name), text});
                }
            }
        }
    }
    if (part.contains("body_base64") && part["body_base64"].is_string()) {
        out.body = decode_base64(part["body_base64"]);
    } else if (part.contains("body_utf8") && part["body_utf8"].is_string()) {
        out.body = part["body_utf8"].get<std::string>();
    }
    if (!coding.empty()) {
        framing::ContentDecoder decoder(coding);
        std::string plain;
        const auto keep = [&](base::Bytes bytes) { plain.append(base::as_text(bytes)); };
        decoder.feed(base::as_bytes(out.body), keep);
        decoder.end(true, keep);
        out.body = std::move(plain);
    }
    return out;
}

std::vector<model::Frame> frames_of(model::Part part, model::Framing framing, const Message& message, base::Time time,
                                    std::vector<std::string>& kept, model::LossCounters& losses) {
    std::vector<model::Frame> out;
    const auto type = model::header(message.head, "content-type").value_or(std::string_view{});
    framing::Framer framer(part, framing, type, losses);
    std::vector<std::pair<std::string, std::string>> texts;
    const auto keep = [&](const model::Frame& frame) {
        out.push_back(frame);
        texts.emplace_back(base::as_text(frame.document), frame.name);
        time += std::chrono::milliseconds(1);
        out.back().time = time;
    };
    framer.feed(time, base::as_bytes(message.body), keep);
    framer.end(time, true, keep);
    const std::size_t base = kept.size();
    for (auto& [document, name] : texts) {
        kept.push_back(std::move(document));
        kept.push_back(std::move(name));
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i].document = base::as_bytes(kept[base + 2 * i]);
        out[i].name = kept[base + 2 * i + 1];
    }
    return out;
}

json number_or_null(const model::Count& count) {
    return count ? json(*count) : json(nullptr);
}

json text_of(std::string_view text) {
    return std::string(text);
}

json printed(const llm::FinishedCall& finished, model::LossCounters& losses) {
    const model::LlmCall& call = finished.call;
    json out;
    json& one = out["llm"];
    one["provider"] = call.provider;
    one["dialect"] = call.dialect;
    one["operation"] = call.operation;
    if (!call.request_model.empty()) one["request_model"] = call.request_model;
    if (!call.response_model.empty()) one["response_model"] = call.response_model;
    if (!call.response_id.empty()) one["response_id"] = call.response_id;
    if (call.stream) one["stream"] = *call.stream;
    if (call.choices) one["choices"] = *call.choices;
    one["finish_reasons"] = call.finish_reasons;
    one["tool_calls"] = json::array();
    one["tool_arguments"] = json::array();
    for (const model::ToolCall& tool : call.tool_calls) {
        one["tool_calls"].push_back(tool.name);
        one["tool_arguments"].push_back(text_of(tool.arguments.view()));
    }
    if (call.error) {
        one["error"] = {
            {"type", call.error->type}, {"code", call.error->code}, {"message", text_of(call.error->message.view())}};
    }
    out["text"] = json::array();
    for (const model::Message& said : call.completion)
        out["text"].push_back(text_of(said.text.view()));
    out["reasoning"] = text_of(call.reasoning.view());
    out["prompt"] = json::array();
    for (const model::Message& asked : call.prompt)
        out["prompt"].push_back({asked.role, text_of(asked.text.view()), asked.other_parts});
    out["tool_definitions"] = call.tool_definitions.size();
    json& usage = out["usage"];
    usage["source"] = "none";
    if (call.reported && finished.counted) {
        const model::Usage counts = tokens::resolve(*call.reported, losses);
        usage["source"] = std::string(model::name_of(counts.source));
        if (!counts.adjusted_by.empty()) usage["adjusted_by"] = counts.adjusted_by;
        usage["input_tokens"] = number_or_null(counts.input);
        usage["output_tokens"] = number_or_null(counts.output);
        usage["cache_read_tokens"] = number_or_null(counts.cache_read);
        usage["cache_write_tokens"] = number_or_null(counts.cache_write);
        usage["reasoning_tokens"] = number_or_null(counts.reasoning);
        for (const auto& [name, value] : counts.details)
            usage["details"][name] = value;
        if (call.reported->cost_usd) out["cost"] = *call.reported->cost_usd;
    }
    out["completeness"] = finished.whole ? "complete" : "truncated";
    out["content_events"] = call.timing.first ? call.timing.gaps_us.size() + 1 : 0;
    return out;
}

bool is_websocket(const json& record) {
    return record.value("fidelity", "") == "ws-json-frames";
}

std::vector<llm::FinishedCall> replay(const json& record, const Options& options, model::LossCounters& losses) {
    Message request = message_of(record["request"]);
    Message response = message_of(record["response"]);
    request.head.method = record["request"].value("method", "POST");
    response.head.status = record["response"].contains("status") && record["response"]["status"].is_number()
                               ? record["response"]["status"].get<int>()
                               : 200;
    std::string url = record["request"].value("url", "");
    if (const std::size_t scheme = url.find("://"); scheme != std::string::npos) {
        url = url.substr(scheme + 3);
        const std::size_t slash = url.find_first_of("/?");
        request.head.authority = url.substr(0, slash);
        request.head.target = slash == std::string::npos ? "/" : url.substr(slash);
    } else {
        request.head.authority = "localhost";
        request.head.target = url.starts_with('/') ? url : "/" + url;
    }
    if (options.heads_lost) {
        request.head = {};
        request.head.lost = true;
        response.head.lost = true;
        response.head.headers.clear();
        response.head.status = 0;
    }
    std::vector<std::string> kept;
    kept.reserve(1U << 20);
    base::Time time{};
    std::vector<model::Frame> asked;
    std::vector<model::Frame> answered;
    if (is_websocket(record)) {
        if (!options.heads_lost) {
            request.head.method = "GET";
            request.head.headers.push_back({"upgrade", "websocket"});
            response.head.status = 101;
        }
        request.head.protocol = model::Protocol::websocket;
    } else {
        asked = frames_of(model::Part::request, model::Framing::automatic, request, time, kept, losses);
        answered = frames_of(model::Part::response, model::Framing::automatic, response, time, kept, losses);
    }

    llm::Calls calls;
    llm::Clues clues;
    clues.request = &request.head;
    clues.server_is_private = true;
    std::unique_ptr<llm::Dialect> dialect;
    if (llm::interest(request.head) == llm::Interest::none) return {};
    dialect = llm::recognise(clues, calls, losses);
    if (llm::interest(request.head) == llm::Interest::sure && !dialect) std::cerr << "sure, but not recognised\n";
    std::vector<std::pair<bool, std::string>> messages;
    if (is_websocket(record)) {
        std::string_view rest = response.body;
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            const std::string line(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (line.find_first_not_of(" \r") == std::string::npos) continue;
            const json frame = json::parse(line);
            const std::string who = frame["dir"];
            messages.emplace_back(who == "c2s" || who == "client" || who == "send",
                                  frame["data"].is_string() ? frame["data"].get<std::string>() : frame["data"].dump());
        }
        for (const auto& [client, text] : messages)
            (client ? clues.request_body : clues.response_document) = base::as_bytes(text);
    }
    if (!dialect) {
        if (!is_websocket(record)) clues.request_body = base::as_bytes(request.body);
        dialect = llm::recognise(clues, calls, losses);
    }
    if (!dialect) {
        clues.response = &response.head;
        if (!answered.empty()) clues.response_document = answered.front().document;
        dialect = llm::recognise(clues, calls, losses);
    }
    if (!dialect) return {};
    if (auto* one = dynamic_cast<llm::JsonDialect*>(dialect.get())) one->set_fast_path(options.fast_path);

    for (const model::Frame& frame : asked)
        dialect->request(frame, calls);
    dialect->response_head(response.head, calls);
    if (const model::Framing wanted = dialect->response_framing();
        wanted != model::Framing::automatic && !is_websocket(record)) {
        answered = frames_of(model::Part::response, wanted, response, time, kept, losses);
    }
    for (const model::Frame& frame : answered)
        dialect->response(frame, calls);
    for (const auto& [client, text] : messages) {
        model::Frame frame;
        frame.kind = model::Frame::Kind::message;
        frame.part = client ? model::Part::request : model::Part::response;
        frame.time = time += std::chrono::milliseconds(1);
        frame.document = base::as_bytes(text);
        client ? dialect->request(frame, calls) : dialect->response(frame, calls);
    }
    dialect->end(time, calls);
    return calls.take_all(true);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--heads-lost") options.heads_lost = true;
        if (option == "--no-fast-path") options.fast_path = false;
    }
    std::string line;
    while (std::getline(std::cin, line)) {
        model::LossCounters losses;
        json out = json::array();
        for (const llm::FinishedCall& call : replay(json::parse(line), options, losses))
            out.push_back(printed(call, losses));
        json lost = json::object();
        for (std::size_t i = 0; i < model::kLossCount; ++i) {
            const auto loss = static_cast<model::Loss>(i);
            if (losses.get(loss) > 0) lost[std::string(model::text_of(loss).name)] = losses.get(loss);
        }
        std::cout << json{{"calls", std::move(out)}, {"losses", std::move(lost)}}.dump(-1, ' ', false,
                                                                                       json::error_handler_t::replace)
                  << '\n';
    }
    return 0;
}
