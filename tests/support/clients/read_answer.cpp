#include <nlohmann/json.hpp>

#include "tests/support/clients/model_call.h"

namespace llmsnoop::support {
namespace {

using nlohmann::json;
using Count = std::optional<std::uint64_t>;

const json& member(const json& object, const char* name) {
    static const json kAbsent;
    if (!object.is_object()) return kAbsent;
    const auto found = object.find(name);
    return found == object.end() ? kAbsent : *found;
}

void set(Count& count, const json& value) {
    if (value.is_number_unsigned()) count = value.get<std::uint64_t>();
}

void set(std::string& text, const json& value) {
    if (value.is_string()) text = value.get<std::string>();
}

// The counts as the wire has them; Anthropic's may come in two instalments, of which the later wins field by field.
struct WireUsage {
    Count input;
    Count output;
    Count cache_read;
    Count cache_write;
    Count reasoning;
    bool disjoint = false;  // Anthropic: the three input counts do not overlap

    void take(const json& usage) {
        for (const char* name : {"prompt_tokens", "input_tokens"})
            set(input, member(usage, name));
        for (const char* name : {"completion_tokens", "output_tokens"})
            set(output, member(usage, name));
        for (const char* name : {"prompt_tokens_details", "input_tokens_details"}) {
            set(cache_read, member(member(usage, name), "cached_tokens"));
            set(cache_write, member(member(usage, name), "cache_write_tokens"));
        }
        for (const char* name : {"completion_tokens_details", "output_tokens_details"}) {
            set(reasoning, member(member(usage, name), "reasoning_tokens"));
            set(reasoning, member(member(usage, name), "thinking_tokens"));
        }
        disjoint = disjoint || usage.contains("cache_read_input_tokens");
        set(cache_read, member(usage, "cache_read_input_tokens"));
        set(cache_write, member(usage, "cache_creation_input_tokens"));
    }
};

class AnswerReader {
 public:
    void take(std::string_view text) {
        const json document = json::parse(text, nullptr, false);
        if (!document.is_object()) return;
        // The document itself, or what an event of Anthropic or the Responses API wraps.
        for (const json* object : {&document, &member(document, "message"), &member(document, "response")}) {
            if (!object->is_object()) continue;
            if (facts_.id.empty()) set(facts_.id, member(*object, "id"));
            if (facts_.model.empty()) set(facts_.model, member(*object, "model"));
            if (member(*object, "usage").is_object()) usage_.take(member(*object, "usage"));
            const json& error = member(*object, "error");
            set(facts_.error_type, member(error, "type"));
            set(facts_.error_type, member(error, "code"));
            set(facts_.error_type, member(error, "type"));
        }
    }

    AnswerFacts finish(std::size_t events) {
        facts_.events = events;
        facts_.input = usage_.input;
        if (usage_.disjoint && facts_.input)
            *facts_.input += usage_.cache_read.value_or(0) + usage_.cache_write.value_or(0);
        facts_.output = usage_.output;
        facts_.cache_read = usage_.cache_read;
        facts_.cache_write = usage_.cache_write;
        facts_.reasoning = usage_.reasoning;
        return facts_;
    }

 private:
    AnswerFacts facts_;
    WireUsage usage_;
};

}  // namespace

AnswerFacts read_answer(std::string_view body) {
    AnswerReader reader;
    if (!body.starts_with("data:") && !body.starts_with("event:")) {
        reader.take(body);
        return reader.finish(0);
    }
    std::size_t events = 0;
    while (!body.empty()) {
        const std::size_t end = body.find("\n\n");
        const std::string_view event = body.substr(0, end);
        body = end == std::string_view::npos ? std::string_view() : body.substr(end + 2);
        const std::size_t data = event.starts_with("data: ") ? 0 : event.find("\ndata: ");
        if (data == std::string_view::npos) continue;
        ++events;
        // Parsing every delta would make the client slower than the server. In JSON strings quotes are escaped, so
        // these marks are never part of a text.
        const bool matters = events == 1 || event.find(R"("usage":{)") != std::string_view::npos ||
                             event.find(R"("error":{)") != std::string_view::npos;
        if (matters) reader.take(event.substr(event.find('{', data)));
    }
    return reader.finish(events);
}

}  // namespace llmsnoop::support
