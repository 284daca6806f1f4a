// The parser of the filter language: recursive descent over a handful of tokens, with a bound on its depth.
#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <functional>
#include <queue>

#include "exporters/filter/filter.h"
#include "exporters/filter/record_fields.h"

namespace llmsnoop::exporters {

class FilterParser {
 public:
    explicit FilterParser(std::string_view text) : text_(text) { advance(); }

    base::Result<Filter> parse() {
        if (token_.kind == Token::Kind::end) return Filter();
        if (!parse_either(0)) return failure_;
        if (token_.kind != Token::Kind::end) {
            fail("&&, || or the end");
            return failure_;
        }
        filter_.text_ = text_;
        return std::move(filter_);
    }

 private:
    struct Token {
        enum class Kind { end, word, text, number, symbol, broken } kind = Kind::end;
        std::string text;
        std::size_t column = 0;
    };
    static constexpr unsigned kMaxDepth = 32;
    static constexpr std::size_t kMostConditions = 1024;

    void advance() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0)
            ++at_;
        token_ = {Token::Kind::end, "", at_ + 1};
        if (at_ == text_.size()) return;
        const char first = text_[at_];
        if (first == '"' || first == '\'') return read_text(first);
        if (std::isalpha(static_cast<unsigned char>(first)) != 0 || first == '_')
            return read_while(Token::Kind::word, "._/-");
        if (std::isdigit(static_cast<unsigned char>(first)) != 0 || first == '-')
            return read_while(Token::Kind::number, ".+-");
        for (const std::string_view symbol :
             {"&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "~", "(", ")", "[", "]", ","}) {
            if (text_.substr(at_, symbol.size()) != symbol) continue;
            token_.kind = Token::Kind::symbol;
            token_.text = symbol;
            at_ += symbol.size();
            return;
        }
        token_.kind = Token::Kind::broken;
        token_.text = text_.substr(at_, 1);
    }

