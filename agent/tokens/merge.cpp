#include "agent/tokens/merge.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "agent/tokens/min_heap.h"

namespace llmsnoop::tokens {

namespace {

// A word is merged by looking for the minimum again each time. That is quadratic, but in so few bytes that comparing a
// few of them at once is faster than any heap.
constexpr std::size_t kWord = 64;
constexpr std::size_t kAtOnce = 16;

class Word {
 public:
    Word(const Vocabulary& vocabulary, const char* at, std::size_t size, const char* end)
        : vocabulary_(vocabulary), at_(at), size_(size), end_(end) {
        keys_.fill(kNone);
        sizes_.fill(1);
        before_.fill(1);
        for (std::size_t i = 0; i + 1 < size; ++i) {
            const Rank rank = vocabulary.of_pair(at + i);
            if (rank != kNoRank) keys_[i] = key(rank, i);
        }
    }

    std::size_t run(std::vector<Rank>* out) {
        std::size_t tokens = size_;
        for (Key lowest = find_lowest(); lowest != kNone; lowest = find_lowest()) {
            join(static_cast<std::size_t>(lowest) % kWord);
            --tokens;
        }
        if (out != nullptr) {
            for (std::size_t i = 0; i < size_; i += sizes_[i]) {
                out->push_back(vocabulary_.find(at_ + i, sizes_[i], end_));
            }
        }
        return tokens;
    }

 private:
    // Rank and place of a pair in one number, so that the least is the lowest rank and the leftmost of these. Signed,
    // because that is what most processors compare several of at once.
    using Key = std::int32_t;
    static constexpr Key kNone = INT32_MAX;
    static Key key(Rank rank, std::size_t at) { return static_cast<Key>(rank * kWord + at); }

    Key find_lowest() const {
        std::array<Key, kAtOnce> lowest;
        lowest.fill(kNone);
        for (std::size_t i = 0; i < size_; i += kAtOnce) {
            for (std::size_t k = 0; k < kAtOnce; ++k)
                lowest[k] = std::min(lowest[k], keys_[i + k]);
        }
        return *std::min_element(lowest.begin(), lowest.end());
    }

    // Tokens touch, so a token's neighbours are found by its own size and the size of the one before.
    void join(std::size_t left) {
        const std::size_t right = left + sizes_[left];
        keys_[right] = kNone;
        sizes_[left] = static_cast<std::uint8_t>(sizes_[left] + sizes_[right]);
        const std::size_t next = left + sizes_[left];
        if (next < size_) before_[next] = sizes_[left];
        offer(left);
        if (left > 0) offer(left - before_[left]);
    }

    void offer(std::size_t left) {
        const std::size_t right = left + sizes_[left];
        keys_[left] = kNone;
        if (right >= size_) return;
        const std::size_t size = static_cast<std::size_t>(sizes_[left]) + sizes_[right];
        const Rank rank = vocabulary_.find(at_ + left, size, end_);
        if (rank != kNoRank) keys_[left] = key(rank, left);
    }

    const Vocabulary& vocabulary_;
    const char* at_;
    std::size_t size_;
    const char* end_;
    std::array<Key, kWord> keys_;             // of a token together with the next, by where it begins
    std::array<std::uint8_t, kWord> sizes_;   // of a token
    std::array<std::uint8_t, kWord> before_;  // of the token before it
};

// The same with a heap of pairs, for a part of a long piece.
class Window {
 public:
    Window(const Vocabulary& vocabulary, const char* end) : vocabulary_(&vocabulary), end_(end) {}

    void run(const char* at, std::size_t size) {
        at_ = at;
        sizes_.assign(size, 1);
        before_.assign(size, 1);
        ranks_.assign(size, kNoRank);
        heap_.clear();
        for (std::size_t i = 0; i + 1 < size; ++i) {
            ranks_[i] = vocabulary_->of_pair(at + i);
            if (ranks_[i] != kNoRank) heap_.push(entry(ranks_[i], i));
        }
        while (!heap_.empty()) {
            const std::uint64_t top = heap_.pop();
            const std::size_t left = top & UINT32_MAX;
            // A token that has changed or vanished since has another rank, or none.
            if (ranks_[left] == top >> 32) join(left);
        }
    }

    std::size_t size() const { return sizes_.size(); }
    std::size_t size_of_token(std::size_t at) const { return sizes_[at]; }

