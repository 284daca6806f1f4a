#pragma once
// Does an HTTP/2 frame begin here? Asked after a gap or on a connection joined late, of every place in turn: it does
// where plausible frame headers follow one another.
#include "agent/http/boundary_seeker.h"
#include "agent/http/http2_frame.h"

namespace llmsnoop::http {

enum class Http2Known : std::uint8_t {
    yes,  // the connection is HTTP/2 for certain
    no,   // it may be anything: more frames in a row are asked for
};

BoundarySeeker::Verdict judge_http2_boundary(base::Bytes bytes, BoundarySeeker::More more, Http2Known known);

}  // namespace llmsnoop::http
