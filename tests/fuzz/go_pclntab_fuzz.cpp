// Go's table of functions (.gopclntab), out of arbitrary bytes. The first byte chooses:
//   even: the rest is a table;
//   odd: the rest is searched for one.
// What is found has a name that is in the bytes, a size, and is the same when asked for alone.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/capture/live/go_pclntab.h"

namespace {

using namespace llmsnoop;
using capture::live::GoPclntab;

void check(const GoPclntab& table, base::Bytes bytes) {
    const std::vector<std::string> wanted = {"a", "main.main", "crypto/tls.(*Conn).Read", "crypto/tls.(*Conn).Write"};
    const auto found = table.functions(wanted, table.text_start());
    for (const auto& [name, function] : found) {
        if (function.size == 0) std::abort();
        if (base::as_text(bytes).find(name) == std::string_view::npos) std::abort();
        const auto alone = table.functions({name}, table.text_start());
        const auto again = alone.find(name);
        if (again == alone.end() || again->second.address != function.address || again->second.size != function.size)
            std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // A copy of its own, so that a look beyond its end is found out.
    const std::vector<std::uint8_t> bytes(data + 1, data + size);
    if (data[0] % 2 == 0) {
        if (const auto table = GoPclntab::parse(bytes)) check(*table, bytes);
        return 0;
    }
    std::size_t from = 0;
    while (const auto at = GoPclntab::search(bytes, from)) {
        if (*at < from || *at >= bytes.size()) std::abort();
        const auto table = GoPclntab::parse(base::Bytes(bytes).subspan(*at));
        if (!table) std::abort();
        check(*table, bytes);
        from = *at + 1;
    }
    return 0;
}
