#include "agent/capture/record_decoder.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "agent/capture/client_hello.h"
#include "bpf/shared/wire.h"

namespace llmsnoop::capture {

namespace {

// Half of what 64 bits of nanoseconds reach, in the year 2116: neither the sum nor the difference of two times
// overflows.
constexpr std::int64_t kLatest = INT64_MAX / 2;

// A copy of the record's fixed part, so that alignment and aliasing are of no concern.
template <typename Record>
std::optional<Record> fixed_part(base::Bytes bytes) {
    if (bytes.size() < sizeof(Record)) return std::nullopt;
    Record record;
    std::memcpy(&record, bytes.data(), sizeof record);
    return record;
}

template <std::size_t kSize>
std::string text(const char (&field)[kSize]) {
    return {field, strnlen(field, kSize)};
}

model::Direction direction_of(std::uint8_t wire) {
    return wire == WIRE_SENT ? model::Direction::sent : model::Direction::received;
}

model::Library library_of(std::uint32_t wire) {
    switch (wire) {
        case WIRE_LIBRARY_OPENSSL:
            return model::Library::openssl;
        case WIRE_LIBRARY_BORINGSSL:
            return model::Library::boringssl;
        case WIRE_LIBRARY_GNUTLS:
            return model::Library::gnutls;
        case WIRE_LIBRARY_GO:
            return model::Library::go;
        case WIRE_LIBRARY_RUSTLS:
            return model::Library::rustls;
        default:
            return model::Library::none;
    }
}

model::Loss missing_of(std::uint8_t wire) {
    switch (wire) {
        case WIRE_MISSING_UNREADABLE:
            return model::Loss::user_page_unreadable;
        case WIRE_MISSING_CALL_LIMIT:
            return model::Loss::call_limit;
        case WIRE_MISSING_UNSEEN:
            return model::Loss::moved_in_kernel;
        case WIRE_MISSING_RING_FULL:
            return model::Loss::ring_full;
        case WIRE_MISSING_SHARE:
            return model::Loss::process_share;
        default:
            return model::Loss::stream_gap;
    }
}

std::optional<model::Endpoint> endpoint(const std::uint8_t (&address)[16], std::uint16_t port, std::uint32_t family) {
    if (family != AF_INET && family != AF_INET6) return std::nullopt;
    // RFC 4291 section 2.5.5.2: what one end calls ::ffff:192.0.2.1 is 192.0.2.1 to the other, and the two must be
    // equal.
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool mapped = family == AF_INET6 && std::equal(kMapped.begin(), kMapped.end(), address);
    const bool ipv4 = family == AF_INET || mapped;
    model::Endpoint out;
    out.address.family = ipv4 ? model::Address::Family::ipv4 : model::Address::Family::ipv6;
    std::copy_n(address + (mapped ? kMapped.size() : 0), ipv4 ? 4 : 16, out.address.bytes.begin());
    out.port = port;
    return out;
}

// From leaf-to-root names to "/a/b/c"; a cut path keeps its end and begins with "...", a cut name its beginning.
std::string path_text(const wire_path& path) {
    const std::string_view names(path.names, std::min<std::size_t>(path.size, sizeof path.names));
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at < names.size();) {
        const std::size_t end = std::min(names.find('\0', at), names.size());
        if (end > at) parts.push_back(names.substr(at, end - at));
        at = end + 1;
    }
    std::string out = (path.cut & WIRE_CUT_ROOT) != 0 ? "..." : "";
    for (auto part = parts.rbegin(); part != parts.rend(); ++part)
        out.append("/").append(*part).append(part->size() + 1 < WIRE_COMPONENT_MAX ? "" : "...");
    return out;
}

model::Process process_of(const wire_process& record) {
    model::Process out;
    out.key = {record.pid, record.start_ns};
    out.ppid = record.ppid;
    out.uid = record.uid;
    out.comm = text(record.comm);
    out.exe = path_text(record.exe);
    out.cgroup = path_text(record.cgroup);
    if (out.cgroup.empty()) out.cgroup = "/";
    out.cgroup_id = record.cgroup_id;
    return out;
}

}  // namespace

base::Time RecordDecoder::wall(std::uint64_t monotonic_ns) const {
    const auto monotonic = static_cast<std::int64_t>(std::min<std::uint64_t>(monotonic_ns, kLatest));
    return base::time_from_unix_ns(std::min(monotonic + monotonic_to_wall_.load(std::memory_order_relaxed), kLatest));
}

