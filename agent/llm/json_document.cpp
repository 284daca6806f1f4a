#include "agent/llm/json_document.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "agent/llm/json_repair.h"
#include "agent/llm/limits.h"

namespace llmsnoop::llm {

struct JsonDocument::Scratch {
    std::unique_ptr<char[]> text;
    std::size_t capacity = 0;
    simdjson::dom::parser parser;
    std::string repaired;

    void hold(std::string_view document) {
        if (document.size() > capacity || !text) {
            capacity = std::max<std::size_t>(std::bit_ceil(document.size()), 4096);
            text.reset(new char[capacity + simdjson::SIMDJSON_PADDING]);
        }
        if (!document.empty()) std::memcpy(text.get(), document.data(), document.size());
    }
    bool is_large() const { return capacity > limits::kScratchBytes || repaired.capacity() > limits::kScratchBytes; }
};

struct JsonDocument::Pool {
    std::vector<std::unique_ptr<Scratch>> spare;

    static Pool& of_this_thread() {
        static thread_local Pool pool;
        return pool;
    }
    std::unique_ptr<Scratch> take() {
        if (spare.empty()) return std::make_unique<Scratch>();
        auto one = std::move(spare.back());
        spare.pop_back();
        return one;
    }
    void put(std::unique_ptr<Scratch> one) {
        if (!one->is_large() && spare.size() < limits::kScratchObjects) spare.push_back(std::move(one));
    }
};

namespace {

// A document of nothing but brackets and commas needs many times its own size while it is parsed.
bool is_reasonable(std::string_view text) {
    if (text.size() > limits::kDocumentBytes) return false;
    if (text.size() <= limits::kStructuralsUncounted) return true;
    // In blocks of a fixed size, which compilers turn into vector instructions.
    constexpr std::size_t kBlock = 128;
    const auto is_structural = [](char c) { return c == ',' || c == '[' || c == '{'; };
    std::size_t count = 0;
    while (text.size() >= kBlock && count <= limits::kStructurals) {
        std::uint8_t here = 0;
        for (std::size_t i = 0; i < kBlock; ++i)
            here = static_cast<std::uint8_t>(here + static_cast<std::uint8_t>(is_structural(text[i])));
        count += here;
        text.remove_prefix(kBlock);
    }
    count += static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_structural));
    return count <= limits::kStructurals;
}

}  // namespace

JsonDocument::JsonDocument() : scratch_(Pool::of_this_thread().take()) {}

JsonDocument::~JsonDocument() {
    Pool::of_this_thread().put(std::move(scratch_));
}

Json JsonDocument::parse_strictly(std::string_view text) {
    scratch_->hold(text);
    simdjson::dom::element root;
    if (scratch_->parser.parse(scratch_->text.get(), text.size(), false).get(root) != simdjson::SUCCESS) return {};
    return Json(std::bit_cast<Json::Handle>(root));
}

Json JsonDocument::parse(std::string_view text, Ending ending) {
    repaired_ = false;
    damaged_ = true;
    unclosed_ = false;
    if (!is_reasonable(text)) return {};
    if (ending == Ending::whole) {
        if (const Json value = parse_strictly(text); value.kind() != Json::Kind::missing) {
            damaged_ = false;
            return value;
        }
    }
    scratch_->repaired.clear();
    const Repaired repaired = repair_json(text, scratch_->repaired);
    if (repaired == Repaired::not_at_all) return {};
    repaired_ = true;
    const Json value = parse_strictly(scratch_->repaired);
    damaged_ = repaired != Repaired::wholly || value.kind() == Json::Kind::missing;
    unclosed_ = repaired == Repaired::unclosed && value.kind() != Json::Kind::missing;
    return value;
}

}  // namespace llmsnoop::llm
