// HTTP/2 connections: as http1_fuzz, but the client's preface comes first if the connection is seen from its start.
#include "tests/fuzz/http_conversation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace llmsnoop;
    fuzz::Conversation talk = fuzz::read_conversation(data, size);
    if (talk.from_start) {
        fuzz::Record preface;
        preface.bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        talk.records.insert(talk.records.begin(), preface);
    }
    fuzz::check(talk);
    return 0;
}
