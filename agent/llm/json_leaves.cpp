#include "agent/llm/json_leaves.h"

#include <algorithm>
#include <array>
#include <utility>

namespace llmsnoop::llm {
namespace {

constexpr std::size_t kDepth = 8;
constexpr std::size_t kMembers = 64;  // of one object

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

class Scanner {
 public:
    Scanner(std::string_view text, std::size_t limit) : text_(text), limit_(limit) {}

    std::vector<JsonLeaf> run() {
        if (!value()) return {};
        while (!open_.empty()) {
            if (!next()) return {};
        }
        skip_space();
        return at_ == text_.size() ? std::move(leaves_) : std::vector<JsonLeaf>{};
    }

 private:
    struct Open {
        bool object;
        std::size_t path;                     // length of the path above this container
        std::vector<std::string_view> names;  // of the members so far
    };

    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_]))
            ++at_;
    }
    bool eat(char c) {
        skip_space();
        if (peek() != c) return false;
        ++at_;
        return true;
    }

    // The body of the string that begins here, without quotes.
    bool string(std::string_view& body) {
        if (!eat('"')) return false;
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] != '"')
            at_ += text_[at_] == '\\' ? 2 : 1;
        if (at_ >= text_.size()) return false;
        body = text_.substr(begin, at_ - begin);
        ++at_;
        return true;
    }

    bool value() {
        skip_space();
        const char c = peek();
        if (c == '{' || c == '[') {
            if (open_.size() == kDepth) return false;
            ++at_;
            open_.push_back({c == '{', path_.size(), {}});
            fresh_ = true;
            return true;
        }
        JsonLeaf leaf{path_, 0, 0, c == '"'};
        if (leaf.is_string) {
            std::string_view body;
            if (!string(body)) return false;
            leaf.begin = static_cast<std::size_t>(body.data() - text_.data());
            leaf.length = body.size();
        } else {
            leaf.begin = at_;
            while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != ',' && text_[at_] != ']' &&
                   text_[at_] != '}')
                ++at_;
            leaf.length = at_ - leaf.begin;
            if (leaf.length == 0) return false;
        }
        leaves_.push_back(std::move(leaf));
        return leaves_.size() <= limit_;
    }

    // The next member or element of the innermost container, or its end.
    bool next() {
        Open& top = open_.back();
        const bool first = std::exchange(fresh_, false);
        if (eat(top.object ? '}' : ']')) {
            path_.resize(top.path);
            open_.pop_back();
            return true;
        }
        if (!first && !eat(',')) return false;
        path_.resize(top.path);
        if (!path_.empty()) path_.push_back('.');
        if (!top.object) {
            path_.push_back('#');
            return value();
        }
        std::string_view name;
        if (!string(name) || name.find('\\') != std::string_view::npos) return false;
        if (top.names.size() == kMembers) return false;
        if (std::find(top.names.begin(), top.names.end(), name) != top.names.end()) return false;
        top.names.push_back(name);
        path_.append(name);
        return eat(':') && value();
    }

    std::string_view text_;
    std::size_t limit_;
    std::size_t at_ = 0;
    bool fresh_ = false;
    std::string path_;
    std::vector<Open> open_;
    std::vector<JsonLeaf> leaves_;
};

}  // namespace

std::vector<JsonLeaf> json_leaves(std::string_view text, std::size_t limit) {
    return Scanner(text, limit).run();
}

}  // namespace llmsnoop::llm
