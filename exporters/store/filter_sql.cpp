#include "exporters/store/filter_sql.h"

#include <string_view>

namespace llmsnoop::exporters::store {

namespace {

using Kind = Filter::Kind;
using Op = Filter::Op;
using Type = Filter::Value::Type;

constexpr const char* kFalse = "(1 = 0)";

const char* symbol_of(Op op) {
    switch (op) {
        case Op::equal:
        case Op::like:
            return "=";
        case Op::unequal:
            return "<>";
        case Op::less:
            return "<";
        case Op::at_most:
            return "<=";
        case Op::greater:
            return ">";
        case Op::at_least:
            return ">=";
    }
    return "=";
}

// A field of the record as the data base can compare it.
struct Operand {
    std::string expression;
    std::optional<Type> type;  // absent: an object, which equals nothing
};

class Translation {
 public:
    Translation(const Filter& filter, SqlWords& words) : filter_(filter), words_(words) {}

    // Negations are moved inward to the fields, where NULL must not come out of them: brackets and NOT that are nested
    // deeply are more than some parsers have room for.
    base::Result<std::string> condition(std::size_t index, bool negated) {
        for (; filter_.nodes()[index].kind == Kind::negation; negated = !negated)
            index = filter_.nodes()[index].left;
        const Filter::Node& node = filter_.nodes()[index];
        return is_chain(node) ? chain(node, negated) : of_field(index, negated);
    }

 private:
    static bool is_chain(const Filter::Node& node) { return node.kind == Kind::both || node.kind == Kind::either; }

    // By De Morgan, if it is negated.
    static bool is_either(const Filter::Node& node, bool negated) { return (node.kind == Kind::either) != negated; }

    base::Result<std::string> of_field(std::size_t index, bool negated) {
        const Filter::Node& node = filter_.nodes()[index];
        const auto operand = operand_of(node.path);
        if (!operand) {
            auto other = words_.other(filter_, index);
            return other && negated ? base::Result<std::string>("NOT " + *other) : other;
        }
        std::string one = node.kind == Kind::has ? words_.present(operand->expression) : comparison(*operand, node);
        if (!negated) return one;
        return "NOT " + (node.kind == Kind::has ? one : words_.if_known(one));
    }

    base::Result<std::string> chain(const Filter::Node& node, bool negated) {
        const bool either = is_either(node, negated);
        auto left = side(node.left, negated, either, false);
        if (!left) return left;
        auto right = side(node.right, negated, either, true);
        if (!right) return right;
        return *left + (either ? " OR " : " AND ") + *right;
    }

    // AND binds more closely than OR; brackets to the right keep the tree's shape, because a AND b AND c is deeper.
    base::Result<std::string> side(std::size_t index, bool negated, bool within_either, bool is_right) {
        auto text = condition(index, negated);
        const Filter::Node* node = &filter_.nodes()[index];
        for (; node->kind == Kind::negation; negated = !negated)
            node = &filter_.nodes()[node->left];
        if (!text || !is_chain(*node)) return text;
        const bool either = is_either(*node, negated);
        const bool bracket = either == within_either ? is_right : either;
        return bracket ? base::Result<std::string>("(" + *text + ")") : text;
    }

    std::optional<Operand> operand_of(const std::vector<std::string>& path) {
        if (path.size() == 3 && path[0] == "k8s" && path[1] == "labels")
            return Operand{words_.label(path[2]), Type::text};
        const Column* column = column_of_path(path);
        if (column == nullptr) return std::nullopt;
        switch (column->type) {
            case ColumnType::text:
            case ColumnType::name:
                return Operand{words_.column(*column), Type::text};
            case ColumnType::time:
                return Operand{words_.time_text(*column), Type::text};
            case ColumnType::integer:
            case ColumnType::real:
                return Operand{words_.number(*column), Type::number};
            case ColumnType::boolean:
                return Operand{words_.column(*column), Type::boolean};
            case ColumnType::labels:
            case ColumnType::present:
                return Operand{words_.column(*column), std::nullopt};
        }
        return std::nullopt;
    }

    std::string comparison(const Operand& operand, const Filter::Node& node) {
        if (node.kind == Kind::compare) return "(" + comparison(operand, node.op, node.values[0]) + ")";
        std::string list;
        for (const Filter::Value& value : node.values) {
            if (operand.type == value.type) list += (list.empty() ? "" : ", ") + words_.value(wanted(value));
        }
        return list.empty() ? kFalse : "(" + operand.expression + " IN (" + list + "))";
    }

    std::string comparison(const Operand& operand, Op op, const Filter::Value& value) {
        // Present, and of another type: certainly not equal.
        if (operand.type != value.type) return op == Op::unequal ? words_.present(operand.expression) : kFalse;
        if (op == Op::like) return words_.like(operand.expression, value.text);
        return operand.expression + " " + symbol_of(op) + " " + words_.value(wanted(value));
    }

    static Value wanted(const Filter::Value& value) {
        if (value.type == Type::number) return value.number;
        if (value.type == Type::boolean) return std::int64_t{value.boolean};
        return value.text;
    }

    const Filter& filter_;
    SqlWords& words_;
};

}  // namespace

base::Result<std::string> sql_of(const Filter& filter, SqlWords& words) {
    if (filter.matches_everything()) return std::string("(1 = 1)");
    auto out = Translation(filter, words).condition(filter.nodes().size() - 1, false);
    return out ? base::Result<std::string>("(" + *out + ")") : out;
}

}  // namespace llmsnoop::exporters::store
