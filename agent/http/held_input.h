#pragma once
// Input of one direction that has to wait until the other direction has gone on. Bytes are copied here, which is rare.
#include <cstddef>
#include <deque>
#include <string>
#include <variant>

#include "agent/model/stream_item.h"

namespace llmsnoop::http {

class HeldInput {
 public:
    struct Bytes {
        std::uint64_t offset = 0;
        base::Time time;
        std::string bytes;
        std::size_t used = 0;

        model::StreamBytes rest() const { return {offset + used, time, base::as_bytes(bytes).subspan(used)}; }
    };
    struct End {
        base::Time time;
    };
    using Item = std::variant<Bytes, model::Gap, End>;

    void add(const model::StreamBytes& item) {
        size_ += item.bytes.size();
        items_.emplace_back(Bytes{item.offset, item.time, std::string(base::as_text(item.bytes)), 0});
    }
    void add(const model::Gap& gap) { items_.emplace_back(gap); }
    void add(const End& end) { items_.emplace_back(end); }

    bool empty() const { return items_.empty(); }
    // So many bytes of the front, which are bytes, have been used.
    void use(std::size_t count) {
        std::get<Bytes>(items_.front()).used += count;
        size_ -= count;
    }
    std::size_t size() const { return size_; }  // bytes held
    Item& front() { return items_.front(); }
    void pop() {
        if (const auto* bytes = std::get_if<Bytes>(&items_.front())) size_ -= bytes->bytes.size() - bytes->used;
        items_.pop_front();
    }

 private:
    std::deque<Item> items_;
    std::size_t size_ = 0;
};

}  // namespace llmsnoop::http
