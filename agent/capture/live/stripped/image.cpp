#include "agent/capture/live/stripped/image.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace llmsnoop::capture::live::stripped {

namespace {

constexpr std::size_t kLongestText = 4096;  // a path, PATH_MAX

}  // namespace

Image::Image(std::vector<Segment> segments, Tables tables) : segments_(std::move(segments)), tables_(tables) {
    // An address range that wraps around would make every comparison below wrong.
    std::erase_if(segments_, [](const Segment& one) {
        return one.bytes.empty() || one.address > std::numeric_limits<std::uint64_t>::max() - one.bytes.size();
    });
}

bool Image::fits() const {
    if (segments_.size() > kMaxSegments) return false;
    std::uint64_t all = 0;
    std::uint64_t code = 0;
    for (const Segment& one : segments_) {
        all += one.bytes.size();
        if (one.executable) code += one.bytes.size();
    }
    return all <= kMaxBytes && code <= kMaxCodeBytes;
}

const Segment* Image::segment_of(std::uint64_t address) const {
    for (const Segment& one : segments_) {
        if (address >= one.address && address - one.address < one.bytes.size()) return &one;
    }
    return nullptr;
}

base::Bytes Image::at(std::uint64_t address, std::size_t size) const {
    const Segment* segment = segment_of(address);
    if (segment == nullptr) return {};
    const base::Bytes rest = segment->bytes.subspan(address - segment->address);
    return rest.first(std::min(size, rest.size()));
}

base::Bytes Image::code_at(std::uint64_t address, std::size_t size) const {
    const Segment* segment = segment_of(address);
    return segment != nullptr && segment->executable ? at(address, size) : base::Bytes{};
}

std::optional<std::string_view> Image::text_at(std::uint64_t address, std::size_t limit) const {
    const std::string_view text = base::as_text(at(address, limit + 1));
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    return text.substr(0, end);
}

bool Image::holds(std::string_view text) const {
    for (const Segment& one : segments_) {
        if (memmem(one.bytes.data(), one.bytes.size(), text.data(), text.size()) != nullptr) return true;
    }
    return false;
}

std::vector<std::uint64_t> Image::texts_ending_in(std::string_view ending, std::size_t limit) const {
    std::string wanted(ending);
    wanted.push_back('\0');
    std::vector<std::uint64_t> out;
    for (const Segment& one : segments_) {
        const std::string_view all = base::as_text(one.bytes);
        std::size_t from = 0;
        while (out.size() < limit) {
            const void* hit = memmem(all.data() + from, all.size() - from, wanted.data(), wanted.size());
            if (hit == nullptr) break;
            const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - all.data());
            std::size_t begin = at;
            while (begin > 0 && at - begin < kLongestText && all[begin - 1] != '\0')
                --begin;
            out.push_back(one.address + begin);
            from = at + wanted.size();
        }
    }
    return out;
}

}  // namespace llmsnoop::capture::live::stripped
