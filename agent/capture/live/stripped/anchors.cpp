#include "agent/capture/live/stripped/anchors.h"

#include <algorithm>
#include <map>

namespace llmsnoop::capture::live::stripped {

namespace {

constexpr std::uint64_t kLongestFunction = 64U << 10;
constexpr unsigned kMaxStarts = 32;           // that are tried for one reference
constexpr std::size_t kMaxReferences = 4096;  // libssl's largest source file has some 300

}  // namespace

std::vector<std::uint64_t> find_anchors(const Image& image, std::string_view ending) {
    return image.texts_ending_in(ending, kMaxAnchors);
}

std::vector<Function> functions_naming(const Image& image, const Machine& machine, const FunctionStarts& starts,
                                       const std::vector<std::uint64_t>& anchors, Budget& budget) {
    std::vector<Machine::Reference> references;
    for (const Segment& one : image.segments()) {
        if (!one.executable) continue;
        machine.references(one, anchors, [&](Machine::Reference found) {
            if (references.size() < kMaxReferences) references.push_back(found);
        });
    }
    std::map<std::uint64_t, Function> walked;
    std::map<std::uint64_t, const Function*> naming;
    for (const Machine::Reference& one : references) {
        const std::uint64_t floor = one.first > kLongestFunction ? one.first - kLongestFunction : 0;
        auto start = starts.last_before(one.first, floor);
        for (unsigned i = 0; i < kMaxStarts && start; ++i) {
            auto at = walked.find(*start);
            if (at == walked.end())
                at = walked.emplace(*start, walk_function(image, machine, starts, *start, budget)).first;
            if (at->second.has_instruction_in(one.first, one.last)) {
                naming.emplace(*start, &at->second);
                break;
            }
            start = *start == 0 ? std::nullopt : starts.last_before(*start - 1, floor);
        }
    }
    std::vector<Function> out;
    out.reserve(naming.size());
    for (const auto& [start, function] : naming)
        out.push_back(*function);
    return out;
}

std::optional<std::size_t> anchor_argument(const Call& call, const std::vector<std::uint64_t>& anchors) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < kArguments; ++i) {
        const Value& one = call.arguments[i];
        if (one.kind != Value::Kind::constant || std::find(anchors.begin(), anchors.end(), one.bits) == anchors.end()) {
            continue;
        }
        if (found) return std::nullopt;
        found = i;
    }
    return found;
}

}  // namespace llmsnoop::capture::live::stripped
