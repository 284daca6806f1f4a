#include "exchange_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/llm/json_dialect.h"
#include "agent/llm/registry.h"

namespace llmsnoop::llm {
namespace {

using model::Frame;
using model::Framing;

std::string base64(std::string_view text) {
    static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = (bits << 8) | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            out.push_back(i + k <= text.size() ? kAlphabet[(bits >> (18 - 6 * k)) & 63] : '=');
    }
    return out;
}

struct Cut {
    Frame::Kind kind;
    std::string document;
    std::string name;
    bool exception = false;
};

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> out;
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

// WHATWG HTML section 9.2, as far as scripts need it.
std::vector<Cut> cut_sse(std::string_view body) {
    std::vector<Cut> out;
    Cut event{Frame::Kind::event, {}, {}};
    bool data = false;
    for (std::string line : lines_of(std::string(body) + "\n\n")) {
        if (line.ends_with('\r')) line.pop_back();
        if (line.empty()) {
            if (data) out.push_back(event);
            event = {Frame::Kind::event, {}, {}};
            data = false;
            continue;
        }
        const std::size_t colon = line.find(':');
        std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
        if (value.starts_with(' ')) value.erase(0, 1);
        if (line.starts_with("event:")) event.name = value;
        if (line.starts_with("data:")) {
            if (data) event.document += '\n';
            event.document += value;
            data = true;
        }
    }
    return out;
}

std::vector<Cut> cut_event_stream(std::string_view body) {
    std::vector<Cut> out;
    for (std::string line : lines_of(body)) {
        if (line.empty()) continue;
        Cut event{Frame::Kind::event, {}, {}};
        event.exception = line.starts_with('!');
        if (event.exception) line.erase(0, 1);
        const std::size_t space = line.find(' ');
        event.name = line.substr(0, space);
        event.document = line.substr(space + 1);
        if (event.document.starts_with("base64 "))
            event.document = "{\"bytes\":\"" + base64(event.document.substr(7)) + "\"}";
        out.push_back(event);
    }
    return out;
}

std::vector<Cut> cut(const model::MessageHead& head, std::string_view body, Framing framing) {
    const std::string type(model::header(head, "content-type").value_or(""));
    const auto is = [&](std::string_view part) { return type.find(part) != std::string::npos; };
    std::vector<Cut> out;
    if (body.empty()) return out;
    if (framing == Framing::sse || is("event-stream")) {
        out = cut_sse(body);
    } else if (is("amazon.eventstream")) {
        out = cut_event_stream(body);
    } else if (framing == Framing::json_lines || is("ndjson") || is("stream+json")) {
        for (const std::string& line : lines_of(body)) {
            if (!line.empty()) out.push_back({Frame::Kind::event, line, {}});
        }
    } else if (framing == Framing::json_array) {
        for (const auto& element : nlohmann::ordered_json::parse(body))
            out.push_back({Frame::Kind::event, element.dump(), {}});
    } else if (is("multipart")) {
        for (const std::string& line : lines_of(body)) {
            const std::size_t equals = line.find('=');
            if (equals != std::string::npos)
                out.push_back({Frame::Kind::field, line.substr(equals + 1), line.substr(0, equals)});
        }
    } else {
        out.push_back({Frame::Kind::body, std::string(body), {}});
    }
    return out;
}

class Runner {
 public:
    Runner(const Script& script, model::LossCounters& losses, FastPath fast_path)
        : script_(script), losses_(losses), fast_path_(fast_path) {}

    std::vector<FinishedCall> run() {
        const std::vector<Cut> asked = cut(script_.request, script_.request_body, Framing::automatic);
        std::vector<Cut> answered = cut(script_.response, script_.response_body, Framing::automatic);
        if (!recognise(answered)) return {};
        if (auto* json = dynamic_cast<JsonDialect*>(dialect_.get())) json->set_fast_path(fast_path_ == FastPath::on);
        for (const Cut& one : asked)
            dialect_->request(frame(model::Part::request, one), calls_);
        if (script_.answered) dialect_->response_head(script_.response, calls_);
        if (const Framing wanted = dialect_->response_framing(); wanted != Framing::automatic) {
            answered = cut(script_.response, script_.response_body, wanted);
        }
        for (const Cut& one : answered)
            dialect_->response(frame(model::Part::response, one), calls_);
        for (const auto& [who, text] : script_.messages) {
            const Cut message{Frame::Kind::message, text, {}};
            if (who == 'c') dialect_->request(frame(model::Part::request, message), calls_);
            if (who == 's') dialect_->response(frame(model::Part::response, message), calls_);
        }
        dialect_->end(time_, calls_);
        return calls_.take_all(true);
    }

