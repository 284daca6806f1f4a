#pragma once
// The fast path of streaming responses: successive chunks of a stream are byte for byte the same, but for the text that
// they carry and a few values that nobody reads (sequence numbers, padding against traffic analysis). From one chunk
// that was parsed in full, a template is made: literal bytes with holes. Where the next chunk matches, its text is
// found without parsing it.
//
// Why this is exact. The learned chunk is JSON, no object in it names a member twice, and no name is escaped. A
// matching chunk has other bytes only inside string literals and whole numbers, and there only such as keep them one
// literal, so it is JSON of the same structure, and differs only in the one text that the dialect added and in members
// that it does not read. Parsed in full it would do what the learned chunk did, with another text; and as what a chunk
// does besides adding its text is to set fields, doing it again directly after itself changes nothing. Hence the user's
// duties: to know which string was added, to decide nothing by its value, and to forget the template whenever a chunk
// was parsed in full.
//
// Not thread-safe; one object per stream.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llmsnoop::llm {

class ChunkTemplate {
 public:
    // Learns from an object that was parsed in full and added exactly one piece of text, the string at `text_path`;
    // nothing is learned if there are several strings at that path. `unread`: paths of strings and whole numbers that
    // the dialect never looks at. Paths are those of json_leaves.h.
    void learn(std::string_view chunk, std::string_view text_path, std::span<const std::string_view> unread);
    void forget();

    // The text of a chunk that matches. Valid as long as the chunk, and until the next match.
    std::optional<std::string_view> match(std::string_view chunk);

 private:
    enum class Hole : std::uint8_t { text, unread_text, unread_number, blank };
    struct Segment {
        std::size_t begin = 0;  // literal bytes before the hole, in chunk_
        std::size_t length = 0;
        Hole hole = Hole::text;
    };
    static constexpr std::size_t kSegments = 6;

    bool add(std::size_t literal_end, std::size_t hole_length, Hole hole);
    bool match_string(const char*& at, const char* end, std::string_view& body);

    std::string chunk_;
    std::array<Segment, kSegments> segments_{};
    std::size_t count_ = 0;
    std::size_t tail_ = 0;    // where the literal after the last hole begins in chunk_
    std::size_t misses_ = 0;  // templates learned since the last match
    bool usable_ = false;
    std::string unescaped_;
};

}  // namespace llmsnoop::llm
