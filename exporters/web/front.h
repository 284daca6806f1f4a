#pragma once
// Stands before a server on this machine, so that nobody can occupy that server by silence: it accepts clients, sets
// TLS up where it is wanted, waits until a request's head is there, and only then passes it on, as many at a time as
// the server behind has threads. One thread for all; a silent connection costs a descriptor and little memory.
//
// How much there may be of each kind, and what ends it:
//
//     being answered    Options::requests at a time, of all addresses in turn; ends if the client takes less than some
//                       20 KiB in Options::timeout; or in a tenth of it, where one waits as long of whose address
//                       fewer are being answered
//     anything else     Options::others; each of handshake, head and waiting has Options::timeout, in all. One more
//                       than that takes the place of the oldest of the address (IPv6: /64) that has the most of them
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "exporters/web/channel.h"
#include "exporters/web/front_connection.h"
#include "exporters/web/listen_address.h"
#include "exporters/web/refusals.h"

namespace llmsnoop::exporters {

class Front {
 public:
    struct Options {
        std::string name;  // for messages
        ListenAddress address;
        std::string address_text;  // for messages
        std::optional<TlsFiles> tls;
        ListenAddress behind;
        std::size_t requests = 4;
        std::size_t others = 256;
        std::chrono::milliseconds timeout{10'000};
        FrontConnection::Answers answers;
        std::shared_ptr<RefusalCounters> refusals;
    };

    // An address that cannot be listened on says why.
    static base::Result<std::unique_ptr<Front>> start(Options options);
    ~Front();  // ends all connections
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    std::uint16_t port() const;

 private:
    struct State;
    explicit Front(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace llmsnoop::exporters
