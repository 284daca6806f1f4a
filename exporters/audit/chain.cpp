#include "exporters/audit/chain.h"

#include <algorithm>
#include <charconv>

#include "agent/base/sha256.h"

namespace llmsnoop::exporters {

namespace {

constexpr std::string_view kChain = ",\"chain\":{\"seq\":";
constexpr std::string_view kPrev = ",\"prev\":\"";
constexpr std::string_view kHash = "\",\"hash\":\"";
constexpr std::string_view kEnd = "\"}}";
constexpr std::size_t kHexDigits = 64;
// Of the hash member: kHash without the quote that ends PREV, the digits and the quote after them.
constexpr std::size_t kHashMember = kHash.size() - 1 + kHexDigits + 1;

// Takes a fixed text off the end.
bool take(std::string_view& text, std::string_view end) {
    if (!text.ends_with(end)) return false;
    text.remove_suffix(end.size());
    return true;
}

bool take_hex(std::string_view& text, std::string& digits) {
    if (text.size() < kHexDigits) return false;
    digits = text.substr(text.size() - kHexDigits);
    text.remove_suffix(kHexDigits);
    return std::all_of(digits.begin(), digits.end(),
                       [](char byte) { return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f'); });
}

}  // namespace

std::string chain_start() {
    return std::string(kHexDigits, '0');
}

ChainLink seal(std::string& record, std::uint64_t seq, std::string_view prev) {
    record.pop_back();  // the brace that ends the object
    record.append(kChain).append(std::to_string(seq)).append(kPrev).append(prev);
    const std::size_t hash_at = record.size();
    record.append(kEnd);
    std::string hash = base::sha256_hex(record);
    record.resize(hash_at);
    record.append(kHash).append(hash).append(kEnd);
    return {seq, std::string(prev), std::move(hash)};
}

std::optional<ChainLink> read_link(std::string_view line) {
    ChainLink link;
    if (!take(line, kEnd) || !take_hex(line, link.hash) || !take(line, kHash) || !take_hex(line, link.prev) ||
        !take(line, kPrev)) {
        return std::nullopt;
    }
    const std::size_t digits_at = line.find_last_not_of("0123456789") + 1;
    const std::string_view digits = line.substr(digits_at);
    line.remove_suffix(digits.size());
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), link.seq);
    if (problem != std::errc() || end != digits.data() + digits.size() || digits.front() == '0') return std::nullopt;
    if (!take(line, kChain) || !line.starts_with('{') || line.size() < 2) return std::nullopt;
    return link;
}

std::string hash_of_line(std::string_view line) {
    base::Sha256 hash;
    hash.update(line.substr(0, line.size() - kEnd.size() + 1 - kHashMember));
    hash.update(kEnd.substr(1));
    return hash.finish_hex();
}

}  // namespace llmsnoop::exporters
