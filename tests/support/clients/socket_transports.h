#pragma once
// The transports over a socket of their own: plain, and TLS in its three drives.
#include "tests/support/clients/transport.h"

namespace llmsnoop::support {

class PlainTransport final : public Transport {
 public:
    PlainTransport(base::Fd fd, bool vectors) : fd_(std::move(fd)), vectors_(vectors) {}

    bool write(std::string_view bytes) override;
    std::size_t read(char* into, std::size_t size) override;
    void shutdown() override;
    std::uint16_t port() const override;
    const CallCounts& counts() const override { return counts_; }

 private:
    base::Fd fd_;
    bool vectors_;
    CallCounts counts_;
};

class TlsSession final : public Transport {
 public:
    TlsSession(const TlsClient& client, base::Fd fd, const TransportOptions& options);

    bool handshake();
    bool write(std::string_view bytes) override;
    std::size_t read(char* into, std::size_t size) override;
    void shutdown() override;
    std::uint16_t port() const override;
    const CallCounts& counts() const override { return counts_; }

 private:
    enum class Retry : std::uint8_t { now, never };

    int read_once(char* into, std::size_t size, std::size_t& got);
    int write_once(std::string_view bytes, std::size_t& accepted);
    Retry after(int result);
    bool wait_for(short events) const;
    bool send_pending();
    bool receive();

    const SslApi& api_;
    base::Fd fd_;
    std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
    const Drive drive_;
    const Calls calls_;
    BIO* incoming_ = nullptr;  // of a memory BIO drive; owned by the SSL object
    BIO* outgoing_ = nullptr;
    CallCounts counts_;
};

}  // namespace llmsnoop::support
