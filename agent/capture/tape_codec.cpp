#include "agent/capture/tape_codec.h"

#include <algorithm>
#include <array>

#include "agent/base/endian.h"
#include "agent/capture/tape_fields.h"

namespace llmsnoop::capture {

namespace {

using namespace model;  // NOLINT(google-build-using-namespace): every event by its name

enum Kind : std::uint8_t {
    kChunk = 1,
    kConnectionOpened = 2,
    kConnectionAddressed = 3,
    kConnectionNamed = 4,
    kDirectionEnded = 5,
    kConnectionClosed = 6,
    kProcessSeen = 7,
    kProcessEnded = 8,
    kUnprobedTls = 9,
};

// An enumerator's number on the tape is its place here: append, never reorder.
constexpr std::array kDirections{Direction::sent, Direction::received};
constexpr std::array kTransports{Transport::tls, Transport::plain};
constexpr std::array kViewpoints{Viewpoint::process, Viewpoint::wire};
constexpr std::array kOrderings{Ordering::in_order, Ordering::may_reorder};
constexpr std::array kLibraries{Library::none,   Library::openssl, Library::boringssl,
                                Library::gnutls, Library::go,      Library::rustls};
constexpr std::array kHowClosed{ConnectionClosed::How::orderly, ConnectionClosed::How::reset,
                                ConnectionClosed::How::process_ended, ConnectionClosed::How::source_ended,
                                ConnectionClosed::How::released};
constexpr std::array kHowEnded{ProcessEnded::How::exited, ProcessEnded::How::executed};
constexpr std::array kUnprobed{UnprobedTls::What::began, UnprobedTls::What::carries_data};
constexpr std::array kFamilies{Address::Family::ipv4, Address::Family::ipv6};

// Half of what 64 bits of nanoseconds reach: the difference of two times never overflows.
constexpr std::int64_t kTimeReach = std::int64_t{1} << 62;
constexpr std::uint64_t kOffsetReach = std::uint64_t{1} << 63;

template <typename Enum, std::size_t kSize>
std::uint8_t number_of(Enum value, const std::array<Enum, kSize>& table) {
    for (std::size_t i = 0; i < kSize; ++i) {
        if (table[i] == value) return static_cast<std::uint8_t>(i);
    }
    return 0xff;
}

template <typename Enum, std::size_t kSize>
Enum enumerator(TapeFieldReader& in, std::uint8_t number, const std::array<Enum, kSize>& table) {
    if (number < kSize) return table[number];
    in.fail();
    return table[0];
}

// ------------------------------------------------------------------------------------------------------------- writing

class Encoder {
 public:
    Encoder(base::Time base_time, std::string& out) : base_(base_time), out_(out), put_(out) {}

    TapePayload payload() const { return payload_; }

    void operator()(const Chunk& event) {
        const bool cut = event.length != event.bytes.size();
        const bool reason = event.missing != Loss::stream_gap;
        put_.byte(kChunk);
        put_.byte(static_cast<std::uint8_t>(number_of(event.direction, kDirections) | cut << 1 | reason << 2));
        put_.number(event.connection);
        put_.number(event.offset);
        time(event.time);
        if (cut) put_.number(event.length);
        if (reason) put_.text(text_of(event.missing).name);
        payload_ = {out_.size(), event.bytes.size()};
        out_.append(base::as_text(event.bytes));
    }

    void operator()(const ConnectionOpened& event) {
        put_.byte(kConnectionOpened);
        put_.byte(static_cast<std::uint8_t>(
            number_of(event.transport, kTransports) | number_of(event.viewpoint, kViewpoints) << 1 |
            number_of(event.ordering, kOrderings) << 2 | event.from_start << 3 | event.process.has_value() << 4 |
            event.local.has_value() << 5 | event.peer.has_value() << 6));
        put_.byte(number_of(event.library, kLibraries));
        put_.number(event.id);
        time(event.time);
        if (event.process) key(*event.process);
        if (event.local) endpoint(*event.local);
        if (event.peer) endpoint(*event.peer);
    }

    void operator()(const ConnectionAddressed& event) {
        put_.byte(kConnectionAddressed);
        put_.byte(static_cast<std::uint8_t>(event.local.has_value() | event.peer.has_value() << 1));
        put_.number(event.id);
        if (event.local) endpoint(*event.local);
        if (event.peer) endpoint(*event.peer);
    }

    void operator()(const ConnectionNamed& event) {
        put_.byte(kConnectionNamed);
        put_.number(event.id);
        put_.text(event.server_name);
    }

    void operator()(const DirectionEnded& event) {
        put_.byte(kDirectionEnded);
        put_.byte(number_of(event.direction, kDirections));
        put_.number(event.connection);
        time(event.time);
        put_.number(event.offset);
    }

    void operator()(const ConnectionClosed& event) {
        put_.byte(kConnectionClosed);
        put_.byte(static_cast<std::uint8_t>(event.sent.has_value() | event.received.has_value() << 1));
        put_.byte(number_of(event.how, kHowClosed));
        put_.number(event.id);
        time(event.time);
        if (event.sent) put_.number(*event.sent);
        if (event.received) put_.number(*event.received);
    }