    void read_while(Token::Kind kind, std::string_view also) {
        token_.kind = kind;
        while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                      also.find(text_[at_]) != std::string_view::npos)) {
            token_.text.push_back(text_[at_++]);
        }
    }

    // A backslash takes the next character as it is.
    void read_text(char quote) {
        token_.kind = Token::Kind::broken;
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] == quote) {
                ++at_;
                token_.kind = Token::Kind::text;
                return;
            }
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
            token_.text.push_back(text_[at_]);
        }
    }

    bool fail(std::string_view wanted) {
        const std::string found = token_.kind == Token::Kind::end ? "the end" : "'" + token_.text + "'";
        failure_ = base::error(fmt::format("filter, column {}: {} is wanted, found {}", token_.column, wanted, found),
                               base::Error::Kind::usage);
        return false;
    }

    bool is_symbol(std::string_view text) const { return token_.kind == Token::Kind::symbol && token_.text == text; }

    bool take(std::string_view symbol) {
        if (!is_symbol(symbol)) return false;
        advance();
        return true;
    }

    std::size_t last() const { return filter_.nodes_.size() - 1; }

    bool parse_either(unsigned depth) { return parse_chain("||", Filter::Kind::either, depth); }

    bool parse_chain(std::string_view symbol, Filter::Kind kind, unsigned depth) {
        const auto next = [&] {
            return kind == Filter::Kind::either ? parse_chain("&&", Filter::Kind::both, depth) : parse_term(depth);
        };
        if (!next()) return false;
        std::vector<std::size_t> operands{last()};
        while (take(symbol)) {
            if (!next()) return false;
            operands.push_back(last());
        }
        join(kind, operands);
        return true;
    }

    // As a tree that is no deeper than it must be, with the deeper side first: whoever follows it does so by recursion,
    // and a data base's parser keeps what stands to the left of an open bracket.
    void join(Filter::Kind kind, const std::vector<std::size_t>& operands) {
        using Part = std::pair<std::size_t, std::size_t>;  // height, index
        std::priority_queue<Part, std::vector<Part>, std::greater<>> parts;
        for (const std::size_t operand : operands)
            parts.emplace(heights_[operand], operand);
        while (parts.size() > 1) {
            Filter::Node node;
            node.kind = kind;
            node.right = parts.top().second;
            parts.pop();
            const auto [height, left] = parts.top();
            parts.pop();
            node.left = left;
            push(std::move(node), height + 1);
            parts.emplace(height + 1, last());
        }
    }

    void push(Filter::Node node, std::size_t height = 0) {
        filter_.nodes_.push_back(std::move(node));
        heights_.push_back(height);
    }

    bool parse_term(unsigned depth) {
        if (depth > kMaxDepth) return fail_as_too_deep();
        if (take("!")) return parse_term(depth + 1) && negate();
        if (take("(")) return parse_either(depth + 1) && (take(")") || fail("')'"));
        return parse_condition();
    }

    bool fail_as_too_deep() { return fail(fmt::format("no more than {} levels of brackets and negations", kMaxDepth)); }

    bool negate() {
        Filter::Node node;
        node.kind = Filter::Kind::negation;
        node.left = last();
        const std::size_t height = heights_[node.left] + 1;
        push(std::move(node), height);
        return true;
    }

    bool parse_condition() {
        if (token_.kind != Token::Kind::word) return fail("a field, has(...), ! or (");
        if (++conditions_ > kMostConditions)
            return fail(fmt::format("a filter of no more than {} conditions", kMostConditions));
        if (token_.text == "has") {
            advance();
            Filter::Node node;
            if (!take("(")) return fail("'(' after has");
            if (!parse_field(node) || !(take(")") || fail("')'"))) return false;
            push(std::move(node));
            return true;
        }
        return parse_comparison();
    }

    bool parse_field(Filter::Node& node) {
        if (token_.kind != Token::Kind::word) return fail("a field");
        std::string_view rest = token_.text;
        while (true) {
            const std::size_t dot = rest.find('.');
            node.path.emplace_back(rest.substr(0, dot));
            if (dot == std::string_view::npos) break;
            rest.remove_prefix(dot + 1);
        }
        if (!is_record_field(node.path)) return fail("a field of the record");
        advance();
        return true;
    }

    bool parse_comparison() {
        Filter::Node node;
        if (!parse_field(node)) return false;
        if (token_.kind == Token::Kind::word && token_.text == "in") {
            advance();
            node.kind = Filter::Kind::among;
            if (!take("[")) return fail("'[' after in");
            do {
                if (!parse_value(node)) return false;
            } while (take(","));
            if (!take("]")) return fail("',' or ']'");
            push(std::move(node));
            return true;
        }
        node.kind = Filter::Kind::compare;
        using Op = Filter::Op;
        for (const auto& [symbol, op] : {std::pair{"==", Op::equal},
                                         {"!=", Op::unequal},
                                         {"<=", Op::at_most},
                                         {">=", Op::at_least},
                                         {"<", Op::less},
                                         {">", Op::greater},
                                         {"~", Op::like}}) {
            if (!take(symbol)) continue;
            node.op = op;
            if (op == Op::like && token_.kind != Token::Kind::text) return fail("a quoted pattern");
            if (!parse_value(node)) return false;
            push(std::move(node));
            return true;
        }
        return fail("==, !=, <, <=, >, >=, ~ or in");
    }

    bool parse_value(Filter::Node& node) {
        Filter::Value value;
        if (token_.kind == Token::Kind::text) {
            value.text = token_.text;
        } else if (token_.kind == Token::Kind::number) {
            value.type = Filter::Value::Type::number;
            const char* end = token_.text.data() + token_.text.size();
            const auto [stop, problem] = std::from_chars(token_.text.data(), end, value.number);
            if (problem != std::errc() || stop != end) return fail("a number");
        } else if (token_.kind == Token::Kind::word && (token_.text == "true" || token_.text == "false")) {
            value.type = Filter::Value::Type::boolean;
            value.boolean = token_.text == "true";
        } else {
            return fail("a quoted text, a number, true or false");
        }
        advance();
        node.values.push_back(std::move(value));
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t conditions_ = 0;
    std::vector<std::size_t> heights_;  // of the nodes
    Token token_;
    Filter filter_;
    base::Error failure_;
};

base::Result<Filter> Filter::parse(std::string_view text) {
    return FilterParser(text).parse();
}

}  // namespace llmsnoop::exporters
