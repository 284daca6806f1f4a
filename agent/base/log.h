#pragma once
// The agent's own messages, one line each, on stderr. Never payload: only the types that `LogSafe` admits compile, and
// `Bytes` and `model::Content` are not among them. Strings must be names that the agent or its user chose (files, keys,
// hooks, hosts), not text that came off the wire.
//
//   error  the thing asked for did not happen; somebody has to act
//   warn   it happens with less than was asked for (a hook is missing, a limit was reached for the first time)
//   info   what an operator wants to see once: started, attached, stopped
//   debug  what a developer wants to see: decisions, counts, identifiers
//
// Control characters in a message are escaped (printable.h): a file that is named by somebody else cannot forge a line.
// Thread-safe: one write(2) per line. The level is process-wide.
#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace llmsnoop::base::log {

enum class Level { error, warn, info, debug };

void set_level(Level level);
bool enabled(Level level);
void write(Level level, std::string_view message);

// What may be logged: numbers, enums, and strings of our own.
template <typename T>
concept LogSafe = std::is_arithmetic_v<std::remove_cvref_t<T>> || std::is_enum_v<std::remove_cvref_t<T>> ||
                  std::same_as<std::remove_cvref_t<T>, std::string> || std::is_same_v < std::decay_t<T>,
const char* > || std::is_same_v<std::decay_t<T>, char*>;

template <LogSafe... In>
void print(Level level, fmt::format_string<In...> text, In&&... in) {
    if (enabled(level)) write(level, fmt::format(text, std::forward<In>(in)...));
}

template <LogSafe... In>
void error(fmt::format_string<In...> text, In&&... in) {
    print(Level::error, text, std::forward<In>(in)...);
}
template <LogSafe... In>
void warn(fmt::format_string<In...> text, In&&... in) {
    print(Level::warn, text, std::forward<In>(in)...);
}
template <LogSafe... In>
void info(fmt::format_string<In...> text, In&&... in) {
    print(Level::info, text, std::forward<In>(in)...);
}
template <LogSafe... In>
void debug(fmt::format_string<In...> text, In&&... in) {
    print(Level::debug, text, std::forward<In>(in)...);
}

}  // namespace llmsnoop::base::log
