#pragma once
// Rules that say for which model names an entry of the price table stands. Comparison ignores the case of ASCII
// letters, except in regular expressions. Immutable; any thread.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace llmsnoop::tokens {

// Of ASCII.
std::string lower_case(std::string_view text);

// A name to be matched, prepared once. Longer names are cut: no model's name is that long, and regular expressions are
// not to be given whatever comes off the wire.
class ModelName {
 public:
    static constexpr std::size_t kLongest = 256;

    explicit ModelName(std::string_view name);
    const std::string& as_sent() const { return as_sent_; }
    const std::string& lower() const { return lower_; }

 private:
    std::string as_sent_;
    std::string lower_;
};

class ModelMatch {
 public:
    enum class Text : std::uint8_t { equals, starts_with, ends_with, contains };
    enum class Group : std::uint8_t { any_of, all_of };

    static ModelMatch text(Text kind, std::string_view pattern);
    static ModelMatch group(Group kind, std::vector<ModelMatch> members);
    // ECMAScript syntax; matches anywhere in the name unless anchored. Fails if the expression is malformed.
    static base::Result<ModelMatch> regex(const std::string& expression);

    bool matches(const ModelName& name) const;

 private:
    struct Expression;  // a compiled regular expression
    enum class Kind : std::uint8_t { equals, starts_with, ends_with, contains, any_of, all_of, regex };

    Kind kind_ = Kind::equals;
    std::string pattern_;  // lower case
    std::vector<ModelMatch> members_;
    std::shared_ptr<const Expression> expression_;
};

}  // namespace llmsnoop::tokens
