#include "exporters/record_json.h"

#include <cmath>

#include "agent/base/clock.h"
#include "exporters/json_writer.h"
#include "exporters/record_timing.h"

namespace llmsnoop::exporters {

namespace {

using model::Exchange;

void milliseconds_if_known(JsonWriter& json, std::string_view key, std::optional<base::Duration> duration) {
    if (duration) json.member(key, base::milliseconds(*duration));
}

template <typename Number>
void number_if_known(JsonWriter& json, std::string_view key, const std::optional<Number>& value) {
    if (value) json.member(key, static_cast<std::uint64_t>(*value));
}

void write_process(JsonWriter& json, const model::Identity& identity) {
    const model::Process& process = identity.process;
    if (process.key.pid == 0) return;  // a packet capture knows no process
    json.begin_object("process");
    json.member("pid", std::uint64_t{process.key.pid});
    number_if_known(json, "ppid", process.ppid);
    json.member_if_known("comm", process.comm);
    json.member_if_known("exe", process.exe);
    number_if_known(json, "uid", process.uid);
    if (process.start_time) json.member("start_time", base::rfc3339(*process.start_time));
    json.member_if_known("cgroup", process.cgroup);
    json.member_if_known("systemd_unit", identity.systemd_unit);
    json.member_if_known("args_sha256", process.args_sha256);
    json.end_object();
}

void write_container(JsonWriter& json, const model::Container& container) {
    const auto mark = json.begin_object("container");
    json.member_if_known("id", container.id);
    json.member_if_known("runtime", container.runtime);
    json.member_if_known("name", container.name);
    json.member_if_known("image", container.image);
    json.end_object_unless_empty(mark);
}

void write_pod(JsonWriter& json, const model::Pod& pod) {
    const auto mark = json.begin_object("k8s");
    json.member_if_known("namespace", pod.namespace_name);
    json.member_if_known("pod", pod.name);
    json.member_if_known("pod_uid", pod.uid);
    json.member_if_known("container", pod.container);
    json.member_if_known("node", pod.node);
    const auto workload = json.begin_object("workload");
    json.member_if_known("kind", pod.workload_kind);
    json.member_if_known("name", pod.workload_name);
    json.end_object_unless_empty(workload);
    const auto labels = json.begin_object("labels");
    for (const auto& [name, value] : pod.labels)
        json.member(name, value);
    json.end_object_unless_empty(labels);
    json.end_object_unless_empty(mark);
}

void write_endpoint(JsonWriter& json, std::string_view key, const std::optional<model::Endpoint>& endpoint) {
    if (!endpoint) return;
    json.begin_object(key);
    json.member("address", model::to_string(endpoint->address));
    json.member("port", std::uint64_t{endpoint->port});
    json.end_object();
}

void write_net(JsonWriter& json, const model::Net& net) {
    json.begin_object("net");
    json.member("transport", model::name_of(net.transport));
    json.member("library", model::name_of(net.library));
    json.member_if_known("protocol", model::name_of(net.protocol));
    write_endpoint(json, "local", net.local);
    write_endpoint(json, "peer", net.peer);
    json.member_if_known("server_name", net.server_name);
    json.end_object();
}

void write_http(JsonWriter& json, const model::Http& http) {
    json.begin_object("http");
    json.member_if_known("method", http.method);
    json.member_if_known("path", http.path);
    json.member_if_known("authority", http.authority);
    number_if_known(json, "status", http.status);
    json.member("request_bytes", http.request_bytes);
    json.member("response_bytes", http.response_bytes);
    number_if_known(json, "retry", http.retry);
    json.member_if_known("request_sha256", http.request_sha256);
    json.member_if_known("response_sha256", http.response_sha256);
    json.end_object();
}

void write_error(JsonWriter& json, const Exchange& exchange) {
    const bool failed = exchange.http.status.value_or(0) >= 400;
    if (!exchange.llm.error && !failed) return;
    json.begin_object("error");
    if (exchange.llm.error) {
        json.member_if_known("type", exchange.llm.error->type);
        json.member_if_known("code", exchange.llm.error->code);
    }
    json.member_if_known("message_sha256", exchange.hashes.error_message_sha256);
    json.end_object();
}

void write_llm(JsonWriter& json, const Exchange& exchange) {
    const model::LlmCall& call = exchange.llm;
    json.begin_object("llm");
    json.member_if_known("provider", call.provider);
    json.member_if_known("dialect", call.dialect);
    json.member_if_known("operation", call.operation);
    json.member_if_known("request_model", call.request_model);
    json.member_if_known("response_model", call.response_model);
    json.member_if_known("response_id", call.response_id);
    json.member_if_known("service_tier", call.service_tier);
    if (call.stream) json.member("stream", *call.stream);
    number_if_known(json, "choices", call.choices);
    const auto reasons = json.begin_array("finish_reasons");
    for (const std::string& reason : call.finish_reasons)
        json.string(reason);
    json.end_array_unless_empty(reasons);
    const auto tools = json.begin_array("tool_calls");
    for (const model::ToolCall& tool : call.tool_calls)
        json.string(tool.name);
    json.end_array_unless_empty(tools);
    write_error(json, exchange);
    json.end_object();
}

void write_usage(JsonWriter& json, const model::Usage& usage) {
    json.begin_object("usage");
    number_if_known(json, "input_tokens", usage.input);
    number_if_known(json, "output_tokens", usage.output);
    number_if_known(json, "cache_read_tokens", usage.cache_read);
    number_if_known(json, "cache_write_tokens", usage.cache_write);
    number_if_known(json, "reasoning_tokens", usage.reasoning);
    number_if_known(json, "total_tokens", usage.total);
    json.member("source", model::name_of(usage.source));
    json.member_if_known("adjusted_by", usage.adjusted_by);
    const auto details = json.begin_object("details");
    for (const auto& [name, value] : usage.details)
        json.member(name, value);
    json.end_object_unless_empty(details);
    json.end_object();
}

void write_cost(JsonWriter& json, const std::optional<model::Cost>& cost) {
    if (!cost || !std::isfinite(cost->usd)) return;
    json.begin_object("cost");
    json.member("usd", cost->usd);
    json.member("source", cost->source == model::Cost::Source::provider ? "provider" : "table");
    json.member_if_known("price_table", cost->price_table);
    json.end_object();
}

void write_timing(JsonWriter& json, const Exchange& exchange) {
    const auto mark = json.begin_object("timing");
    milliseconds_if_known(json, "duration_ms", duration_of(exchange));
    milliseconds_if_known(json, "ttft_ms", time_to_first_token(exchange));
    if (const auto gaps = inter_token_of(exchange)) {
        json.member("inter_token_p50_ms", base::milliseconds(gaps->p50));
        json.member("inter_token_p99_ms", base::milliseconds(gaps->p99));
    }
    milliseconds_if_known(json, "upload_ms", upload_of(exchange));
    json.end_object_unless_empty(mark);
}

void write_messages(JsonWriter& json, std::string_view key, const std::vector<model::Message>& messages) {
    const auto mark = json.begin_array(key);
    for (const model::Message& message : messages) {
        json.begin_object();
        json.member_if_known("role", message.role);
        json.member("text", message.text.view());
        if (message.other_parts != 0) json.member("other_parts", std::uint64_t{message.other_parts});
        json.end_object();
    }
    json.end_array_unless_empty(mark);
}

// The gate has removed whatever is not configured to leave; what is still there may be written.
void write_content(JsonWriter& json, const Exchange& exchange) {
    const model::LlmCall& call = exchange.llm;
    const auto mark = json.begin_object("content");
    json.member_if_known("prompt_sha256", exchange.hashes.prompt_sha256);
    json.member_if_known("completion_sha256", exchange.hashes.completion_sha256);
    write_messages(json, "prompt", call.prompt);
    write_messages(json, "completion", call.completion);
    json.member_if_known("reasoning", call.reasoning.view());
    const auto tools = json.begin_array("tool_calls");
    for (const model::ToolCall& tool : call.tool_calls) {
        if (tool.arguments.empty()) continue;
        json.begin_object();
        json.member("name", tool.name);
        json.member_if_known("id", tool.id);
        json.member("arguments", tool.arguments.view());
        json.end_object();
    }
    json.end_array_unless_empty(tools);
    json.member_if_known("tools", call.tool_definitions.view());
    if (call.error) json.member_if_known("error_message", call.error->message.view());
    if (call.prompt_cut && !call.prompt.empty()) json.member("prompt_cut", true);
    if (call.completion_cut && !call.completion.empty()) json.member("completion_cut", true);
    json.end_object_unless_empty(mark);
}

void write_findings(JsonWriter& json, const std::vector<model::Finding>& findings) {
    const auto mark = json.begin_array("findings");
    for (const model::Finding& finding : findings) {
        json.begin_object();
        json.member("rule", finding.rule);
        json.member_if_known("severity", finding.severity);
        json.member_if_known("where", finding.where);
        json.member("count", std::uint64_t{finding.count});
        json.end_object();
    }
    json.end_array_unless_empty(mark);
}

}  // namespace

void append_record_json(std::string& out, const model::Cleared<model::Exchange>& cleared, std::string_view node) {
    const Exchange& exchange = *cleared;
    JsonWriter json(out);
    json.begin_object();
    json.member("schema", kRecordSchema);
    json.member("id", exchange.id);
    json.member_if_known("pair", exchange.pair);
    json.member("time", base::rfc3339(exchange.timing.started));
    json.member_if_known("node", node);
    json.member("role", model::name_of(exchange.role));
    write_process(json, exchange.identity);
    if (exchange.identity.container) write_container(json, *exchange.identity.container);
    if (exchange.identity.pod) write_pod(json, *exchange.identity.pod);
    write_net(json, exchange.net);
    write_http(json, exchange.http);
    write_llm(json, exchange);
    write_usage(json, exchange.usage);
    write_cost(json, exchange.cost);
    write_timing(json, exchange);
    write_content(json, exchange);
    write_findings(json, exchange.findings);
    json.member("completeness", model::name_of(exchange.completeness));
    json.end_object();
}

}  // namespace llmsnoop::exporters
