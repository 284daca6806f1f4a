#pragma once
// What can fail once (opening a file, attaching a probe, reading a configuration) returns a Result.
// What can fail for every byte is counted as a `model::Loss` instead; exceptions stay above agent/app.
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace llmsnoop::base {

// What went wrong, in words fit for the user: it names the file, line, key or process concerned and never holds
// payload.
struct Error {
    enum class Kind { failed, usage, privilege, unsupported };

    std::string message;
    Kind kind = Kind::failed;
};

inline Error error(std::string message, Error::Kind kind = Error::Kind::failed) {
    return {std::move(message), kind};
}

// "what: strerror(code)"; `code` defaults to errno.
Error system_error(std::string what, int code);
Error system_error(std::string what);

// Either a value or an Error. Test with `if (result)`, then use `*result` or `result.error()`.
template <typename T>
class [[nodiscard]] Result {
 public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
    Result(Error failure)                                                  // NOLINT(google-explicit-constructor)
        : state_(std::in_place_index<1>, std::move(failure)) {}

    explicit operator bool() const { return state_.index() == 0; }
    T& operator*() { return std::get<0>(state_); }
    const T& operator*() const { return std::get<0>(state_); }
    T* operator->() { return &std::get<0>(state_); }
    const T* operator->() const { return &std::get<0>(state_); }
    const Error& error() const { return std::get<1>(state_); }

 private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
    Result() = default;
    Result(Error failure) : failure_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

    explicit operator bool() const { return !failure_; }
    const Error& error() const { return *failure_; }

 private:
    std::optional<Error> failure_;
};

}  // namespace llmsnoop::base
