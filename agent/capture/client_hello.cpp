#include "agent/capture/client_hello.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace llmsnoop::capture {

namespace {

constexpr std::uint8_t kHandshakeRecord = 22;  // RFC 8446 section 5.1
constexpr std::uint8_t kClientHello = 1;       // section 4
constexpr std::uint64_t kServerName = 0;       // RFC 6066 section 1.1
constexpr std::uint8_t kHostName = 0;          // section 3
constexpr std::size_t kNameMax = 253;          // RFC 1035 section 2.3.4, as text

// Reads fields one behind the other. `end` is where they say that they end; `bytes` may end before, which is no fault
// of theirs, but then nothing more is known.
class Fields {
 public:
    explicit Fields(base::Bytes bytes) : bytes_(bytes), claimed_(bytes.size()) {}

    bool ok() const { return ok_; }
    bool at_end() const { return ok_ && claimed_ == 0; }

    std::uint64_t number(std::size_t size) {
        std::uint64_t out = 0;
        for (const std::uint8_t byte : take(size))
            out = out << 8 | byte;
        return ok_ ? out : 0;
    }
    base::Bytes take(std::size_t size) {
        if (!ok_ || size > bytes_.size() || size > claimed_) {
            ok_ = false;
            return {};
        }
        const base::Bytes out = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        claimed_ -= size;
        return out;
    }
    void skip(std::size_t size) { take(size); }

    // A vector (RFC 8446 section 3.4), behind its length in so many bytes.
    Fields vector(std::size_t size_of_length) {
        const auto length = static_cast<std::size_t>(number(size_of_length));
        Fields out{{}};
        out.ok_ = ok_ && length <= claimed_;
        if (!out.ok_) {
            ok_ = false;
            return out;
        }
        const std::size_t there = std::min(length, bytes_.size());
        out.bytes_ = bytes_.first(there);
        out.claimed_ = length;
        bytes_ = bytes_.subspan(there);
        claimed_ -= length;
        return out;
    }

    // There is more than `bytes_` by so much, or less: what is said of the whole message.
    void claim(std::size_t length) {
        bytes_ = bytes_.first(std::min(length, bytes_.size()));
        claimed_ = length;
    }

 private:
    base::Bytes bytes_;
    std::size_t claimed_;
    bool ok_ = true;
};

std::optional<std::string> host_name(base::Bytes bytes) {
    std::string out(base::as_text(bytes));
    if (out.ends_with('.')) out.pop_back();
    if (out.empty() || out.size() > kNameMax) return std::nullopt;
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
        const bool valid = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        if (!valid) return std::nullopt;
    }
    return out;
}

std::optional<std::string> name_in(Fields extension) {
    Fields list = extension.vector(2);
    while (list.ok() && !list.at_end()) {
        const std::uint64_t type = list.number(1);
        const auto length = static_cast<std::size_t>(list.number(2));
        const base::Bytes name = list.take(length);
        if (list.ok() && type == kHostName) return host_name(name);
    }
    return std::nullopt;  // no host name in it: the extension is there for nothing else
}

}  // namespace

std::optional<std::string> server_name_of(base::Bytes bytes) {
    Fields record(bytes);
    if (record.number(1) != kHandshakeRecord || record.number(1) != 3) return std::nullopt;
    record.skip(1);
    const auto record_length = static_cast<std::size_t>(record.number(2));
    if (!record.ok()) return std::nullopt;
    record.claim(record_length);
    if (record.number(1) != kClientHello) return std::nullopt;
    Fields hello = record.vector(3);  // fails where the message goes on in another record
    hello.skip(2 + 32);               // version and random
    hello.vector(1);                  // session id
    hello.vector(2);                  // cipher suites
    hello.vector(1);                  // compression methods
    if (hello.at_end()) return "";    // TLS 1.2 has clients without extensions
    Fields extensions = hello.vector(2);
    while (extensions.ok() && !extensions.at_end()) {
        const std::uint64_t type = extensions.number(2);
        const Fields extension = extensions.vector(2);
        if (extensions.ok() && type == kServerName) return name_in(extension);
    }
    return extensions.ok() ? std::optional<std::string>("") : std::nullopt;
}

}  // namespace llmsnoop::capture
