#include "agent/tokens/table_node.h"

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "agent/tokens/yaml_document.h"

namespace llmsnoop::tokens {

namespace {

constexpr std::size_t kLargestFile = 16U << 20;
constexpr std::size_t kMostNodes = 500'000;
constexpr int kDeepest = 24;

class Builder {
 public:
    explicit Builder(const std::string& file) : file_(file) {}

    bool build(const YAML::Node& from, TableNode& out, int depth) {
        out.line = from.Mark().line + 1;
        if (!within_limits(depth, out.line)) return false;
        if (from.IsSequence()) {
            out.kind = TableNode::Kind::list;
            for (const auto& child : from) {
                if (!build(child, out.members.emplace_back(), depth + 1)) return false;
            }
        } else if (from.IsMap()) {
            out.kind = TableNode::Kind::map;
            for (const auto& child : from) {
                if (!child.first.IsScalar()) return fail(child.first.Mark().line + 1, "a key has to be a word");
                TableNode& member = out.members.emplace_back();
                member.name = child.first.Scalar();
                if (!build(child.second, member, depth + 1)) return false;
            }
        } else if (from.IsScalar()) {
            out.text = from.Scalar();
        }
        return true;
    }

    bool build(const nlohmann::ordered_json& from, TableNode& out, int depth) {
        if (!within_limits(depth, 0)) return false;
        if (from.is_array()) {
            out.kind = TableNode::Kind::list;
            for (const auto& child : from) {
                if (!build(child, out.members.emplace_back(), depth + 1)) return false;
            }
        } else if (from.is_object()) {
            out.kind = TableNode::Kind::map;
            for (const auto& [name, child] : from.items()) {
                TableNode& member = out.members.emplace_back();
                member.name = name;
                if (!build(child, member, depth + 1)) return false;
            }
        } else if (from.is_string()) {
            out.text = from.get_ref<const std::string&>();
        } else if (!from.is_null()) {
            out.text = from.dump();
        }
        return true;
    }

    const base::Error& error() const { return error_; }

    bool fail(int line, const std::string& what) {
        error_ =
            base::error(file_ + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what, base::Error::Kind::usage);
        return false;
    }

 private:
    bool within_limits(int depth, int line) {
        if (depth > kDeepest) return fail(line, "the file is nested too deep");
        return ++nodes_ <= kMostNodes || fail(line, "the file is too large");
    }

    const std::string& file_;
    base::Error error_;
    std::size_t nodes_ = 0;
};

}  // namespace

base::Result<TableNode> read_yaml(std::string_view text, const std::string& file) {
    Builder builder(file);
    if (text.size() > kLargestFile) return builder.fail(0, "the file is too large"), builder.error();
    try {
        TableNode root;
        if (!builder.build(load_only_document(std::string(text)), root, 0)) return builder.error();
        return root;
    } catch (const YAML::Exception& problem) {
        return builder.fail(problem.mark.line + 1, problem.msg), builder.error();
    }
}

base::Result<TableNode> read_json(std::string_view text, const std::string& file) {
    Builder builder(file);
    const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
    TableNode root;
    if (json.is_discarded()) return builder.fail(0, "this is no JSON"), builder.error();
    if (!builder.build(json, root, 0)) return builder.error();
    return root;
}

}  // namespace llmsnoop::tokens
