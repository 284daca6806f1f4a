// The whole way, from what a source delivers to records (agent/pipeline): chunks, gaps, ends and closes of up to four
// connections at a time, as tests/fuzz/pipeline_script.h reads them.
//   - every exchange is delivered once, and one that was announced is delivered;
//   - how the bytes are cut into chunks makes no difference on connections seen from their start (where nobody waits so
//     long that the clock ends a wait, for that may be in the middle of a message or not);
//   - where bytes are taken away from a conversation in which nothing was lost, a record that is called complete is one
//     that the whole conversation gives too;
//   - memory in use stays within a bound that does not depend on the input.
#include <sanitizer/allocator_interface.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/fuzz/pipeline_script.h"

namespace {

using namespace llmsnoop;
using fuzz::Outcome;
using fuzz::Script;
using fuzz::Step;

constexpr std::size_t kMemory = 256U << 20;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

void check_delivery(const Outcome& outcome) {
    std::set<std::string> ids;
    for (const model::Exchange& one : outcome.finished)
        require(ids.insert(one.id).second, "every exchange is delivered once");
    std::set<std::string> announced;
    for (const std::string& id : outcome.started) {
        require(announced.insert(id).second, "every exchange is announced once");
        require(ids.count(id) == 1, "what was announced is delivered");
    }
}

void show(const char* run, const Outcome& outcome) {
    for (const model::Exchange& one : outcome.finished) {
        std::fprintf(stderr, "%s: %s %s %s, bodies of %llu and %llu, %s\n", run, one.id.c_str(),
                     one.llm.dialect.c_str(), one.llm.response_id.c_str(),
                     static_cast<unsigned long long>(one.http.request_bytes),
                     static_cast<unsigned long long>(one.http.response_bytes),
                     std::string(model::name_of(one.completeness)).c_str());
    }
}

void show_difference(const Outcome& whole, const Outcome& other) {
    show("whole", whole);
    show("other", other);
}

// Is it the same call with the same bytes? Which number it has on its connection, and whether its answer was counted
// before, may depend on what else was seen.
bool same_call(const model::Exchange& a, const model::Exchange& b) {
    return a.http == b.http && a.llm == b.llm && a.timing == b.timing;
}

void check_loss(const Script& script, const Outcome& whole, std::size_t which) {
    const auto complete = [](const model::Exchange& one) { return one.completeness == model::Completeness::complete; };
    if (whole.losses != 0 || whole.finished.empty() ||
        !std::all_of(whole.finished.begin(), whole.finished.end(), complete))
        return;
    std::vector<std::size_t> pieces;
    for (std::size_t i = 0; i < script.steps.size(); ++i) {
        if (script.steps[i].kind == Step::Kind::bytes && !script.steps[i].bytes.empty()) pieces.push_back(i);
    }
    if (pieces.empty()) return;
    Script lossy = script;
    Step& lost = lossy.steps[pieces[which % pieces.size()]];
    lost.kind = Step::Kind::gap;
    lost.number = lost.bytes.size();
    const Outcome rest = fuzz::play(lossy, SIZE_MAX);
    for (const model::Exchange& one : rest.finished) {
        const bool known = std::any_of(whole.finished.begin(), whole.finished.end(),
                                       [&](const model::Exchange& other) { return same_call(one, other); });
        if (complete(one) && !known) show_difference(whole, rest);
        require(!complete(one) || known, "what is called complete lacks nothing");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t before = __sanitizer_get_current_allocated_bytes();
    const Script script = fuzz::read_script(data, size);
    const Outcome whole = fuzz::play(script, SIZE_MAX, [&] {
        require(__sanitizer_get_current_allocated_bytes() <= before + kMemory, "memory is bounded");
    });
    check_delivery(whole);
    const auto long_wait = [](const Step& step) { return step.long_wait(); };
    if (!script.from_start || std::any_of(script.steps.begin(), script.steps.end(), long_wait)) return 0;
    for (const std::size_t cut : {std::size_t{1}, 2 + size % 61}) {
        const Outcome other = fuzz::play(script, cut);
        if (other.finished != whole.finished) show_difference(whole, other);
        require(other.finished == whole.finished, "the records do not depend on the cut");
    }
    check_loss(script, whole, data[size / 2]);
    return 0;
}
