#pragma once
// Does a WebSocket message begin here? Asked after a gap, of every place in turn: it does where a plausible header of a
// first frame stands, whose payload is followed by another plausible header.
#include "agent/http/boundary_seeker.h"
#include "agent/http/websocket_frame.h"

namespace llmsnoop::http {

// What frames of this direction look like. Only clients mask (RFC 6455 section 5.1).
struct WebSocketLook {
    bool masked = false;
    bool may_be_compressed = false;
};

BoundarySeeker::Verdict judge_websocket_boundary(base::Bytes bytes, BoundarySeeker::More more,
                                                 const WebSocketLook& look);

}  // namespace llmsnoop::http
