#pragma once
// Every bound of this stage. What a record holds comes from the wire, so none of it has a natural size.
#include <cstddef>

namespace llmsnoop::policy {

// Bytes of one string.
inline constexpr std::size_t kNameBytes = 256;  // models, ids, tools, reasons, error types
inline constexpr std::size_t kMethodBytes = 32;
inline constexpr std::size_t kPathBytes = 2048;
inline constexpr std::size_t kLocalBytes = 4096;  // what the machine itself calls its processes and pods: PATH_MAX

// Entries of one list; what lies beyond is a Loss::record_limit.
inline constexpr std::size_t kFinishReasons = 256;
inline constexpr std::size_t kToolCalls = 1024;
inline constexpr std::size_t kUsageDetails = 64;
inline constexpr std::size_t kMessages = 4096;  // only where content leaves

// Text is read that much beyond a cut, so that a key which straddles it is still known as one.
inline constexpr std::size_t kKeyBytes = 1024;

}  // namespace llmsnoop::policy
