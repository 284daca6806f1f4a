#pragma once
// Builds packets and capture files byte by byte, for tests. Every function returns bytes as a std::string.
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace llmsnoop::support {

enum class ByteOrder : std::uint8_t { little, big };

template <typename Number>
std::string number(Number value, ByteOrder order = ByteOrder::big) {
    std::string out(sizeof(Number), '\0');
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
        const std::size_t at = order == ByteOrder::little ? i : sizeof(Number) - 1 - i;
        out[at] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff);
    }
    return out;
}

// ------------------------------------------------------------------------------------------------------------- packets

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;

// The host is the last byte of its address: 10.0.0.HOST or 2001:db8::HOST.
struct Peer {
    std::uint8_t host = 1;
    std::uint16_t port = 0;
};

inline std::string tcp(Peer from, Peer to, std::uint32_t sequence, std::uint32_t acknowledged, std::uint8_t flags,
                       std::string_view payload = {}, std::string_view options = {}) {
    const auto header = static_cast<std::uint8_t>((20 + options.size()) / 4);
    return number(from.port) + number(to.port) + number(sequence) + number(acknowledged) +
           number(static_cast<std::uint8_t>(header << 4)) + number(flags) + number(std::uint16_t{65535}) +
           number(std::uint32_t{0}) + std::string(options) + std::string(payload);
}

struct Ipv4 {
    Peer from;
    Peer to;
    std::uint8_t protocol = 6;
    std::uint16_t fragment = 0x4000;  // flags and offset
    std::string options = {};         // multiple of four bytes
    int length = -1;                  // what the total length field says; -1: the truth
};

inline std::string ipv4(const Ipv4& head, std::string_view content) {
    const std::size_t header = 20 + head.options.size();
    const auto length = static_cast<std::uint16_t>(head.length >= 0 ? head.length : header + content.size());
    const auto address = [](std::uint8_t host) { return std::string("\x0a\x00\x00", 3) + static_cast<char>(host); };
    return number(static_cast<std::uint8_t>(0x40 | header / 4)) + number(std::uint8_t{0}) + number(length) +
           number(std::uint16_t{7}) + number(head.fragment) + number(std::uint8_t{64}) + number(head.protocol) +
           number(std::uint16_t{0}) + address(head.from.host) + address(head.to.host) + head.options +
           std::string(content);
}

struct Ipv6 {
    Peer from;
    Peer to;
    std::uint8_t next = 6;
    int length = -1;  // what the payload length field says; -1: the truth
};

inline std::string ipv6(const Ipv6& head, std::string_view content) {
    const auto length = static_cast<std::uint16_t>(head.length >= 0 ? head.length : content.size());
    const auto address = [](std::uint8_t host) {
        return std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + static_cast<char>(host);
    };
    return number(std::uint32_t{0x60000000}) + number(length) + number(head.next) + number(std::uint8_t{64}) +
           address(head.from.host) + address(head.to.host) + std::string(content);
}

// An extension header of eight bytes that says what follows it.
inline std::string ipv6_extension(std::uint8_t next, std::string_view content) {
    return number(next) + number(std::uint8_t{0}) + std::string(6, '\0') + std::string(content);
}

