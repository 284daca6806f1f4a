#pragma once
// Text that somebody else chose (names of processes and files), made fit for one line of a terminal or a log.
#include <string>
#include <string_view>

namespace llmsnoop::base {

// Every control character becomes an escape: \n, \r, \t, and \xNN for the rest of C0, DEL, C1 (U+0080 to U+009F, which
// terminals obey too) and each byte that is no UTF-8. All else stays as it is, the backslash too.
std::string printable(std::string_view text);

}  // namespace llmsnoop::base
