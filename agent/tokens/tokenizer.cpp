#include "agent/tokens/tokenizer.h"

#include <array>
#include <string>

#include "agent/tokens/merge.h"
#include "agent/tokens/pretokenizer.h"
#include "agent/tokens/utf8.h"

namespace llmsnoop::tokens {

namespace {

// Pieces are cut some way ahead of being looked up, so that their places in the table are on their way into the cache.
constexpr std::size_t kAhead = 16;

struct Piece {
    const char* at;
    std::size_t size;
    Vocabulary::Key key;
};

// The results of recent merges: a name that is no token is rarely mentioned once. Lives on the stack of one call.
class RecentMerges {
 public:
    std::size_t count(const Vocabulary& vocabulary, const Piece& piece, const char* end) {
        Entry& entry = entries_[Vocabulary::hash(piece.key) % kEntries];
        if (!(entry.key == piece.key)) {
            entry = {piece.key, merge(vocabulary, piece.at, piece.size, end, nullptr)};
        }
        return entry.tokens;
    }

 private:
    struct Entry {
        Vocabulary::Key key;
        std::size_t tokens = 0;
    };
    static constexpr std::size_t kEntries = 512;

    std::array<Entry, kEntries> entries_{};
};

// A piece that is a token is that token, whether or not merging would lead there; most pieces are.
std::size_t count_piece(const Vocabulary& vocabulary, RecentMerges& recent, const Piece& piece, const char* end) {
    if (piece.size <= Vocabulary::kShort) {
        return vocabulary.contains(piece.key) ? 1 : recent.count(vocabulary, piece, end);
    }
    if (vocabulary.find(piece.at, piece.size, end) != kNoRank) return 1;
    return merge(vocabulary, piece.at, piece.size, end, nullptr);
}

template <Encoding kEncoding>
std::size_t count_pieces(const Vocabulary& vocabulary, const char* at, const char* end) {
    std::size_t tokens = 0;
    std::array<Piece, kAhead> pieces;
    RecentMerges recent;
    while (at < end) {
        std::size_t cut = 0;
        for (; cut < kAhead && at < end; ++cut) {
            const char* const next = piece_end<kEncoding>(at, end);
            Piece& piece = pieces[cut];
            piece.at = at;
            piece.size = static_cast<std::size_t>(next - at);
            if (piece.size <= Vocabulary::kShort) {
                piece.key = Vocabulary::key_of(at, piece.size, end);
                vocabulary.prefetch(piece.key);
            }
            at = next;
        }
        for (std::size_t i = 0; i < cut; ++i)
            tokens += count_piece(vocabulary, recent, pieces[i], end);
    }
    return tokens;
}

template <Encoding kEncoding>
void encode_pieces(const Vocabulary& vocabulary, const char* at, const char* end, std::vector<Rank>& out) {
    while (at < end) {
        const char* const next = piece_end<kEncoding>(at, end);
        const auto size = static_cast<std::size_t>(next - at);
        const Rank rank = vocabulary.find(at, size, end);
        if (rank != kNoRank) {
            out.push_back(rank);
        } else {
            merge(vocabulary, at, size, end, &out);
        }
        at = next;
    }
}

}  // namespace

std::size_t count_tokens(Encoding encoding, std::string_view text) {
    std::string repaired;
    text = valid_utf8(text, repaired);
    const Vocabulary& vocabulary = Vocabulary::of(encoding);
    const char* const end = text.data() + text.size();
    if (encoding == Encoding::cl100k_base) return count_pieces<Encoding::cl100k_base>(vocabulary, text.data(), end);
    return count_pieces<Encoding::o200k_base>(vocabulary, text.data(), end);
}

std::vector<Rank> encode(Encoding encoding, std::string_view text) {
    std::string repaired;
    text = valid_utf8(text, repaired);
    const Vocabulary& vocabulary = Vocabulary::of(encoding);
    const char* const end = text.data() + text.size();
    std::vector<Rank> out;
    out.reserve(text.size() / 3);
    if (encoding == Encoding::cl100k_base) {
        encode_pieces<Encoding::cl100k_base>(vocabulary, text.data(), end, out);
    } else {
        encode_pieces<Encoding::o200k_base>(vocabulary, text.data(), end, out);
    }
    return out;
}

}  // namespace llmsnoop::tokens
