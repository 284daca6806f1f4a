#!/usr/bin/python3
"""Writes the dashboards of this folder: five pages of panels around PromQL, which is all that is told here.

    deploy/grafana/make_dashboards.py [FOLDER]

A test checks that the files are what this writes, and that every query returns data.
"""
import json
import pathlib
import sys

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Which calls: the variables at the head of the page. All of them match what is empty, as outside Kubernetes.
CALLS = 'job=~"$job", role=~"$role", namespace=~"$namespace", workload=~"$workload", provider=~"$provider", model=~"$model"'
AGENTS = 'job=~"$job", instance=~"$instance"'
# Labels of pods come from kube-state-metrics (--metric-labels-allowlist=pods=[team]).
TEAMS = ('on (namespace, pod) group_left (label_team)'
         ' max by (namespace, pod, label_team) (max_over_time(kube_pod_labels{label_team!=""}[$__range]))')


def variable(name, query, label, multi=True, default=None):
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": name}, "refresh": 2,
        "sort": 1, "multi": multi, "includeAll": multi, "allValue": ".*" if multi else None,
        "current": {"text": default or "All", "value": default or "$__all"},
    }


def variables(names):
    known = {
        "job": variable("job", "label_values(llmsnoop_build_info, job)", "job"),
        "instance": variable("instance", 'label_values(llmsnoop_build_info{job=~"$job"}, instance)', "agent"),
        # The two ends of a call, where both are on the nodes: one of them, or it counts twice.
        "role": variable("role", 'label_values(llmsnoop_requests_total{job=~"$job"}, role)', "seen from", multi=False, default="client"),
        "namespace": variable("namespace", 'label_values(llmsnoop_requests_total{job=~"$job"}, namespace)', "namespace"),
        "workload": variable("workload", 'label_values(llmsnoop_requests_total{job=~"$job", namespace=~"$namespace"}, workload)',
                             "workload"),
        "provider": variable("provider", 'label_values(llmsnoop_requests_total{job=~"$job"}, provider)', "provider"),
        "model": variable("model", 'label_values(llmsnoop_requests_total{job=~"$job", provider=~"$provider"}, model)', "model"),
    }
    source = {"name": "datasource", "label": "data source", "type": "datasource", "query": "prometheus", "current": {}}
    return [source] + [known[name] for name in names]