std::optional<model::CaptureEvent> RecordDecoder::decode(base::Bytes record) const {
    const auto header = fixed_part<wire_header>(record);
    if (!header || header->size > record.size()) {
        losses_.add(model::Loss::record_size);
        return std::nullopt;
    }
    if (header->version != LLMSNOOP_WIRE_VERSION) {
        losses_.add(model::Loss::record_version);
        return std::nullopt;
    }
    record = record.first(header->size);
    switch (header->kind) {
        case WIRE_DATA:
            if (const auto data = fixed_part<wire_data>(record)) {
                const base::Bytes payload = record.subspan(sizeof *data);
                if (data->captured > payload.size() || data->captured > data->length) break;
                return model::Chunk{data->connection,
                                    direction_of(header->direction),
                                    data->offset,
                                    wall(data->time_ns),
                                    data->length,
                                    payload.first(data->captured),
                                    missing_of(header->flags)};
            }
            break;
        case WIRE_CONNECTION_OPEN:
            if (const auto open = fixed_part<wire_connection_open>(record)) {
                model::ConnectionOpened out;
                out.id = open->connection;
                out.time = wall(open->time_ns);
                out.process = model::ProcessKey{open->pid, open->process_start_ns};
                out.library = library_of(open->library);
                out.transport = open->library == WIRE_LIBRARY_NONE ? model::Transport::plain : model::Transport::tls;
                out.from_start = (header->flags & WIRE_OPEN_FROM_START) != 0;
                return out;
            }
            break;
        case WIRE_CONNECTION_SOCKET:
            if (const auto socket = fixed_part<wire_connection_socket>(record)) {
                const wire_socket& at = socket->socket;
                return model::ConnectionAddressed{socket->connection,
                                                  endpoint(at.local_address, at.local_port, at.family),
                                                  endpoint(at.peer_address, at.peer_port, at.family)};
            }
            break;
        case WIRE_CONNECTION_NAME:
            if (const auto name = fixed_part<wire_connection_name>(record)) {
                return model::ConnectionNamed{name->connection, text(name->name)};
            }
            break;
        case WIRE_DIRECTION_END:
            if (const auto end = fixed_part<wire_direction_end>(record)) {
                return model::DirectionEnded{end->connection, direction_of(header->direction), wall(end->time_ns),
                                             end->offset};
            }
            break;
        case WIRE_CONNECTION_CLOSE:
            if (const auto close = fixed_part<wire_connection_close>(record)) {
                model::ConnectionClosed out;
                out.id = close->connection;
                out.time = wall(close->time_ns);
                out.how = header->flags == WIRE_CLOSE_LOST ? model::ConnectionClosed::How::reset
                                                           : model::ConnectionClosed::How::released;
                out.sent = close->offset[WIRE_SENT];
                out.received = close->offset[WIRE_RECEIVED];
                return out;
            }
            break;
        case WIRE_PROCESS:
            if (const auto process = fixed_part<wire_process>(record)) {
                return model::ProcessSeen{wall(process->time_ns), process_of(*process)};
            }
            break;
        case WIRE_PROCESS_EXEC:
        case WIRE_PROCESS_EXIT:
            if (const auto end = fixed_part<wire_process_end>(record)) {
                return model::ProcessEnded{wall(end->time_ns), model::ProcessKey{end->pid, end->start_ns},
                                           header->kind == WIRE_PROCESS_EXIT ? model::ProcessEnded::How::exited
                                                                             : model::ProcessEnded::How::executed};
            }
            break;
        case WIRE_HELLO:
            if (const auto hello = fixed_part<wire_hello>(record); hello && hello->captured <= WIRE_HELLO_MAX) {
                model::UnprobedTls out;
                out.process = {hello->pid, hello->process_start_ns};
                out.time = wall(hello->time_ns);
                out.socket = hello->socket;
                const wire_socket& at = hello->addresses;
                out.local = endpoint(at.local_address, at.local_port, at.family);
                out.peer = endpoint(at.peer_address, at.peer_port, at.family);
                auto name = server_name_of({hello->bytes, hello->captured});
                if (!name) losses_.add(model::Loss::server_name_unread);
                out.server_name = name.value_or("");
                return out;
            }
            break;
        case WIRE_HELLO_DATA:
            if (const auto data = fixed_part<wire_hello_data>(record)) {
                model::UnprobedTls out;
                out.process = {data->pid, data->process_start_ns};
                out.time = wall(data->time_ns);
                out.socket = data->socket;
                out.what = model::UnprobedTls::What::carries_data;
                return out;
            }
            break;
        default:
            losses_.add(model::Loss::record_kind);
            return std::nullopt;
    }
    losses_.add(model::Loss::record_size);
    return std::nullopt;
}

model::Loss loss_of_wire(std::uint32_t wire_loss) {
    switch (wire_loss) {
        case WIRE_LOSS_RING_FULL:
            return model::Loss::ring_full;
        case WIRE_LOSS_UNREADABLE:
            return model::Loss::user_page_unreadable;
        case WIRE_LOSS_CALL_LIMIT:
            return model::Loss::call_limit;
        case WIRE_LOSS_CALLS_FULL:
            return model::Loss::calls_full;
        case WIRE_LOSS_CONNECTIONS_FULL:
            return model::Loss::connections_full;
        case WIRE_LOSS_CALLS_NESTED:
            return model::Loss::calls_nested;
        case WIRE_LOSS_CALL_UNRETURNED:
            return model::Loss::call_unreturned;
        case WIRE_LOSS_UNSEEN:
            return model::Loss::moved_in_kernel;
        case WIRE_LOSS_UNTIED:
            return model::Loss::connection_untied;
        case WIRE_LOSS_PROCESS_SHARE:
            return model::Loss::process_share;
        default:
            return model::Loss::process_record_lost;
    }
}

}  // namespace llmsnoop::capture
