// Recognition: any head, any bodies. `interest` and `recognise` must agree, and names must be sound.
//
// Input: METHOD TARGET HOST, then headers ("name: value"), one a line, an empty line, and two bodies separated by the
// byte 0x1E.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/llm/limits.h"
#include "agent/llm/registry.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

std::string_view take(std::string_view& text, char end) {
    const std::size_t at = text.find(end);
    const std::string_view piece = text.substr(0, at);
    text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
    return piece;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace llmsnoop;
    std::string_view input(reinterpret_cast<const char*>(data), size);
    model::MessageHead head;
    std::string_view line = take(input, '\n');
    head.method = take(line, ' ');
    head.target = take(line, ' ');
    head.authority = line;
    head.lost = head.method == "lost";
    while (!(line = take(input, '\n')).empty()) {
        const std::string_view name = take(line, ':');
        head.headers.push_back({std::string(name), std::string(line.substr(std::min<std::size_t>(1, line.size())))});
    }
    const std::string_view request = take(input, '\x1e');

    model::LossCounters losses;
    llm::Clues clues;
    clues.request = &head;
    llm::Calls calls;
    const auto counted = llm::Batches::counted;
    const llm::Interest asked = llm::interest(head, counted);
    const llm::Interest without = llm::interest(head, llm::Batches::ignored);
    require(without == asked || without == llm::Interest::none);
    auto dialect = llm::recognise(clues, calls, losses, counted);
    // Where the body is to be asked, there may be a route for those that have none.
    if (asked == llm::Interest::sure) require(dialect != nullptr);
    if (asked == llm::Interest::none) require(dialect == nullptr);
    if (!dialect) {
        clues.request_body = base::as_bytes(request);
        clues.response_document = base::as_bytes(input);
        dialect = llm::recognise(clues, calls, losses, counted);
        if (asked == llm::Interest::none) require(dialect == nullptr);
    }
    if (!dialect) return 0;
    require(!calls.seed.dialect.empty() && !calls.seed.operation.empty());
    for (const char c : calls.seed.provider)
        require((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == ':');
    dialect->end({}, calls);
    calls.take_all(true);
    return 0;
}
