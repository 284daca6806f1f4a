#include "agent/capture/live/go_pclntab.h"

#include <cstring>
#include <string_view>

#include "agent/base/endian.h"

namespace llmsnoop::capture::live {

namespace {

// Go's src/debug/gosym/pclntab.go and runtime/symtab.go (pcHeader).
constexpr std::uint32_t kMagic16 = 0xfffffffa;  // Go 1.16 and 1.17
constexpr std::uint32_t kMagic18 = 0xfffffff0;
constexpr std::uint32_t kMagic20 = 0xfffffff1;
constexpr std::size_t kHeader = 8;  // magic, two zeroes, instruction quantum, size of a pointer
constexpr std::uint64_t kMaxFunctions = 1 << 24;
constexpr std::size_t kMaxHits = 4096;  // of one name within others

template <typename Number>
std::optional<Number> number_at(base::Bytes bytes, std::uint64_t at) {
    if (at > bytes.size() || bytes.size() - at < sizeof(Number)) return std::nullopt;
    return base::load_le<Number>(bytes.data() + at);
}

base::Bytes from(base::Bytes bytes, std::uint64_t at) {
    return at <= bytes.size() ? bytes.subspan(static_cast<std::size_t>(at)) : base::Bytes{};
}

// Where in a list of NUL-terminated names this one is.
std::optional<std::size_t> find_name(base::Bytes names, const std::string& name) {
    const std::string_view all = base::as_text(names);
    const std::string_view with_end(name.c_str(), name.size() + 1);
    std::size_t at = 0;
    for (std::size_t hits = 0; hits < kMaxHits; ++hits) {
        const void* found = memmem(all.data() + at, all.size() - at, with_end.data(), with_end.size());
        if (found == nullptr) return std::nullopt;
        at = static_cast<std::size_t>(static_cast<const char*>(found) - all.data());
        if (at == 0 || all[at - 1] == '\0') return at;
        ++at;
    }
    return std::nullopt;
}

}  // namespace

std::optional<GoPclntab> GoPclntab::parse(base::Bytes bytes) {
    const auto magic = number_at<std::uint32_t>(bytes, 0);
    if (!magic || bytes.size() < kHeader) return std::nullopt;
    if (*magic != kMagic16 && *magic != kMagic18 && *magic != kMagic20) return std::nullopt;
    // x86-64: instructions of any length, pointers of 8 bytes.
    if (bytes[4] != 0 || bytes[5] != 0 || bytes[6] != 1 || bytes[7] != 8) return std::nullopt;

    GoPclntab out;
    out.relative_ = *magic != kMagic16;
    std::uint64_t word = 0;
    const auto next = [&] { return number_at<std::uint64_t>(bytes, kHeader + 8 * word++).value_or(UINT64_MAX); };
    out.count_ = next();
    next();  // number of files
    if (out.relative_) out.text_start_ = next();
    out.names_offset_ = next();
    const std::uint64_t units = next();
    next();  // files
    next();  // program counters
    const std::uint64_t table = next();
    if (out.count_ == 0 || out.count_ > kMaxFunctions || out.names_offset_ >= units || units > table ||
        table >= bytes.size()) {
        return std::nullopt;
    }
    out.names_ =
        bytes.subspan(static_cast<std::size_t>(out.names_offset_), static_cast<std::size_t>(units - out.names_offset_));
    out.table_ = bytes.subspan(static_cast<std::size_t>(table));
    // One more entry than there are functions: the end of the last.
    if (!out.entry(out.count_ - 1)) return std::nullopt;
    return out;
}

std::optional<std::size_t> GoPclntab::search(base::Bytes bytes, std::size_t from) {
    // All magic numbers have this in common, and the zeroes and sizes behind it.
    constexpr char kPattern[] = {'\xff', '\xff', '\xff', 0, 0, 1, 8};
    while (from + 1 < bytes.size()) {
        const void* found = memmem(bytes.data() + from + 1, bytes.size() - from - 1, kPattern, sizeof kPattern);
        if (found == nullptr) return std::nullopt;
        const auto at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data()) - 1;
        if (at % 8 == 0 && parse(bytes.subspan(at))) return at;
        from = at + 1;
    }
    return std::nullopt;
}

std::optional<GoPclntab::Entry> GoPclntab::entry(std::uint64_t index) const {
    if (relative_) {
        const auto pc = number_at<std::uint32_t>(table_, index * 8);
        const auto function = number_at<std::uint32_t>(table_, index * 8 + 4);
        if (!pc || !function) return std::nullopt;
        return Entry{*pc, *function};
    }
    const auto pc = number_at<std::uint64_t>(table_, index * 16);
    const auto function = number_at<std::uint64_t>(table_, index * 16 + 8);
    if (!pc || !function) return std::nullopt;
    return Entry{*pc, *function};
}

std::map<std::uint32_t, std::string> GoPclntab::offsets_of(const std::vector<std::string>& wanted) const {
    std::map<std::uint32_t, std::string> out;
    for (const std::string& name : wanted) {
        const auto at = find_name(names_, name);
        if (at && *at <= UINT32_MAX) out.emplace(static_cast<std::uint32_t>(*at), name);
    }
    return out;
}

std::map<std::string, GoPclntab::Function> GoPclntab::functions(const std::vector<std::string>& wanted,
                                                                std::uint64_t text_start) const {
    std::map<std::string, Function> out;
    const auto names = offsets_of(wanted);
    for (std::uint64_t i = 0; i < count_ && out.size() < names.size(); ++i) {
        const auto here = entry(i);
        if (!here) break;
        // What is told of a function begins with its entry and the offset of its name.
        const auto name = number_at<std::uint32_t>(from(table_, here->function), relative_ ? 4 : 8);
        if (!name) continue;
        const auto known = names.find(*name);
        if (known == names.end()) continue;
        // Behind the last function there is an entry without function.
        const auto end = relative_ ? std::optional<std::uint64_t>(number_at<std::uint32_t>(table_, (i + 1) * 8))
                                   : number_at<std::uint64_t>(table_, (i + 1) * 16);
        if (!end || *end <= here->pc) continue;
        out.emplace(known->second, Function{(relative_ ? text_start : 0) + here->pc, *end - here->pc});
    }
    return out;
}

}  // namespace llmsnoop::capture::live