    void operator()(const ProcessSeen& event) {
        const Process& process = event.process;
        put_.byte(kProcessSeen);
        put_.byte(static_cast<std::uint8_t>(process.ppid.has_value() | process.uid.has_value() << 1 |
                                            process.start_time.has_value() << 2 | process.cgroup_id.has_value() << 3));
        time(event.time);
        key(process.key);
        if (process.ppid) put_.number(*process.ppid);
        if (process.uid) put_.number(*process.uid);
        if (process.start_time) put_.signed_number(base::unix_ns(*process.start_time));
        if (process.cgroup_id) put_.number(*process.cgroup_id);
        put_.text(process.comm);
        put_.text(process.exe);
        put_.text(process.cgroup);
        put_.text(process.args_sha256);
    }

    void operator()(const ProcessEnded& event) {
        put_.byte(kProcessEnded);
        put_.byte(number_of(event.how, kHowEnded));
        time(event.time);
        key(event.process);
    }

    void operator()(const UnprobedTls& event) {
        put_.byte(kUnprobedTls);
        put_.byte(static_cast<std::uint8_t>(number_of(event.what, kUnprobed) | event.local.has_value() << 1 |
                                            event.peer.has_value() << 2));
        time(event.time);
        key(event.process);
        put_.number(event.socket);
        if (event.local) endpoint(*event.local);
        if (event.peer) endpoint(*event.peer);
        put_.text(event.server_name);
    }

 private:
    // Modulo 2^64, so that no pair of times is too far apart; the reader adds likewise.
    void time(base::Time time) {
        const auto distance =
            static_cast<std::uint64_t>(base::unix_ns(time)) - static_cast<std::uint64_t>(base::unix_ns(base_));
        put_.signed_number(static_cast<std::int64_t>(distance));
    }
    void key(const ProcessKey& process) {
        put_.number(process.pid);
        put_.number(process.start_boot_ns);
    }
    void endpoint(const Endpoint& endpoint) {
        const bool v4 = endpoint.address.family == Address::Family::ipv4;
        put_.byte(number_of(endpoint.address.family, kFamilies));
        for (std::size_t i = 0; i < (v4 ? 4 : 16); ++i)
            put_.byte(endpoint.address.bytes[i]);
        put_.number(endpoint.port);
    }

    base::Time base_;
    std::string& out_;
    TapeFieldWriter put_;
    TapePayload payload_;
};

// ------------------------------------------------------------------------------------------------------------- reading

class Decoder {
 public:
    Decoder(base::Bytes record, base::Time base_time) : get_(record), base_(base_time) {}

    TapeRecord decode(CaptureEvent& event) {
        const std::uint8_t kind = get_.byte();
        switch (kind) {
            case kChunk:
                chunk(event);
                break;
            case kConnectionOpened:
                opened(event);
                break;
            case kConnectionAddressed:
                addressed(event);
                break;
            case kConnectionNamed: {
                const ConnectionId id = get_.number();
                event = ConnectionNamed{id, get_.text()};
                break;
            }
            case kDirectionEnded:
                direction_ended(event);
                break;
            case kConnectionClosed:
                closed(event);
                break;
            case kProcessSeen:
                process_seen(event);
                break;
            case kProcessEnded: {
                const auto how = enumerator(get_, get_.byte(), kHowEnded);
                const base::Time at = time();
                event = ProcessEnded{at, key(), how};
                break;
            }
            case kUnprobedTls:
                unprobed_tls(event);
                break;
            default:
                return get_.ok() ? TapeRecord::unknown_kind : TapeRecord::broken;
        }
        return get_.ok() && get_.at_end() ? TapeRecord::event : TapeRecord::broken;
    }

 private:
    void chunk(CaptureEvent& event) {
        const std::uint8_t flags = known_flags(0x07);
        Chunk out;
        out.connection = get_.number();
        out.direction = enumerator(get_, flags & 1, kDirections);
        out.offset = get_.number();
        out.time = time();
        const bool cut = (flags & 2) != 0;
        if (cut) out.length = get_.number();
        if ((flags & 4) != 0) out.missing = loss();
        out.bytes = get_.take(get_.rest().size());
        if (!cut) out.length = out.bytes.size();
        if (out.bytes.size() > out.length || out.length > kOffsetReach || out.offset > kOffsetReach - out.length) {
            get_.fail();
        }
        event = out;
    }

    void opened(CaptureEvent& event) {
        const std::uint8_t flags = known_flags(0x7f);
        ConnectionOpened out;
        out.library = enumerator(get_, get_.byte(), kLibraries);
        out.transport = kTransports[flags & 1];
        out.viewpoint = kViewpoints[flags >> 1 & 1];
        out.ordering = kOrderings[flags >> 2 & 1];
        out.from_start = (flags >> 3 & 1) != 0;
        out.id = get_.number();
        out.time = time();
        if ((flags >> 4 & 1) != 0) out.process = key();
        if ((flags >> 5 & 1) != 0) out.local = endpoint();
        if ((flags >> 6 & 1) != 0) out.peer = endpoint();
        event = out;
    }