// `tags`: the EtherTypes of VLAN tags, outermost first.
inline std::string ethernet(std::uint16_t type, std::string_view content,
                            std::initializer_list<std::uint16_t> tags = {}) {
    std::string out("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
    for (const std::uint16_t tag : tags)
        out += number(tag) + number(std::uint16_t{42});
    return out + number(type) + std::string(content);
}

// ------------------------------------------------------------------------------------------------- one TCP
// conversation

// Makes the packets of a connection and keeps its sequence numbers. IPv4, without a link layer.
class Talk {
 public:
    Talk(Peer client, Peer server, std::uint32_t client_isn = 1000, std::uint32_t server_isn = 5000)
        : client_(client), server_(server), client_next_(client_isn), server_next_(server_isn) {}

    std::vector<std::string> handshake() { return {syn(), syn_ack(), client_packet(kAck)}; }
    std::string syn() {
        std::string out = ipv4({client_, server_}, tcp(client_, server_, client_next_, 0, kSyn));
        ++client_next_;
        return out;
    }
    std::string syn_ack() {
        std::string out = ipv4({server_, client_}, tcp(server_, client_, server_next_, client_next_, kSyn | kAck));
        ++server_next_;
        return out;
    }
    std::string client_says(std::string_view payload) {
        std::string out = client_packet(kAck | kPsh, payload);
        client_next_ += static_cast<std::uint32_t>(payload.size());
        return out;
    }
    std::string server_says(std::string_view payload) {
        std::string out = server_packet(kAck | kPsh, payload);
        server_next_ += static_cast<std::uint32_t>(payload.size());
        return out;
    }
    std::string client_fin() { return step(client_packet(kFin | kAck), client_next_); }
    std::string server_fin() { return step(server_packet(kFin | kAck), server_next_); }

    // At the current place of the stream, or `shift` bytes from there; nothing moves on.
    std::string client_packet(std::uint8_t flags, std::string_view payload = {}, std::int32_t shift = 0) const {
        const std::uint32_t at = client_next_ + static_cast<std::uint32_t>(shift);
        return ipv4({client_, server_}, tcp(client_, server_, at, server_next_, flags, payload));
    }
    std::string server_packet(std::uint8_t flags, std::string_view payload = {}, std::int32_t shift = 0) const {
        const std::uint32_t at = server_next_ + static_cast<std::uint32_t>(shift);
        return ipv4({server_, client_}, tcp(server_, client_, at, client_next_, flags, payload));
    }
    void skip_client(std::uint32_t count) { client_next_ += count; }
    void skip_server(std::uint32_t count) { server_next_ += count; }

 private:
    static std::string step(std::string packet, std::uint32_t& next) {
        ++next;
        return packet;
    }

    Peer client_;
    Peer server_;
    std::uint32_t client_next_;
    std::uint32_t server_next_;
};

// ------------------------------------------------------------------------------------------------------------- files

inline constexpr std::uint32_t kLinkEthernet = 1;
inline constexpr std::uint32_t kLinkRaw = 101;

inline std::string pcap_header(std::uint32_t link = kLinkRaw, ByteOrder order = ByteOrder::little,
                               bool nanoseconds = false) {
    return number(nanoseconds ? 0xa1b23c4dU : 0xa1b2c3d4U, order) + number(std::uint16_t{2}, order) +
           number(std::uint16_t{4}, order) + std::string(8, '\0') + number(262144U, order) + number(link, order);
}

// `length`: on the wire, where it is more than was captured.
inline std::string pcap_record(std::uint32_t seconds, std::uint32_t fraction, std::string_view packet,
                               ByteOrder order = ByteOrder::little, std::size_t length = 0) {
    const auto captured = static_cast<std::uint32_t>(packet.size());
    const auto wire = static_cast<std::uint32_t>(length > packet.size() ? length : packet.size());
    return number(seconds, order) + number(fraction, order) + number(captured, order) + number(wire, order) +
           std::string(packet);
}

// A raw-IP capture whose packets are a millisecond apart, beginning at second 1,700,000,000.
inline std::string pcap_file(const std::vector<std::string>& packets) {
    std::string out = pcap_header();
    std::uint32_t tick = 0;
    for (const std::string& packet : packets) {
        out += pcap_record(1'700'000'000 + tick / 1000, tick % 1000 * 1000, packet);
        ++tick;
    }
    return out;
}

class PcapNg {
 public:
    explicit PcapNg(ByteOrder order = ByteOrder::little) { section(order); }

    const std::string& bytes() const { return bytes_; }

    PcapNg& section(ByteOrder order) {
        order_ = order;
        return block(0x0a0d0d0a, num(std::uint32_t{0x1a2b3c4d}) + num(std::uint16_t{1}) + num(std::uint16_t{0}) +
                                     std::string(8, '\xff'));
    }
    PcapNg& block(std::uint32_t type, std::string body) {
        body.resize((body.size() + 3) / 4 * 4);
        const auto length = static_cast<std::uint32_t>(body.size() + 12);
        bytes_ += num(type) + num(length) + body + num(length);
        return *this;
    }
    PcapNg& interface(std::uint16_t link, std::uint32_t snap_length = 0, const std::string& options = {}) {
        return block(1, num(link) + num(std::uint16_t{0}) + num(snap_length) + options);
    }
    std::string option(std::uint16_t code, std::string value) const {
        const auto size = static_cast<std::uint16_t>(value.size());
        value.resize((value.size() + 3) / 4 * 4);
        return num(code) + num(size) + value;
    }
    PcapNg& enhanced(std::uint32_t interface, std::uint64_t units, std::string_view packet,
                     const std::string& options = {}) {
        const auto size = static_cast<std::uint32_t>(packet.size());
        std::string data(packet);
        data.resize((data.size() + 3) / 4 * 4);
        return block(6, num(interface) + num(static_cast<std::uint32_t>(units >> 32)) +
                            num(static_cast<std::uint32_t>(units)) + num(size) + num(size) + data + options);
    }
    PcapNg& simple(std::string_view packet, std::uint32_t length) {
        return block(3, num(length) + std::string(packet));
    }
    PcapNg& old(std::uint16_t interface, std::uint64_t units, std::string_view packet) {
        const auto size = static_cast<std::uint32_t>(packet.size());
        return block(2, num(interface) + num(std::uint16_t{0}) + num(static_cast<std::uint32_t>(units >> 32)) +
                            num(static_cast<std::uint32_t>(units)) + num(size) + num(size) + std::string(packet));
    }

    template <typename Number>
    std::string num(Number value) const {
        return number(value, order_);
    }

 private:
    ByteOrder order_ = ByteOrder::little;
    std::string bytes_;
};

}  // namespace llmsnoop::support
