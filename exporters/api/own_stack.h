#pragma once
// Runs something on a thread of its own, and waits for it: on the usual stack of 8 MiB. The web server's threads have
// 100 KiB (civetweb's USE_STACK_SIZE, as Debian builds it), which recursion over a filter, and a data base, may exceed.
//
// Where no further thread is to be had, it runs on the caller's.
#include <future>
#include <system_error>

namespace llmsnoop::exporters::api {

template <typename Work>
auto on_own_stack(const Work& work) -> decltype(work()) {
    std::future<decltype(work())> result;
    try {
        result = std::async(std::launch::async, [&work] { return work(); });
    } catch (const std::system_error&) {
        return work();
    }
    return result.get();
}

}  // namespace llmsnoop::exporters::api
