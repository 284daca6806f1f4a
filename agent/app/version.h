#pragma once
namespace llmsnoop::app {
inline constexpr const char* kVersion = LLMSNOOP_VERSION;
}
