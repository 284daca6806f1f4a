#pragma once
// The columns of a stored exchange. Each is one field of the record (record.schema.json), so the store, the filter
// language and both data bases mean the same by a name: the row is read off the record's own JSON.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "exporters/store/value.h"

namespace llmsnoop::exporters::store {

enum class ColumnType : std::uint8_t {
    text,
    name,     // a text of which there are few different ones
    integer,  // 0 to 2^64-1; what does not fit 63 bits is kept as a double
    real,
    boolean,
    time,    // RFC 3339 in the record, nanoseconds since 1970 in the store
    labels,  // an object of texts, kept as JSON text
    present  // whether the field is there at all
};

struct Column {
    std::string_view name;
    std::string_view path;  // of the field, with dots
    ColumnType type = ColumnType::text;
};

inline constexpr std::array kColumns = std::to_array<Column>({
    {"id", "id", ColumnType::text},
    {"time_ns", "time", ColumnType::time},
    {"duration_ms", "timing.duration_ms", ColumnType::real},
    {"ttft_ms", "timing.ttft_ms", ColumnType::real},
    {"role", "role", ColumnType::name},
    {"pair", "pair", ColumnType::text},
    {"failed", "llm.error", ColumnType::present},
    {"input_tokens", "usage.input_tokens", ColumnType::integer},
    {"output_tokens", "usage.output_tokens", ColumnType::integer},
    {"cache_read_tokens", "usage.cache_read_tokens", ColumnType::integer},
    {"cache_write_tokens", "usage.cache_write_tokens", ColumnType::integer},
    {"reasoning_tokens", "usage.reasoning_tokens", ColumnType::integer},
    {"total_tokens", "usage.total_tokens", ColumnType::integer},
    {"usage_source", "usage.source", ColumnType::name},
    {"cost_usd", "cost.usd", ColumnType::real},
    {"namespace", "k8s.namespace", ColumnType::name},
    {"pod", "k8s.pod", ColumnType::name},
    {"k8s_container", "k8s.container", ColumnType::name},
    {"workload", "k8s.workload.name", ColumnType::name},
    {"workload_kind", "k8s.workload.kind", ColumnType::name},
    {"node", "node", ColumnType::name},
    {"comm", "process.comm", ColumnType::name},
    {"provider", "llm.provider", ColumnType::name},
    {"request_model", "llm.request_model", ColumnType::name},
    {"response_model", "llm.response_model", ColumnType::name},
    {"operation", "llm.operation", ColumnType::name},
    {"http_status", "http.status", ColumnType::integer},
    {"uid", "process.uid", ColumnType::integer},
    {"container_name", "container.name", ColumnType::name},
    {"container_id", "container.id", ColumnType::name},
    {"labels", "k8s.labels", ColumnType::labels},
    {"pid", "process.pid", ColumnType::integer},
    {"exe", "process.exe", ColumnType::name},
    {"pod_uid", "k8s.pod_uid", ColumnType::name},
    {"k8s_node", "k8s.node", ColumnType::name},
    {"container_runtime", "container.runtime", ColumnType::name},
    {"container_image", "container.image", ColumnType::name},
    {"ppid", "process.ppid", ColumnType::integer},
    {"process_start", "process.start_time", ColumnType::time},
    {"cgroup", "process.cgroup", ColumnType::name},
    {"dialect", "llm.dialect", ColumnType::name},
    {"stream", "llm.stream", ColumnType::boolean},
    {"error_type", "llm.error.type", ColumnType::name},
    {"error_code", "llm.error.code", ColumnType::name},
    {"completeness", "completeness", ColumnType::name},
    {"transport", "net.transport", ColumnType::name},
    {"library", "net.library", ColumnType::name},
    {"protocol", "net.protocol", ColumnType::name},
    {"server_name", "net.server_name", ColumnType::name},
    {"peer_address", "net.peer.address", ColumnType::name},
    {"peer_port", "net.peer.port", ColumnType::integer},
    {"http_method", "http.method", ColumnType::name},
    {"http_path", "http.path", ColumnType::name},
    {"http_authority", "http.authority", ColumnType::name},
    {"request_bytes", "http.request_bytes", ColumnType::integer},
    {"response_bytes", "http.response_bytes", ColumnType::integer},
    {"retry", "http.retry", ColumnType::integer},
    {"upload_ms", "timing.upload_ms", ColumnType::real},
});

// A row: a value for each of kColumns, in their order.
using Row = std::array<Value, kColumns.size()>;

// Of a record's JSON text. An error if it is none, or if it lacks id or time.
base::Result<Row> row_of_record(std::string_view line);

// The column that holds a field, if there is one.
const Column* column_of_path(const std::vector<std::string>& path);

constexpr std::size_t index_of(std::string_view name) {
    for (std::size_t i = 0; i < kColumns.size(); ++i) {
        if (kColumns[i].name == name) return i;
    }
    return kColumns.size();
}

}  // namespace llmsnoop::exporters::store