 private:
    bool recognise(const std::vector<Cut>& answered) {
        if (interest(script_.request, Batches::counted) == Interest::none) return false;
        Clues clues;
        clues.request = &script_.request;
        dialect_ = llm::recognise(clues, calls_, losses_, Batches::counted);
        if (dialect_) return true;
        clues.request_body = base::as_bytes(script_.request_body);
        std::string from_client;
        std::string from_server;
        for (const auto& [who, text] : script_.messages) {
            if (who == 'c' && from_client.empty()) from_client = text;
            if (who == 's' && from_server.empty()) from_server = text;
        }
        if (!from_client.empty()) clues.request_body = base::as_bytes(from_client);
        dialect_ = llm::recognise(clues, calls_, losses_, Batches::counted);
        if (dialect_) return true;
        clues.response = &script_.response;
        if (!answered.empty()) clues.response_document = base::as_bytes(answered.front().document);
        if (!from_server.empty()) clues.response_document = base::as_bytes(from_server);
        dialect_ = llm::recognise(clues, calls_, losses_, Batches::counted);
        return dialect_ != nullptr;
    }

    Frame frame(model::Part part, const Cut& one) {
        Frame out;
        out.part = part;
        out.kind = one.kind;
        out.time = time_ += std::chrono::milliseconds(1);
        out.name = one.name;
        out.exception = one.exception;
        out.document = base::as_bytes(one.document);
        return out;
    }

    const Script& script_;
    model::LossCounters& losses_;
    FastPath fast_path_;
    Calls calls_;
    std::unique_ptr<Dialect> dialect_;
    base::Time time_{};
};

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : " ") + (word.empty() ? "-" : word);
    return out;
}

std::string_view name_of(model::UsageRule rule) {
    switch (rule) {
        case model::UsageRule::openai:
            return "openai";
        case model::UsageRule::anthropic:
            return "anthropic";
        case model::UsageRule::bedrock:
            return "bedrock";
        case model::UsageRule::gemini:
            return "gemini";
        case model::UsageRule::gemini_live:
            return "gemini_live";
        case model::UsageRule::cohere:
            return "cohere";
        case model::UsageRule::plain:
            return "plain";
    }
    return "?";
}

void add_count(std::string& out, std::string_view name, const model::Count& count) {
    if (count) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, *count);
}

std::string describe(const model::BilledPass& pass) {
    std::string out = pass.model;
    add_count(out, "input", pass.input);
    add_count(out, "output", pass.output);
    add_count(out, "cache read", pass.cache_read);
    add_count(out, "cache write", pass.cache_write);
    add_count(out, "for an hour", pass.cache_write_1h);
    return out;
}

std::string describe(const model::ReportedUsage& usage) {
    std::string out = fmt::format("rule {}", name_of(usage.rule));
    const auto add = [&](std::string_view name, const model::Count& count) { add_count(out, name, count); };
    add("input", usage.input);
    add("output", usage.output);
    add("total", usage.total);
    add("cache read", usage.cache_read);
    add("cache write", usage.cache_write);
    add("reasoning", usage.reasoning);
    add("input audio", usage.input_audio);
    add("input tool use", usage.input_tool_use);
    add("input image", usage.input_image);
    if (usage.cost_usd) out += fmt::format(", cost {}", *usage.cost_usd);
    return out;
}

class Description {
 public:
    std::string of(const FinishedCall& finished) {
        const model::LlmCall& call = finished.call;
        text("provider", call.provider);
        text("dialect", call.dialect);
        text("operation", call.operation);
        text("request model", call.request_model);
        text("response model", call.response_model);
        text("response id", call.response_id);
        text("service tier", call.service_tier);
        if (call.stream) line("stream", *call.stream ? "yes" : "no");
        if (call.choices) line("choices", std::to_string(*call.choices));
        text("finish", joined(call.finish_reasons));
        for (const model::Message& one : call.prompt)
            message("prompt", one);
        if (!call.tool_definitions.empty()) line("tools", call.tool_definitions.view());
        for (const model::Message& one : call.completion)
            message("answer", one);
        if (!call.reasoning.empty()) line("thinking", call.reasoning.view());
        for (const model::ToolCall& tool : call.tool_calls) {
            line("call", fmt::format("{}({}) {}", tool.name, std::string(tool.arguments.view()), tool.id));
        }
        if (call.error) {
            line("error", fmt::format("type '{}', code '{}': {}", call.error->type, call.error->code,
                                      std::string(call.error->message.view())));
        }
        if (call.reported) {
            line("usage", describe(*call.reported));
            for (const auto& [name, value] : call.reported->details)
                line("detail", fmt::format("{} {}", name, value));
            for (const model::BilledPass& pass : call.reported->passes)
                line("pass", describe(pass));
        }
        if (call.timing.first) {
            line("content", fmt::format("{} events, {} to {} ms", call.timing.gaps_us.size() + 1,
                                        ms(*call.timing.first), ms(*call.timing.last)));
        }
        if (finished.started) line("turn", fmt::format("from {} ms", ms(*finished.started)));
        if (finished.ended) line("turn", fmt::format("to {} ms", ms(*finished.ended)));
        if (!finished.whole) line("whole", "no");
        if (!finished.counted) line("counted", "no");
        if (finished.documents != model::Completeness::complete) line("documents", model::name_of(finished.documents));
        if (call.prompt_cut) line("prompt", "cut");
        if (call.completion_cut) line("answer", "cut");
        return out_;
    }

