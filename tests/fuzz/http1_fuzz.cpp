// HTTP/1 connections with gaps, from the start or joined late: no crash, orderly events, the same in every cut.
#include "tests/fuzz/http_conversation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    llmsnoop::fuzz::check(llmsnoop::fuzz::read_conversation(data, size));
    return 0;
}
