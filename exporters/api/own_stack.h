#pragma once
// Runs something on a thread of its own, and waits for it: on the usual stack of 8 MiB. The web server's threads have
// 100 KiB (civetweb's USE_STACK_SIZE, as Debian builds it), which recursion over a filter, and a data base, may exceed.
#include <future>
#include <system_error>

#include "agent/base/result.h"

namespace llmsnoop::exporters::api {

// `work` returns a base::Result; where no further thread is to be had, that is an error.
template <typename Work>
auto on_own_stack(const Work& work) -> decltype(work()) {
    std::future<decltype(work())> result;
    try {
        result = std::async(std::launch::async, [&work] { return work(); });
    } catch (const std::system_error&) {
        return base::error("there is no thread for it now");
    }
    return result.get();
}

}  // namespace llmsnoop::exporters::api
