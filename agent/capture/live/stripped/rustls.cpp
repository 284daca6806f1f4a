#include "agent/capture/live/stripped/rustls.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/base/endian.h"
#include "agent/capture/live/stripped/pointers.h"

namespace llmsnoop::capture::live::stripped {

namespace {

// What a record is longer than its plaintext, its header apart: RFC 8446 section 5.2, the content type and a tag of 16
// bytes; RFC 5288 section 3, an explicit nonce of 8 bytes and the tag; RFC 7905 section 2, the tag.
constexpr std::array<std::uint8_t, 3> kAdded{16 + 1, 16 + 8, 16};

constexpr std::uint64_t kWord = 8;
constexpr std::uint64_t kNear = 0x80;  // from an encrypter's table to that of the decrypter
constexpr std::uint64_t kEncrypterSize = 5 * kWord;
constexpr std::uint64_t kLargestObject = 4096, kLargestAlignment = 64;
constexpr std::size_t kMostAdders = 64, kMostTables = 32;

// The first four words of a table. What drops an object may be nothing.
struct Table {
    std::uint64_t at = 0;
    std::uint64_t drop = 0;
    std::uint64_t size = 0;
    std::uint64_t alignment = 0;
    std::uint64_t function = 0;
};

class Tables {
 public:
    Tables(const Image& image, std::map<std::uint64_t, std::uint64_t> pointers)
        : image_(image), pointers_(std::move(pointers)) {}

    std::optional<Table> at(std::uint64_t address) const {
        Table out{address, 0, 0, 0, 0};
        const auto drop = code_pointer(address);
        if (!drop && number(address) != 0) return std::nullopt;
        out.drop = drop.value_or(0);
        const auto size = number(address + kWord), alignment = number(address + 2 * kWord);
        const auto function = code_pointer(address + 3 * kWord);
        if (!size || !alignment || !function) return std::nullopt;
        out.size = *size;
        out.alignment = *alignment;
        out.function = *function;
        const bool aligned = out.alignment != 0 && out.alignment <= kLargestAlignment &&
                             (out.alignment & (out.alignment - 1)) == 0 && out.size % out.alignment == 0;
        return aligned && out.size != 0 && out.size <= kLargestObject ? std::optional(out) : std::nullopt;
    }

 private:
    std::optional<std::uint64_t> code_pointer(std::uint64_t place) const {
        const auto found = pointers_.find(place);
        if (found == pointers_.end() || image_.code_at(found->second, 1).empty()) return std::nullopt;
        return found->second;
    }
    // A word that is no pointer.
    std::optional<std::uint64_t> number(std::uint64_t place) const {
        if (pointers_.contains(place)) return std::nullopt;
        const base::Bytes bytes = image_.at(place, kWord);
        return bytes.size() == kWord ? std::optional(base::load_le<std::uint64_t>(bytes.data())) : std::nullopt;
    }