    // Counts the tokens before `limit`, and appends them where wanted.
    std::size_t emit(std::size_t limit, std::vector<Rank>* out) const {
        std::size_t tokens = 0;
        for (std::size_t i = 0; i < limit; i += sizes_[i], ++tokens) {
            if (out != nullptr) out->push_back(vocabulary_->find(at_ + i, sizes_[i], end_));
        }
        return tokens;
    }

 private:
    static std::uint64_t entry(Rank rank, std::size_t at) { return static_cast<std::uint64_t>(rank) << 32 | at; }

    void join(std::size_t left) {
        const std::size_t right = left + sizes_[left];
        ranks_[right] = kNoRank;
        sizes_[left] = static_cast<std::uint8_t>(sizes_[left] + sizes_[right]);
        const std::size_t next = left + sizes_[left];
        if (next < sizes_.size()) before_[next] = sizes_[left];
        offer(left);
        if (left > 0) offer(left - before_[left]);
    }

    void offer(std::size_t left) {
        const std::size_t right = left + sizes_[left];
        ranks_[left] = kNoRank;
        if (right >= sizes_.size()) return;
        const std::size_t size = static_cast<std::size_t>(sizes_[left]) + sizes_[right];
        if (size > UINT8_MAX) return;  // the table has no token whose size does not fit in one byte
        ranks_[left] = vocabulary_->find(at_ + left, size, end_);
        if (ranks_[left] == kNoRank) return;
        heap_.push(entry(ranks_[left], left));
    }

    const Vocabulary* vocabulary_;
    const char* end_;
    const char* at_ = nullptr;
    std::vector<std::uint8_t> sizes_;   // by where a token begins
    std::vector<std::uint8_t> before_;  // size of the token before it
    std::vector<Rank> ranks_;           // of a token together with the next
    MinHeap heap_;                      // rank and place; entries that no longer hold are skipped
};

// A long piece is merged in windows, so that the work stays in the cache and the memory stays small. That is exact:
// tokens are the merging of their text if and only if each two neighbours are the merging of theirs. (Take the first
// merge that crosses a boundary between two tokens. Up to there both sides have merged as they would alone, so the same
// merge would happen in the text of these two only.) So a window that begins where a token of the window before ends
// continues it if its first token and that token stay apart; where they do not, the window before has been too narrow.
class WindowedMerge {
 public:
    WindowedMerge(const Vocabulary& vocabulary, const char* end)
        : current_(vocabulary, end), next_(vocabulary, end), pair_(vocabulary, end) {}

    std::size_t run(const char* at, std::size_t size, std::vector<Rank>* out) {
        std::size_t tokens = 0;
        std::size_t width = kWidth;
        current_.run(at, std::min(size, width));
        while (current_.size() < size) {
            const Cut cut = cut_of_current();
            next_.run(at + cut.at, std::min(size - cut.at, width));
            if (width < kWidest && !apart(at + cut.at, cut.last_token)) {
                width *= 4;
                current_.run(at, std::min(size, width));
                continue;
            }
            tokens += current_.emit(cut.at, out);
            at += cut.at;
            size -= cut.at;
            width = kWidth;
            std::swap(current_, next_);
        }
        return tokens + current_.emit(size, out);
    }

 private:
    static constexpr std::size_t kWidth = 4096;
    static constexpr std::size_t kMargin = 256;  // what the end of a window may hold of tokens that go on behind it
    // Never reached with these vocabularies, as far as is known; bounds memory to 20 MB whatever the text.
    static constexpr std::size_t kWidest = kWidth << 8;

    struct Cut {
        std::size_t at;
        std::size_t last_token;  // size of the token before it
    };

    Cut cut_of_current() const {
        Cut cut{0, 0};
        while (cut.at + kMargin < current_.size()) {
            cut.last_token = current_.size_of_token(cut.at);
            cut.at += cut.last_token;
        }
        return cut;
    }

    // Whether the token that ends at `boundary` and the first of the next window do not merge into each other.
    bool apart(const char* boundary, std::size_t left) {
        const std::size_t right = next_.size_of_token(0);
        pair_.run(boundary - left, left + right);
        return pair_.size_of_token(0) == left && (pair_.size_of_token(left) == right);
    }

    Window current_;
    Window next_;
    Window pair_;
};

}  // namespace

std::size_t merge(const Vocabulary& vocabulary, const char* at, std::size_t size, const char* end,
                  std::vector<Rank>* out) {
    if (size <= kWord) return Word(vocabulary, at, size, end).run(out);
    return WindowedMerge(vocabulary, end).run(at, size, out);
}

}  // namespace llmsnoop::tokens
