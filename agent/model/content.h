#pragma once
// Text that somebody wrote to a model or a model wrote back. A type of its own, without a formatter, so that it cannot
// be logged or labelled by accident: what leaves the agent passes through agent/policy.
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace llmsnoop::model {

class Content {
 public:
    Content() = default;
    explicit Content(std::string text) : text_(std::move(text)) {}
    explicit Content(std::string_view text) : text_(text) {}

    std::string_view view() const { return text_; }
    std::string& edit() { return text_; }
    std::size_t size() const { return text_.size(); }
    bool empty() const { return text_.empty(); }

    friend bool operator==(const Content&, const Content&) = default;

 private:
    std::string text_;
};

}  // namespace llmsnoop::model