    const Image& image_;
    std::map<std::uint64_t, std::uint64_t> pointers_;
};

base::Error refusal(const std::string& why) {
    return base::error(why, base::Error::Kind::unsupported);
}

// Where the tables begin whose last word points to one of the functions that add.
std::optional<std::set<std::uint64_t>> encrypter_places(const Image& image, const std::set<std::uint64_t>& adders,
                                                        Budget& budget) {
    std::set<std::uint64_t> out;
    const bool whole = each_pointer(image, *adders.begin(), *adders.rbegin(), budget, [&](Pointer one) {
        const std::uint64_t last_word = kEncrypterSize - kWord;
        if (adders.contains(one.value) && one.place >= last_word + kNear && out.size() <= kMostTables)
            out.insert(one.place - last_word);
    });
    return whole ? std::optional(out) : std::nullopt;
}

// The pointers to code in and around these tables.
std::optional<Tables> read_tables(const Image& image, const std::set<std::uint64_t>& places, Budget& budget) {
    std::map<std::uint64_t, std::uint64_t> found;
    constexpr std::uint64_t kReach = kNear + kEncrypterSize;
    std::uint64_t first_code = std::numeric_limits<std::uint64_t>::max(), last_code = 0;
    for (const Segment& one : image.segments()) {
        if (!one.executable) continue;
        first_code = std::min(first_code, one.address);
        last_code = std::max(last_code, one.address + one.bytes.size() - 1);
    }
    const bool whole = each_pointer(image, first_code, last_code, budget, [&](Pointer one) {
        const auto above = places.upper_bound(one.place + kNear);  // the first that is too far above
        if (above == places.begin()) return;
        const std::uint64_t nearest = *std::prev(above);
        if (one.place < nearest || one.place - nearest < kReach) found.emplace(one.place, one.value);
    });
    return whole ? std::optional<Tables>(std::in_place, image, std::move(found)) : std::nullopt;
}

// An encrypter, and the tables that could be its decrypter's.
struct Pair {
    Table encrypter;
    std::vector<Table> decrypters;
};

// The same kind of keys; the encrypter of TLS 1.2 with GCM has eight bytes more of nonce.
bool belong_together(const Table& encrypter, const Table& decrypter) {
    return (decrypter.drop == 0) == (encrypter.drop == 0) && decrypter.alignment == encrypter.alignment &&
           (decrypter.size == encrypter.size || decrypter.size + kWord == encrypter.size);
}

// Those that are dropped by the same function, if there are any: linkers merge equal functions, but not all do.
std::vector<Table> possible_decrypters(const Tables& tables, const std::set<std::uint64_t>& encrypters,
                                       const Table& encrypter) {
    std::vector<Table> all, alike;
    for (std::uint64_t place = encrypter.at - kNear; place <= encrypter.at + kNear; place += kWord) {
        if (encrypters.contains(place)) continue;
        const auto table = tables.at(place);
        if (!table || !belong_together(encrypter, *table)) continue;
        all.push_back(*table);
        if (table->drop == encrypter.drop) alike.push_back(*table);
    }
    return alike.empty() ? all : alike;
}

// What one encrypter cannot do without is none of another's.
void settle(std::vector<Pair>& pairs) {
    for (std::size_t round = 0; round < pairs.size(); ++round) {
        for (const Pair& settled : pairs) {
            if (settled.decrypters.size() != 1) continue;
            const std::uint64_t taken = settled.decrypters.front().at;
            for (Pair& other : pairs) {
                if (&other != &settled)
                    std::erase_if(other.decrypters, [&](const Table& one) { return one.at == taken; });
            }
        }
    }
}

}  // namespace

base::Result<RustlsFunctions> find_rustls_functions(const Image& image, const Machine& machine, Budget& budget) {
    const base::Error too_long = refusal("its tables take too long to follow");
    std::set<std::uint64_t> adders;
    for (const Segment& one : image.segments()) {
        if (!one.executable) continue;
        machine.adders(one, kAdded, [&](std::uint64_t found) {
            if (adders.size() <= kMostAdders) adders.insert(found);
        });
    }
    if (adders.empty()) return refusal("no function was found that says how long a record becomes");
    if (adders.size() > kMostAdders) return refusal("too many functions could say how long a record becomes");
    const auto places = encrypter_places(image, adders, budget);
    if (!places) return too_long;
    if (places->size() > kMostTables) return refusal("too many tables could be those of encrypters");
    const auto tables = read_tables(image, *places, budget);
    if (!tables) return too_long;

    std::vector<Pair> pairs;
    for (const std::uint64_t place : *places) {
        if (const auto encrypter = tables->at(place)) pairs.push_back({*encrypter, {}});
    }
    if (pairs.empty()) return refusal("no table was found that could be an encrypter's");
    for (Pair& pair : pairs)
        pair.decrypters = possible_decrypters(*tables, *places, pair.encrypter);
    settle(pairs);
    std::set<std::uint64_t> encrypt, decrypt;
    for (const Pair& pair : pairs) {
        if (pair.decrypters.size() != 1) {
            return refusal(std::to_string(pair.decrypters.size()) +
                           " tables could be the decrypter's beside an encrypter, one is needed");
        }
        encrypt.insert(pair.encrypter.function);
        decrypt.insert(pair.decrypters.front().function);
    }
    if (std::any_of(encrypt.begin(), encrypt.end(), [&](std::uint64_t one) { return decrypt.contains(one); }))
        return refusal("one function could be an encrypter's and a decrypter's");
    return RustlsFunctions{{encrypt.begin(), encrypt.end()}, {decrypt.begin(), decrypt.end()}};
}

}  // namespace llmsnoop::capture::live::stripped
