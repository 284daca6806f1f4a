#include "agent/http/hpack_decoder.h"

#include <nghttp2/nghttp2.h>

#include <array>

#include "agent/http/hpack_field.h"

namespace llmsnoop::http {
namespace {

// The name of entries whose name is not known; no field has it, because it is no token.
constexpr std::string_view kNameless = "?";

// Inserts an entry of that name, whose value follows (RFC 7541 section 6.2.1).
constexpr std::array<std::uint8_t, 3> kInsertNameless{0x40, 0x01, '?'};

std::string_view text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

void HpackDecoder::Deleter::operator()(nghttp2_hd_inflater* inflater) const {
    nghttp2_hd_inflate_del(inflater);
}

void HpackDecoder::lose_table() {
    inflater_.reset();
    table_known_ = false;
}

bool HpackDecoder::make_inflater() {
    nghttp2_hd_inflater* inflater = nullptr;
    if (nghttp2_hd_inflate_new(&inflater) != 0) return false;
    inflater_.reset(inflater);
    return nghttp2_hd_inflate_change_table_size(inflater, kLargestTable) == 0;
}

HpackDecoder::Outcome HpackDecoder::decode(base::Bytes block, FieldOut out) {
    Outcome outcome = Outcome::partial;
    bool fine = inflater_ != nullptr || make_inflater();
    if (fine && table_known_) {
        fine = feed(block, out) && end_block();
        outcome = Outcome::whole;
    } else if (fine) {
        fine = decode_with_gaps(block, out, outcome) && end_block();
    }
    if (fine) return outcome;
    // Whatever the rest of the block would have inserted is not known.
    lose_table();
    return Outcome::partial;
}

bool HpackDecoder::decode_with_gaps(base::Bytes block, FieldOut out, Outcome& outcome) {
    outcome = Outcome::whole;
    const auto named_only = [&](std::string_view name, std::string_view value) {
        if (name == kNameless) {
            outcome = Outcome::partial;
        } else {
            out(name, value);
        }
    };
    while (!block.empty()) {
        const auto field = read_hpack_field(block);
        if (!field) return false;
        const base::Bytes bytes = block.first(field->size);
        block = block.subspan(field->size);
        if (field->index <= nghttp2_hd_inflate_get_num_table_entries(inflater_.get())) {
            if (!feed(bytes, named_only)) return false;
            continue;
        }
        outcome = Outcome::partial;
        if (field->kind != HpackField::Kind::inserted) continue;
        if (!feed(kInsertNameless, named_only) || !feed(bytes.subspan(field->value_at), named_only)) return false;
    }
    return true;
}

bool HpackDecoder::feed(base::Bytes bytes, FieldOut out) {
    while (!bytes.empty()) {
        nghttp2_nv field{};
        int flags = 0;
        const ssize_t used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, bytes.data(), bytes.size(), 0);
        if (used < 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(used));
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            out(text(field.name, field.namelen), text(field.value, field.valuelen));
        } else if (used == 0) {
            return false;
        }
    }
    return true;
}

bool HpackDecoder::end_block() {
    nghttp2_nv field{};
    int flags = 0;
    const bool fine = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, nullptr, 0, 1) >= 0;
    return nghttp2_hd_inflate_end_headers(inflater_.get()) == 0 && fine;
}

}  // namespace llmsnoop::http
