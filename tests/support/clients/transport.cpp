#include "tests/support/clients/transport.h"

#include "tests/support/clients/alternating_transport.h"
#include "tests/support/clients/socket_transports.h"
#include "tests/support/net/socket.h"

namespace llmsnoop::support {

base::Result<TlsClient> TlsClient::create(const SslApi& api, const std::string& authority) {
    TlsClient client(api, api.ctx_new(api.tls_client_method()));
    if (!client.context_) return base::error("cannot make a TLS context");
    if (authority.empty()) return client;
    if (api.ctx_load_verify_locations(client.context(), authority.c_str(), nullptr) != 1)
        return base::error("cannot read certificates from " + authority);
    api.ctx_set_verify(client.context(), SSL_VERIFY_PEER, nullptr);
    return client;
}

base::Result<std::unique_ptr<Transport>> Transport::connect(const TlsClient& client, const TransportOptions& options) {
    auto fd = connect_to_loopback(options.port);
    if (!fd) return fd.error();
    std::unique_ptr<Transport> transport;
    bool connected = true;
    if (options.drive == Drive::plain || options.drive == Drive::vectors) {
        transport = std::make_unique<PlainTransport>(std::move(*fd), options.drive == Drive::vectors);
    } else {
        auto session = std::make_unique<TlsSession>(client, std::move(*fd), options);
        connected = session->handshake();
        transport = std::move(session);
    }
    if (!connected) return base::error("TLS handshake failed");
    if (options.threads == Threads::alternating)
        transport = std::make_unique<AlternatingTransport>(std::move(transport));
    return transport;
}

}  // namespace llmsnoop::support