class Page:
    """Panels from left to right and from top to bottom, on Grafana's 24 columns."""

    def __init__(self, uid, title, description, names):
        self.head = {"uid": uid, "title": title, "description": description}
        self.names = names
        self.panels = []
        self.x = self.y = self.row_height = 0

    def add(self, kind, title, width, height, targets, unit="short", **more):
        if self.x + width > 24:
            self.x, self.y, self.row_height = 0, self.y + self.row_height, 0
        panel = {
            "id": len(self.panels) + 1, "type": kind, "title": title, "datasource": SOURCE,
            "gridPos": {"x": self.x, "y": self.y, "w": width, "h": height},
            "targets": targets,
            "fieldConfig": {"defaults": {"unit": unit, "min": 0, **more.pop("defaults", {})}, "overrides": more.pop("overrides", [])},
            "options": more.pop("options", {}),
        }
        panel.update(more)
        self.panels.append(panel)
        self.x += width
        self.row_height = max(self.row_height, height)

    def stat(self, title, query, unit="short", **more):
        self.add("stat", title, 6, 4, [{"refId": "A", "expr": query, "instant": True, "datasource": SOURCE}], unit,
                 options={"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"}, **more)

    def lines(self, title, queries, unit="short", width=12, stack=False, **more):
        """`queries`: [(PromQL, legend)]."""
        targets = [{"refId": chr(ord("A") + i), "expr": query, "legendFormat": legend, "range": True, "datasource": SOURCE}
                   for i, (query, legend) in enumerate(queries)]
        custom = {"fillOpacity": 25 if stack else 0, "stacking": {"mode": "normal" if stack else "none"}}
        self.add("timeseries", title, width, 8, targets, unit, defaults={"custom": custom},
                 options={"legend": {"displayMode": "table", "placement": "right", "calcs": ["mean", "lastNotNull"]},
                          "tooltip": {"mode": "multi", "sort": "desc"}}, **more)

    def table(self, title, columns, width=24, height=10):
        """`columns`: [(name, PromQL, unit)]; their common labels become the rows."""
        letters = [chr(ord("A") + i) for i in range(len(columns))]
        self.add("table", title, width, height,
                 [{"refId": letter, "expr": query, "instant": True, "format": "table", "datasource": SOURCE}
                  for letter, (_, query, _) in zip(letters, columns)],
                 transformations=[{"id": "merge", "options": {}},
                                  {"id": "organize", "options": {
                                      "excludeByName": {"Time": True},
                                      "renameByName": {f"Value #{letter}": name for letter, (name, _, _) in zip(letters, columns)}}}],
                 overrides=[{"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]}
                            for name, _, unit in columns],
                 options={"showHeader": True, "sortBy": [{"displayName": columns[0][0], "desc": True}]})

    def json(self):
        return {
            **self.head, "schemaVersion": 39, "version": 1, "editable": True, "tags": ["llmsnoop"], "timezone": "browser",
            "time": {"from": "now-6h", "to": "now"}, "refresh": "1m", "graphTooltip": 1, "annotations": {"list": []},
            "links": [{"type": "dashboards", "tags": ["llmsnoop"], "title": "llmsnoop", "asDropdown": True, "includeVars": True,
                       "keepTime": True}],
            "templating": {"list": variables(self.names)}, "panels": self.panels,
        }


CALL_VARIABLES = ("job", "role", "namespace", "workload", "provider", "model")


def usage():
    page = Page("llmsnoop-usage", "LLM usage", "Tokens and cost by namespace, workload, pod, model and team", CALL_VARIABLES)
    spent = f'llmsnoop_tokens_total{{{CALLS}, type=~"input|output"}}'
    cost = f"llmsnoop_cost_usd_total{{{CALLS}}}"
    page.stat("Tokens", f"sum(increase({spent}[$__range]))")
    page.stat("Cost", f"sum(increase({cost}[$__range]))", "currencyUSD")
    page.stat("Calls", f"sum(increase(llmsnoop_requests_total{{{CALLS}}}[$__range]))")
    page.stat("Calls without a price", 'sum(increase(llmsnoop_unpriced_total{job=~"$job"}[$__range]))',
              description="They used tokens and are not in the cost: the model or one of its counts is unknown.")
    page.lines("Tokens a second by type",
               [(f"sum by (type) (rate(llmsnoop_tokens_total{{{CALLS}}}[$__rate_interval]))", "{{type}}")],
               description="input includes what was read from and written to the cache, output includes reasoning")
    page.lines("Tokens a second by namespace",
               [(f"sum by (namespace) (rate({spent}[$__rate_interval]))", "{{namespace}}")], stack=True)
    page.lines("Tokens a second by model",
               [(f"sum by (provider, model) (rate({spent}[$__rate_interval]))", "{{provider}} {{model}}")], stack=True)
    page.lines("US dollars an hour by model",
               [(f"3600 * sum by (provider, model) (rate({cost}[$__rate_interval]))", "{{provider}} {{model}}")], "currencyUSD", stack=True)
    page.lines("US dollars an hour by namespace",
               [(f"3600 * sum by (namespace) (rate({cost}[$__rate_interval]))", "{{namespace}}")], "currencyUSD", stack=True)
    page.lines("Part of the input that was read from the cache", [
        (f'sum by (provider, model) (rate(llmsnoop_tokens_total{{{CALLS}, type="cache_read"}}[$__rate_interval]))'
         f' / sum by (provider, model) (rate(llmsnoop_tokens_total{{{CALLS}, type="input"}}[$__rate_interval]))',
         "{{provider}} {{model}}")], "percentunit")
    rows = "namespace, workload, pod, container, process"
    page.table("By pod and process", [
        ("Cost", f"sum by ({rows}) (increase({cost}[$__range]))", "currencyUSD"),
        ("Input", f'sum by ({rows}) (increase(llmsnoop_tokens_total{{{CALLS}, type="input"}}[$__range]))', "short"),
        ("Output", f'sum by ({rows}) (increase(llmsnoop_tokens_total{{{CALLS}, type="output"}}[$__range]))', "short"),
        ("Calls", f"sum by ({rows}) (increase(llmsnoop_requests_total{{{CALLS}}}[$__range]))", "short"),
    ])
    page.table("By model", [
        ("Cost", f"sum by (provider, model, operation) (increase({cost}[$__range]))", "currencyUSD"),
        ("Tokens", f"sum by (provider, model, operation) (increase({spent}[$__range]))", "short"),
        ("Calls", f"sum by (provider, model, operation) (increase(llmsnoop_requests_total{{{CALLS}}}[$__range]))", "short"),
    ], width=12)
    page.table("By team", [
        ("Cost", f"sum by (label_team) (sum by (namespace, pod) (increase({cost}[$__range])) * {TEAMS})", "currencyUSD"),
        ("Tokens", f"sum by (label_team) (sum by (namespace, pod) (increase({spent}[$__range])) * {TEAMS})", "short"),
    ], width=12)
    return page


def latency():
    page = Page("llmsnoop-latency", "LLM latency", "Duration, time to first token and pace of output", CALL_VARIABLES)

    def quantile(value, metric, by="provider, model"):
        return f"histogram_quantile({value}, sum by ({by}, le) (rate({metric}_bucket{{{CALLS}}}[$__rate_interval])))"

    for title, metric, about in (
            ("Time to first token", "llmsnoop_time_to_first_token_seconds",
             "streams only: first byte of the request to the first content"),
            ("Duration", "llmsnoop_request_duration_seconds", "first byte of the request to last byte of the response"),
            ("Time for each output token", "llmsnoop_time_per_output_token_seconds", "after the first")):
        page.lines(f"{title}: median and 95th percentile by model",
                   [(quantile(0.5, metric), "p50 {{provider}} {{model}}"), (quantile(0.95, metric), "p95 {{provider}} {{model}}")],
                   "s", description=about)
        page.lines(f"{title}: 95th percentile by workload",
                   [(quantile(0.95, metric, "namespace, workload"), "{{namespace}}/{{workload}}")], "s")
    page.add("heatmap", "Durations", 12, 8, [{
        "refId": "A", "expr": f"sum by (le) (increase(llmsnoop_request_duration_seconds_bucket{{{CALLS}}}[$__rate_interval]))",
        "format": "heatmap", "legendFormat": "{{le}}", "range": True, "datasource": SOURCE}], "s",
        options={"calculate": False, "yAxis": {"unit": "s"}})
    page.lines("Calls in flight",
               [(f"sum by (namespace, workload) (llmsnoop_requests_in_flight{{{CALLS}}})", "{{namespace}}/{{workload}}")], stack=True)
    return page


def errors():
    page = Page("llmsnoop-errors", "LLM errors", "What fails, for whom, and what the policy noticed", CALL_VARIABLES)
    everything = f"llmsnoop_requests_total{{{CALLS}}}"
    good = f'llmsnoop_requests_total{{{CALLS}, status=~"[123]..", error_type=""}}'

    def ratio(by):
        ok, total = (f"sum by ({by}) (rate({one}[$__rate_interval]))" for one in (good, everything))
        return f"1 - (({ok} or 0 * {total}) / ({total} > 0))"

    page.lines("Part of the calls that fail, by model", [(ratio("provider, model"), "{{provider}} {{model}}")], "percentunit")
    page.lines("Part of the calls that fail, by workload", [(ratio("namespace, workload"), "{{namespace}}/{{workload}}")], "percentunit")
    page.lines("Calls a second by status", [(f"sum by (status) (rate({everything}[$__rate_interval]))", "{{status}}")], "reqps", stack=True)
    failed = f'llmsnoop_requests_total{{{CALLS}, error_type!=""}}'
    page.lines("Errors a second by type",
               [(f"sum by (provider, error_type) (rate({failed}[$__rate_interval]))", "{{provider}} {{error_type}}")], "reqps", stack=True)
    page.lines("Told to slow down (429)", [
        (f'sum by (namespace, workload, provider) (rate(llmsnoop_requests_total{{{CALLS}, status="429"}}[$__rate_interval]))',
         "{{namespace}}/{{workload}} by {{provider}}")], "reqps")
    page.lines("Findings of the policy",
               [(f"sum by (rule) (increase(llmsnoop_findings_total{{{CALLS}}}[$__rate_interval]))", "{{rule}}")])
    page.table("Errors by pod", [
        ("Errors", f"sum by (namespace, workload, pod, provider, model, status, error_type) (increase({failed}[$__range]))",
         "short")])
    return page


def blind_spots():
    page = Page("llmsnoop-blind-spots", "LLM blind spots", "What is not seen, or not for certain, and how much that is", ("job", "instance"))
    page.stat("Processes that talk to models unseen", f"sum(llmsnoop_blind_processes{{{AGENTS}}})",
              description="`/api/v1/processes` of the node's agent names them, under `blind`, and says why.")
    page.stat("Calls that were seen whole",
              f'sum(increase(llmsnoop_exchanges_total{{{AGENTS}, completeness="complete"}}[$__range]))'
              f" / sum(increase(llmsnoop_exchanges_total{{{AGENTS}}}[$__range]))", "percentunit", defaults={"max": 1})
    page.stat("Tokens that the provider reported",
              f'sum(increase(llmsnoop_tokens_total{{{AGENTS}, source="reported"}}[$__range]))'
              f" / sum(increase(llmsnoop_tokens_total{{{AGENTS}}}[$__range]))",
              "percentunit", description="The others were adjusted, or counted from the text.")
    page.stat("Losses", f"sum(increase(llmsnoop_lost_total{{{AGENTS}}}[$__range]))")
    page.lines("Processes that are not seen, by reason",
               [(f"sum by (instance, reason) (llmsnoop_blind_processes{{{AGENTS}}})", "{{reason}} {{instance}}")])
    page.lines("Calls a second by completeness", [
        (f"sum by (completeness) (rate(llmsnoop_exchanges_total{{{AGENTS}}}[$__rate_interval]))", "{{completeness}}")], "reqps", stack=True)
    page.lines("Losses a second by reason", [
        (f"sum by (stage, reason) (rate(llmsnoop_lost_total{{{AGENTS}}}[$__rate_interval])) > 0", "{{stage}}: {{reason}}")])
    page.lines("Tokens a second by source of the count", [
        (f'sum by (source) (rate(llmsnoop_tokens_total{{{AGENTS}, type=~"input|output"}}[$__rate_interval]))', "{{source}}")], stack=True)
    page.table("Losses by agent", [
        ("Lost", f"sum by (instance, stage, reason) (increase(llmsnoop_lost_total{{{AGENTS}}}[$__range])) > 0", "short")], width=12)
    page.table("Calls without a cost", [
        ("Calls", f"sum by (instance, reason) (increase(llmsnoop_unpriced_total{{{AGENTS}}}[$__range])) > 0", "short")], width=12)
    return page


def agents():
    page = Page("llmsnoop-agents", "llmsnoop agents", "The health of the agents themselves", ("job", "instance"))
    page.stat("Agents", f"sum(up{{{AGENTS}}})")
    page.stat("Agents that do not answer", 'count(up{job=~"$job"} == 0) or vector(0)')
    page.stat("Versions", f"count(count by (version) (llmsnoop_build_info{{{AGENTS}}}))")
    page.stat("Records lost by sinks", f"sum(increase(llmsnoop_sink_dropped_total{{{AGENTS}}}[$__range])"
                                       f" + increase(llmsnoop_sink_failed_total{{{AGENTS}}}[$__range]))")
    page.lines("CPUs used", [(f"rate(process_cpu_seconds_total{{{AGENTS}}}[$__rate_interval])", "{{instance}}")])
    page.lines("Memory", [(f"process_resident_memory_bytes{{{AGENTS}}}", "{{instance}}")], "bytes")
    page.lines("Plaintext captured", [
        (f"sum by (instance, direction) (rate(llmsnoop_captured_bytes_total{{{AGENTS}}}[$__rate_interval]))",
         "{{direction}} {{instance}}")], "Bps")
    page.lines("Chunks captured a second", [
        (f"sum by (instance) (rate(llmsnoop_captured_chunks_total{{{AGENTS}}}[$__rate_interval]))", "{{instance}}")])
    page.lines("Budgets used", [(f"llmsnoop_budget_used_ratio{{{AGENTS}}}", "{{budget}} {{instance}}")], "percentunit")
    page.lines("Records that wait", [(f"sum by (instance, sink) (llmsnoop_sink_queue_items{{{AGENTS}}})", "{{sink}} {{instance}}")],
               description="A queue holds 8192; then records are dropped.")
    page.lines("Records written a second", [
        (f"sum by (instance, sink) (rate(llmsnoop_sink_written_total{{{AGENTS}}}[$__rate_interval]))", "{{sink}} {{instance}}")])
    page.lines("Records lost a second", [
        (f"sum by (instance, sink) (rate(llmsnoop_sink_dropped_total{{{AGENTS}}}[$__rate_interval]))", "dropped: {{sink}} {{instance}}"),
        (f"sum by (instance, sink) (rate(llmsnoop_sink_failed_total{{{AGENTS}}}[$__rate_interval]))", "failed: {{sink}} {{instance}}")])
    page.lines("Connections refused a second", [
        (f"sum by (instance, server, reason) (rate(llmsnoop_http_refused_total{{{AGENTS}}}[$__rate_interval]))",
         "{{server}}: {{reason}} {{instance}}")], description="By the agents' own servers: silent, slow or too many clients.")
    page.lines("Series served", [(f"scrape_samples_scraped{{{AGENTS}}}", "{{instance}}")])
    page.lines("File descriptors", [(f"process_open_fds{{{AGENTS}}} / process_max_fds{{{AGENTS}}}", "{{instance}}")], "percentunit")
    page.lines("Up for", [(f"time() - process_start_time_seconds{{{AGENTS}}}", "{{instance}}")], "s")
    return page


def dashboards():
    """{file name: contents}."""
    pages = (usage(), latency(), errors(), blind_spots(), agents())
    return {f"{page.head['uid'].removeprefix('llmsnoop-')}.json": json.dumps(page.json(), indent=1) + "\n" for page in pages}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    for name, text in dashboards().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
