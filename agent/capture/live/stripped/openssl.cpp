#include "agent/capture/live/stripped/openssl.h"

#include <map>
#include <set>
#include <string>

namespace llmsnoop::capture::live::stripped {

namespace {

constexpr std::size_t kLongestName = 64;

// include/openssl/err.h and sslerr.h of OpenSSL 1.1.1; the numbers of functions did not change between its releases.
constexpr std::uint64_t kLibrarySsl = 20;
struct NumberedFunction {
    std::uint64_t number;
    std::string_view name;
};
constexpr NumberedFunction kNumbered[] = {{223, "SSL_read"},           {208, "SSL_write"}, {523, "ssl_read_internal"},
                                          {524, "ssl_write_internal"}, {186, "SSL_new"},   {180, "SSL_do_handshake"}};

// ERR_set_debug(file, line, function) of OpenSSL 3; ERR_put_error(library, function, reason, file, line) of 1.1.
std::optional<std::string_view> function_named(const Image& image, const Call& call,
                                               const std::vector<std::uint64_t>& anchors) {
    const auto file = anchor_argument(call, anchors);
    if (file == 0 && call.arguments[2].kind == Value::Kind::constant)
        return image.text_at(call.arguments[2].bits, kLongestName);
    if (file == 3 && call.arguments[0].is(kLibrarySsl)) {
        for (const NumberedFunction& one : kNumbered) {
            if (call.arguments[1].is(one.number)) return one.name;
        }
    }
    return std::nullopt;
}

class Names {
 public:
    Names(const Image& image, const std::vector<Function>& functions, const std::vector<std::uint64_t>& anchors) {
        for (const Function& one : functions) {
            for (const Call& call : one.calls) {
                if (const auto name = function_named(image, call, anchors)) functions_[std::string(*name)].insert(&one);
            }
        }
    }

    bool empty() const { return functions_.empty(); }

    base::Result<const Function*> only(const std::string& name) const {
        const auto found = functions_.find(name);
        const std::size_t count = found == functions_.end() ? 0 : found->second.size();
        if (count == 1) return *found->second.begin();
        return base::error(std::to_string(count) + " functions call themselves " + name + ", one is needed",
                           base::Error::Kind::unsupported);
    }

    std::optional<std::uint64_t> start_of(const std::string& name) const {
        const auto found = only(name);
        return found ? std::optional((*found)->start) : std::nullopt;
    }

 private:
    std::map<std::string, std::set<const Function*>> functions_;
};

// The exported and the internal function of one direction, and by which argument the internal one is told where to
// leave the number of bytes.
struct Direction {
    std::uint64_t internal = 0;
    std::size_t done = 0;
};

base::Result<Direction> find_direction(const Names& names, const std::string& exported, const std::string& internal) {
    const auto outer = names.only(exported);
    if (!outer) return outer.error();
    const auto inner = names.only(internal);
    if (!inner) return inner.error();
    for (const Call& call : (*outer)->calls) {
        if (call.target != (*inner)->start) continue;
        if (call.arguments[3].kind == Value::Kind::stack) return Direction{(*inner)->start, 3};
        if (call.arguments[3].is(0) && call.arguments[4].kind == Value::Kind::stack)
            return Direction{(*inner)->start, 4};
    }
    return base::error(exported + " is not seen to call " + internal, base::Error::Kind::unsupported);
}

}  // namespace

base::Result<OpensslFunctions> find_openssl_functions(const Image& image, const Machine& machine,
                                                      const std::vector<std::uint64_t>& anchors, Budget& budget) {
    const FunctionStarts starts(image, machine);
    const std::vector<Function> functions = functions_naming(image, machine, starts, anchors, budget);
    if (budget.left() == 0) return base::error("its code takes too long to follow", base::Error::Kind::unsupported);
    const Names names(image, functions, anchors);
    if (names.empty()) {
        return base::error("no function was found that reports errors of " + std::string(kOpensslAnchor),
                           base::Error::Kind::unsupported);
    }
    const auto read = find_direction(names, "SSL_read", "ssl_read_internal");
    if (!read) return read.error();
    if (read->done != 3) return base::error("SSL_read is of an unknown kind", base::Error::Kind::unsupported);
    const auto write = find_direction(names, "SSL_write", "ssl_write_internal");
    if (!write) return write.error();
    OpensslFunctions out;
    out.read_internal = read->internal;
    out.write_internal = write->internal;
    out.write_has_flags = write->done == 4;
    out.create = names.start_of("SSL_new");
    out.handshake = names.start_of("SSL_do_handshake");
    return out;
}

}  // namespace llmsnoop::capture::live::stripped