    void addressed(CaptureEvent& event) {
        const std::uint8_t flags = known_flags(0x03);
        ConnectionAddressed out;
        out.id = get_.number();
        if ((flags & 1) != 0) out.local = endpoint();
        if ((flags & 2) != 0) out.peer = endpoint();
        event = out;
    }

    void direction_ended(CaptureEvent& event) {
        DirectionEnded out;
        out.direction = enumerator(get_, get_.byte(), kDirections);
        out.connection = get_.number();
        out.time = time();
        out.offset = offset();
        event = out;
    }

    void closed(CaptureEvent& event) {
        const std::uint8_t flags = known_flags(0x03);
        ConnectionClosed out;
        out.how = enumerator(get_, get_.byte(), kHowClosed);
        out.id = get_.number();
        out.time = time();
        if ((flags & 1) != 0) out.sent = offset();
        if ((flags & 2) != 0) out.received = offset();
        event = out;
    }

    void process_seen(CaptureEvent& event) {
        const std::uint8_t flags = known_flags(0x0f);
        ProcessSeen out;
        out.time = time();
        Process& process = out.process;
        process.key = key();
        if ((flags & 1) != 0) process.ppid = small<std::uint32_t>();
        if ((flags & 2) != 0) process.uid = small<std::uint32_t>();
        if ((flags & 4) != 0) process.start_time = absolute_time(static_cast<std::uint64_t>(get_.signed_number()));
        if ((flags & 8) != 0) process.cgroup_id = get_.number();
        process.comm = get_.text();
        process.exe = get_.text();
        process.cgroup = get_.text();
        process.args_sha256 = get_.text();
        event = std::move(out);
    }

    void unprobed_tls(CaptureEvent& event) {
        const std::uint8_t flags = known_flags(0x07);
        UnprobedTls out;
        out.what = kUnprobed[flags & 1];
        out.time = time();
        out.process = key();
        out.socket = get_.number();
        if ((flags >> 1 & 1) != 0) out.local = endpoint();
        if ((flags >> 2 & 1) != 0) out.peer = endpoint();
        out.server_name = get_.text();
        event = std::move(out);
    }

    std::uint8_t known_flags(std::uint8_t mask) {
        const std::uint8_t flags = get_.byte();
        if ((flags & ~mask) != 0) get_.fail();
        return flags & mask;
    }

    template <typename Number>
    Number small() {
        const std::uint64_t value = get_.number();
        if (value > static_cast<Number>(-1)) get_.fail();
        return static_cast<Number>(value);
    }

    std::uint64_t offset() {
        const std::uint64_t value = get_.number();
        if (value > kOffsetReach) get_.fail();
        return value;
    }

    base::Time absolute_time(std::uint64_t ns) {
        const auto at = static_cast<std::int64_t>(ns);
        if (at >= -kTimeReach && at <= kTimeReach) return base::time_from_unix_ns(at);
        get_.fail();
        return {};
    }

    base::Time time() {
        return absolute_time(static_cast<std::uint64_t>(base::unix_ns(base_)) +
                             static_cast<std::uint64_t>(get_.signed_number()));
    }

    ProcessKey key() {
        ProcessKey out;
        out.pid = small<std::uint32_t>();
        out.start_boot_ns = get_.number();
        return out;
    }

    Endpoint endpoint() {
        Endpoint out;
        out.address.family = enumerator(get_, get_.byte(), kFamilies);
        const base::Bytes bytes = get_.take(out.address.family == Address::Family::ipv4 ? 4 : 16);
        std::copy(bytes.begin(), bytes.end(), out.address.bytes.begin());
        out.port = small<std::uint16_t>();
        return out;
    }

    // A name that a newer agent wrote and this one does not know stands for a gap like any other.
    Loss loss() { return loss_named(base::as_text(get_.take(get_.number()))).value_or(Loss::stream_gap); }

    TapeFieldReader get_;
    base::Time base_;
};

}  // namespace

TapePayload encode_tape_record(const CaptureEvent& event, base::Time base_time, std::string& out) {
    const std::size_t start = out.size();
    out.append(kTapeRecordSize, '\0');
    Encoder encoder(base_time, out);
    std::visit(encoder, event);
    const auto size = static_cast<std::uint32_t>(out.size() - start - kTapeRecordSize);
    base::store_le(reinterpret_cast<std::uint8_t*>(out.data() + start), size);
    return encoder.payload();
}

std::optional<Loss> loss_named(std::string_view name) {
    for (std::size_t i = 0; i < kLossCount; ++i) {
        if (text_of(static_cast<Loss>(i)).name == name) return static_cast<Loss>(i);
    }
    return std::nullopt;
}

TapeRecord decode_tape_record(base::Bytes record, base::Time base_time, CaptureEvent& event) {
    return Decoder(record, base_time).decode(event);
}

}  // namespace llmsnoop::capture
