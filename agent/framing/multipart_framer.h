#pragma once
// The fields of a form (multipart/form-data, RFC 7578 over RFC 2046 section 5.1). Fields are delivered whole when they
// end; of a file only its name is (an empty document). Lines may end with a bare LF, as some clients send them.
//
// Memory: one field, up to the limit, and one part's headers, up to kHeadBytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/framing/outlet.h"
#include "agent/framing/padded_buffer.h"

namespace llmsnoop::framing {

class MultipartFramer {
 public:
    static constexpr std::size_t kHeadBytes = 8U << 10;         // of one part
    static constexpr std::size_t kDelimiterPadding = 1U << 10;  // white space behind a boundary

    // `boundary` as the content type names it, not empty.
    MultipartFramer(std::string_view boundary, std::size_t field_bytes);

    void feed(base::Bytes bytes, Outlet& out);
    void gap(Outlet& out);
    void end(bool whole, Outlet& out);

    std::size_t held_bytes() const { return value_.capacity(); }

 private:
    enum class Part : std::uint8_t {
        none,  // what stands before the first boundary, or follows a gap
        head,  // the header lines of a part
        field,
        file,
        over,  // behind the last boundary
    };
    // How far the bytes in held_ go towards a delimiter: line break, "--boundary", then white space and a line break,
    // or "--".
    enum class Match : std::uint8_t { no, carriage_return, boundary, padding, line_feed, dash };

    std::size_t take_head(base::Bytes bytes, Outlet& out);
    void take_head_line(std::string_view line);
    std::size_t take_content(base::Bytes bytes, Outlet& out);
    std::size_t match(base::Bytes bytes, Outlet& out);
    std::size_t match_boundary(base::Bytes bytes, Outlet& out);
    void no_match(Outlet& out);
    void add_content(base::Bytes bytes, Outlet& out);
    void begin_part();
    void end_part(bool truncated, Outlet& out);

    std::string delimiter_;  // "--boundary"
    std::size_t limit_;
    Part part_ = Part::none;

    std::string line_;           // head: the unfinished line
    std::size_t head_size_ = 0;  // head: bytes so far
    std::string name_;
    bool is_file_ = false;
    PaddedBuffer value_;
    bool too_large_ = false;

    Match match_ = Match::boundary;  // the first boundary needs no line break before it
    std::size_t matched_ = 0;        // bytes of delimiter_
    std::string held_;               // bytes that are content unless they turn out to be a delimiter
};

}  // namespace llmsnoop::framing
