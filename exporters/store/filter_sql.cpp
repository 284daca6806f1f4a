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

    // `under_negation`: NULL must not come out.
    base::Result<std::string> condition(std::size_t index, bool under_negation) {
        const Filter::Node& node = filter_.nodes()[index];
        switch (node.kind) {
            case Kind::both:
                return chain(node, " AND ", under_negation);
            case Kind::either:
                return chain(node, " OR ", under_negation);
            case Kind::negation: {
                auto inner = condition(node.left, true);
                return inner ? base::Result<std::string>("(NOT " + *inner + ")") : inner;
            }
            default:
                break;
        }
        const auto operand = operand_of(node.path);
        if (!operand) return words_.other(filter_, index);
        if (node.kind == Kind::has) return words_.present(operand->expression);
        std::string any;
        for (const Filter::Value& value : node.values)
            any += (any.empty() ? "" : " OR ") + comparison(*operand, node.op, value);
        any = "(" + any + ")";
        return under_negation ? words_.if_known(any) : any;
    }

 private:
    base::Result<std::string> chain(const Filter::Node& node, const char* joint, bool under_negation) {
        auto left = condition(node.left, under_negation);
        if (!left) return left;
        auto right = condition(node.right, under_negation);
        if (!right) return right;
        return "(" + *left + joint + *right + ")";
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

    std::string comparison(const Operand& operand, Op op, const Filter::Value& value) {
        // Present, and of another type: certainly not equal.
        if (operand.type != value.type) return op == Op::unequal ? words_.present(operand.expression) : kFalse;
        if (op == Op::like) return words_.like(operand.expression, value.text);
        Value wanted = value.text;
        if (value.type == Type::number) wanted = value.number;
        if (value.type == Type::boolean) wanted = std::int64_t{value.boolean};
        return operand.expression + " " + symbol_of(op) + " " + words_.value(wanted);
    }

    const Filter& filter_;
    SqlWords& words_;
};

}  // namespace

base::Result<std::string> sql_of(const Filter& filter, SqlWords& words) {
    if (filter.matches_everything()) return std::string("(1 = 1)");
    return Translation(filter, words).condition(filter.nodes().size() - 1, false);
}

}  // namespace llmsnoop::exporters::store
