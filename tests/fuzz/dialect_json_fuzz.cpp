// The JSON readers under the dialects: whatever the text, its repair is JSON; the leaves of a text are where they are
// said to be; a template that matches gives what the parser would.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/llm/chunk_template.h"
#include "agent/llm/json_document.h"
#include "agent/llm/json_leaves.h"
#include "agent/llm/json_repair.h"

namespace {

using namespace llmsnoop::llm;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_repair(std::string_view text) {
    std::string repaired;
    if (repair_json(text, repaired) == Repaired::not_at_all) return;
    require(repaired.size() <= 6 * text.size() + 2);
    std::string again;
    require(repair_json(repaired, again) == Repaired::wholly && again == repaired);
    JsonDocument document;
    require(document.parse(text).kind() != Json::Kind::missing);
}

void check_leaves(std::string_view text) {
    for (const JsonLeaf& leaf : json_leaves(text)) {
        require(leaf.begin <= text.size() && leaf.length <= text.size() - leaf.begin);
        if (leaf.is_string)
            require(leaf.begin > 0 && text[leaf.begin - 1] == '"' && text[leaf.begin + leaf.length] == '"');
    }
}

// Two chunks: if the second matches the template of the first, then parsing it gives the same text, and everything else
// that can be read of the two is equal.
void check_template(std::string_view first, std::string_view second) {
    static constexpr std::array<std::string_view, 2> kUnread{"u", "a.#.u"};
    JsonDocument one;
    const Json before = one.parse(first);
    for (const std::string_view path : {"t", "a.#.t"}) {
        ChunkTemplate known;
        known.learn(first, path, kUnread);
        const auto text = known.match(second);
        if (!text || !before.is_object()) continue;
        JsonDocument two;
        const Json after = two.parse(second);
        require(after.is_object() && after.size() == before.size() && after["a"].size() == before["a"].size());
        bool found = path == "t" && after["t"].text() == *text;
        after["a"].each([&](Json element) { found = found || (path != "t" && element["t"].text() == *text); });
        require(found);
        for (const std::string_view name : {"x", "y"}) {
            std::string left;
            std::string right;
            require(before[name].write(left, 100000) && after[name].write(right, 100000));
            require(left == right);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check_repair(input);
    check_leaves(input);
    const std::size_t cut = input.find('\x1e');
    if (cut != std::string_view::npos) check_template(input.substr(0, cut), input.substr(cut + 1));
    return 0;
}
