#pragma once
// A capture written by hand, for tests: one event a line, readable as the story that it is.
//
//   # anything after a hash is a comment
//   process 100 start=5 comm=python3 exe=/usr/bin/python3 uid=1000
//   open 1 client from_start openssl pid=100 peer 192.0.2.1:443
//   >> 1 "POST /v1/chat/completions HTTP/1.1\r\n"
//        "Host: api.example.com\r\n\r\n"            a line that begins with a piece continues the one before
//   after 12.5ms
//   << 1 "HTTP/1.1 200 OK\r\n\r\n" @answer.txt      @file: the bytes of a file, relative to the script
//   repeat 20 << 1 "data: {}\n\n"                   twenty chunks
//   gap << 1 100                                    bytes that nobody saw: the offset moves on, no event
//   end << 1
//   close 1 orderly
//
// The statements, with their options in any order:
//
// clang-format off
//   at DURATION, after DURATION    sets the clock, which starts at 2026-01-01T00:00:00Z, or moves it on: 5ns 5us 5ms 5s 5m 5h
//   process PID                    start=NS comm= exe= uid= ppid= cgroup= cgroup_id= args_sha256= started=DURATION
//   exit PID, exec PID             the process ended, or executed another program
//   open ID                        client|server (which end is observed; client), from_start|joined (joined),
//                                  none|openssl|boringssl|gnutls|go|rustls (none: no TLS), pid=PID, local ADDRESS, peer ADDRESS,
//                                  wire (a packet capture's view: both may_reorder and nobody's process), may_reorder
//   unannounced ID                 an `open` that the source has lost: what follows comes without it
//   address ID                     local ADDRESS, peer ADDRESS
//   name ID SERVER_NAME
//   >> ID PIECE..., << ID PIECE... bytes from the client to the server, and back; at=OFFSET: not where the last ones ended.
//                                  PIECE: "text" with \r \n \t \0 \" \\ \xHH, @file, hex:00ff; each may be followed by *COUNT
//   gap >> ID LENGTH [LOSS]        with the name of a loss: a chunk of that length without bytes
//   end >> ID                      nothing more comes in this direction
//   close ID                       orderly|reset|process_ended|source_ended|released (orderly), lengths (tell the final lengths)
//   unprobed PID SOCKET data       more than a handshake goes over a socket without a probe; before that:
//   unprobed PID SOCKET hello NAME local ADDRESS, peer ADDRESS
//   pieces COUNT                   from here on chunks are cut into pieces of at most so many bytes; 0: not cut
//   repeat COUNT STATEMENT
// clang-format on
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/capture/source.h"

namespace llmsnoop::capture {

struct Script {
    std::vector<model::CaptureEvent> events;  // chunks borrow from `payload`
    std::deque<std::string> payload;
};

// `name` is what errors call the script ("NAME:LINE: what is wrong"), `folder` what @file is relative to.
base::Result<Script> parse_script(std::string_view text, const std::string& name, const std::string& folder = ".");

// A source that delivers the events of a script, as fast as it is polled.
base::Result<std::unique_ptr<Source>> open_script(const std::string& path);
std::unique_ptr<Source> play_script(Script script);

}  // namespace llmsnoop::capture
