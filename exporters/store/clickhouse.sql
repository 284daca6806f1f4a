-- The store of many agents, in ClickHouse (18.16 and later). Agents make these tables themselves if they may; for a cluster, make
-- them by hand: Replicated... engines for both tables, and a Distributed table over each, to which store.clickhouse_database leads.
--
-- An exchange that is sent twice, after a time-out, replaces itself: by its time and id, once parts are merged, and at once for those
-- who read with FINAL, as `llmsnoop usage` does.
CREATE TABLE IF NOT EXISTS exchange (
    id String,
    time_ns Int64,
    duration_ms Nullable(Float64),
    ttft_ms Nullable(Float64),
    role Nullable(String),
    pair Nullable(String),
    failed Nullable(UInt8),
    input_tokens Nullable(UInt64),
    output_tokens Nullable(UInt64),
    cache_read_tokens Nullable(UInt64),
    cache_write_tokens Nullable(UInt64),
    reasoning_tokens Nullable(UInt64),
    total_tokens Nullable(UInt64),
    usage_source Nullable(String),
    cost_usd Nullable(Float64),
    namespace Nullable(String),
    pod Nullable(String),
    k8s_container Nullable(String),
    workload Nullable(String),
    workload_kind Nullable(String),
    node Nullable(String),
    comm Nullable(String),
    provider Nullable(String),
    request_model Nullable(String),
    response_model Nullable(String),
    operation Nullable(String),
    http_status Nullable(UInt64),
    uid Nullable(UInt64),
    container_name Nullable(String),
    container_id Nullable(String),
    label_names Array(String),
    label_values Array(String),
    pid Nullable(UInt64),
    exe Nullable(String),
    pod_uid Nullable(String),
    k8s_node Nullable(String),
    container_runtime Nullable(String),
    container_image Nullable(String),
    ppid Nullable(UInt64),
    process_start Nullable(Int64),
    cgroup Nullable(String),
    dialect Nullable(String),
    stream Nullable(UInt8),
    error_type Nullable(String),
    error_code Nullable(String),
    completeness Nullable(String),
    transport Nullable(String),
    library Nullable(String),
    protocol Nullable(String),
    server_name Nullable(String),
    peer_address Nullable(String),
    peer_port Nullable(UInt64),
    http_method Nullable(String),
    http_path Nullable(String),
    http_authority Nullable(String),
    request_bytes Nullable(UInt64),
    response_bytes Nullable(UInt64),
    retry Nullable(UInt64),
    upload_ms Nullable(Float64),
    record String
) ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(toDateTime(intDiv(time_ns, 1000000000), 'UTC'))
ORDER BY (time_ns, id);

-- By the hour, for dashboards over months: a small fraction of the rows. What was sent twice counts twice here, and both ends of an
-- exchange count; `llmsnoop usage` does not read it.
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_by_hour
ENGINE = SummingMergeTree()
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, in_namespace, in_workload, in_pod, of_provider, of_model, of_operation, of_role)
AS SELECT
    toStartOfHour(toDateTime(intDiv(time_ns, 1000000000), 'UTC')) AS hour,
    ifNull(namespace, '') AS in_namespace,
    ifNull(workload, '') AS in_workload,
    ifNull(pod, '') AS in_pod,
    ifNull(provider, '') AS of_provider,
    ifNull(ifNull(response_model, request_model), '') AS of_model,
    ifNull(operation, '') AS of_operation,
    ifNull(role, '') AS of_role,
    toUInt64(count()) AS requests,
    toUInt64(countIf(isNotNull(failed))) AS errors,
    sum(ifNull(input_tokens, toUInt64(0))) AS input,
    sum(ifNull(output_tokens, toUInt64(0))) AS output,
    sum(ifNull(cache_read_tokens, toUInt64(0))) AS cache_read,
    toUInt64(countIf(isNull(input_tokens))) AS input_unknown,
    toUInt64(countIf(isNull(output_tokens))) AS output_unknown,
    sum(ifNull(cost_usd, 0.)) AS cost
FROM exchange
GROUP BY hour, in_namespace, in_workload, in_pod, of_provider, of_model, of_operation, of_role;
