#pragma once
// HPACK (RFC 7541) for an observer: nghttp2's inflater, and what it takes to use it without having seen the beginning.
//
// Where the dynamic table is not known (joined late, bytes missed), fields that refer to entries from before are left
// out and the block is `partial`. What is decoded is right all the same: the table is addressed from its newest entry
// on, so entries seen since then have the indices that the peers use. For that, each field that the encoder inserts is
// inserted here too, under a stand-in where its name is not known.
//
// SETTINGS_HEADER_TABLE_SIZE is not needed: an encoder that uses another size than 4096 says so in a header block
// (section 6.3), and any size up to kLargestTable is accepted. A table that is larger here than there does no harm,
// because the entries that the encoder has dropped are not referred to any more.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/function_ref.h"

struct nghttp2_hd_inflater;

namespace llmsnoop::http {

class HpackDecoder {
 public:
    static constexpr std::size_t kLargestTable = 1U << 20;  // so much memory a peer can make us use, for each direction

    enum class Outcome : std::uint8_t {
        whole,    // every field was decoded
        partial,  // some were left out, or the block is broken; the table is unknown from here on
    };

    // Views are valid only during the call.
    using FieldOut = base::FunctionRef<void(std::string_view name, std::string_view value)>;

    // Decodes a complete header block (all fragments joined).
    Outcome decode(base::Bytes block, FieldOut out);

    // A block was missed, or may have been: what it inserted is not known.
    void lose_table();

 private:
    struct Deleter {
        void operator()(nghttp2_hd_inflater* inflater) const;
    };

    bool make_inflater();
    bool decode_with_gaps(base::Bytes block, FieldOut out, Outcome& outcome);
    bool feed(base::Bytes bytes, FieldOut out);
    bool end_block();

    std::unique_ptr<nghttp2_hd_inflater, Deleter> inflater_;  // from the first block on
    bool table_known_ = true;
};

}  // namespace llmsnoop::http