 private:
    static long long ms(base::Time time) { return base::unix_ns(time) / 1000000; }
    void line(std::string_view name, std::string_view value) { out_ += fmt::format("{}: {}\n", name, escaped(value)); }
    void text(std::string_view name, std::string_view value) {
        if (!value.empty()) line(name, value);
    }
    void message(std::string_view name, const model::Message& one) {
        std::string value = fmt::format("{}: {}", one.role, std::string(one.text.view()));
        if (one.other_parts > 0) value += fmt::format(" (+{} other)", one.other_parts);
        line(name, value);
    }

    std::string out_;
};

}  // namespace

Script parse_script(std::string_view text) {
    Script out;
    enum class In : std::uint8_t { nothing, request, response } in = In::nothing;
    std::string line;
    for (const std::string& piece : lines_of(text)) {
        const std::size_t begin = line.empty() ? 0 : std::min(piece.find_first_not_of(' '), piece.size());
        line += piece.substr(begin);
        if (line.ends_with(" \\")) {
            line.resize(line.size() - 2);
            continue;
        }
        const auto head = [&](model::MessageHead& message, bool first) {
            const std::string value = line.substr(2);
            if (value == "lost") {
                message.lost = true;
            } else if (first) {
                const std::size_t space = value.find(' ');
                if (&message == &out.request) {
                    message.method = value.substr(0, space);
                    message.target = value.substr(space + 1);
                } else {
                    message.status = std::stoi(value);
                }
            } else {
                const std::size_t colon = value.find(": ");
                message.headers.push_back({value.substr(0, colon), value.substr(colon + 2)});
                if (message.headers.back().name == "host") message.authority = message.headers.back().value;
            }
        };
        if (line.starts_with("= ") || line == "=") {
            out.expected += line.size() > 2 ? line.substr(2) + "\n" : "\n";
        } else if (line.starts_with("> ")) {
            head(out.request, in == In::nothing);
            in = In::request;
        } else if (line.starts_with("< ")) {
            head(out.response, in != In::response);
            out.answered = true;
            in = In::response;
        } else if ((line.starts_with("c {") || line.starts_with("s {"))) {
            out.messages.emplace_back(line[0], line.substr(2));
        } else if (!(in == In::nothing || (line.starts_with("# ") || line == "#"))) {
            std::string& body = in == In::request ? out.request_body : out.response_body;
            body += (line.starts_with('\\') ? line.substr(1) : line) + "\n";
        }
        line.clear();
    }
    const auto trim = [](std::string& body) {
        while (body.ends_with('\n'))
            body.pop_back();
    };
    trim(out.request_body);
    trim(out.response_body);
    return out;
}

std::vector<FinishedCall> run(const Script& script, model::LossCounters& losses, FastPath fast_path) {
    return Runner(script, losses, fast_path).run();
}

std::vector<FinishedCall> run(std::string_view text) {
    model::LossCounters losses;
    return run(parse_script(text), losses);
}

std::string describe(const std::vector<FinishedCall>& calls) {
    std::string out;
    for (const FinishedCall& call : calls) {
        if (!out.empty()) out += "\n";
        out += Description().of(call);
    }
    return out;
}

std::string describe_run(std::string_view text) {
    model::LossCounters losses;
    std::string out = describe(run(parse_script(text), losses));
    for (std::size_t i = 0; i < model::kLossCount; ++i) {
        const auto loss = static_cast<model::Loss>(i);
        if (losses.get(loss) > 0) out += fmt::format("loss: {} {}\n", model::text_of(loss).name, losses.get(loss));
    }
    return out;
}

}  // namespace llmsnoop::llm
