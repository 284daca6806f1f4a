#pragma once
// A value that the policy gate has let out. Sinks accept nothing else, and only the gate can make one.
#include <utility>

namespace llmsnoop::policy {
class Gate;
}

namespace llmsnoop::model {

template <typename T>
class Cleared {
 public:
    const T& operator*() const { return value_; }
    const T* operator->() const { return &value_; }

 private:
    friend class policy::Gate;
    explicit Cleared(T value) : value_(std::move(value)) {}

    T value_;
};

}  // namespace llmsnoop::model
