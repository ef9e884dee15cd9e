"""Whether the gateway does its work, and where it is stuck if not."""

from infra.grafana.source.page import Dashboard, Row
from infra.grafana.source.panels import Panel, Query

INTERVAL = "[$__rate_interval]"
UPSTREAM = "litellm_deployment"


def by_instance(title: str, description: str, unit: str, metric: str) -> Panel:
    return Panel(title, description, unit, [Query(metric, "{{instance}}")])


OVERVIEW = Row(
    "Overview",
    [
        Panel("Tasks", "That answer when they are scraped.", "short",
              [Query('sum(up{job="gateway"})')], "stat", needed=1),
        Panel("Failed, last hour", "Share of requests; the objective is 0.1 % in 30 days.",
              "percentunit", [Query("gateway:failure_ratio:rate1h")], "stat",
              warn=0.001, bad=0.0144),
        Panel("Late, last hour", "Share of answers that the gateway delayed by more than 50 ms; "
              "the objective is 1 %.", "percentunit", [Query("gateway:late_ratio:rate1h")],
              "stat", warn=0.01, bad=0.144),
        Panel("In flight", "Requests that were let in and are not settled yet.", "short",
              [Query("sum(gateway_requests_in_flight)")], "stat"),
        Panel("Alerts", "That fire now; their runbooks are in docs/runbooks by the same name.",
              "short", [Query('count by (alertname, severity) (ALERTS{alertstate="firing"})')],
              "table", columns=[("Series", "short")], width=8),
    ],
    height=5,
)  # fmt: skip

RATES = Row(
    "Requests",
    [
        Panel("By route", "A second.", "reqps",
              [Query("sum by (route) (rate(litellm_proxy_total_requests_metric_total"
                     f"{INTERVAL}))", "{{route}}")], stacked=True),
        Panel("By status", "A second.", "reqps",
              [Query("sum by (status_code) (rate(litellm_proxy_total_requests_metric_total"
                     f"{INTERVAL}))", "{{status_code}}")], stacked=True),
        Panel("How answers ended", "A second; a client that is gone is read on for, so that the "
              "bill is exact.", "reqps",
              [Query(f"sum by (ending, api_format) (rate(gateway_requests_total{INTERVAL}))",
                     "{{ending}} {{api_format}}")], stacked=True),
    ],
)  # fmt: skip

ERRORS = Row(
    "Errors",
    [
        Panel("Failures by kind", "A second: docs/errors.md tells whose fault each is.", "reqps",
              [Query("sum by (exception_class) (rate(litellm_proxy_failed_requests_metric_total"
                     f"{INTERVAL}))", "{{exception_class}}")], stacked=True),
        Panel("Share of failures", "That the platform has to answer for, in windows of different "
              "length: alerts look at two of them at once.", "percentunit",
              [Query(f"gateway:failure_ratio:rate{window}", window)
               for window in ("5m", "1h", "6h", "3d")], bad=0.001),
        Panel("Refused at the door", "A second, by reason.", "reqps",
              [Query(f"sum by (error) (rate(gateway_rejections_total{INTERVAL}))", "{{error}}")],
              stacked=True),
    ],
)  # fmt: skip

BEDROCK = Row(
    "Bedrock",
    [
        Panel("Answered", "Share of the calls, by model.", "percentunit",
              [Query("sum by (requested_model) (rate("
                     f"{UPSTREAM}_success_responses_total{INTERVAL}))"
                     f" / (sum by (requested_model) (rate({UPSTREAM}_total_requests_total"
                     f"{INTERVAL})) > 0)", "{{requested_model}}")], most=1),
        Panel("Failed", "A second, by model and kind.", "reqps",
              [Query("sum by (requested_model, exception_class) (rate("
                     f"{UPSTREAM}_failure_responses_total{INTERVAL}))",
                     "{{requested_model}} {{exception_class}}")], stacked=True),
        Panel("Upstream retries", "Per second, by the error of the first call.", "reqps",
              [Query(f"sum by (error) (rate(gateway_upstream_retries_total{INTERVAL}))",
                     "{{error}}")], stacked=True),
        Panel("Dropped parameters, guardrail", "In the time shown: flags and fields dropped after "
              "Bedrock rejected them; answers that a guardrail blocked or changed.", "short",
              [Query("sum by (model) "
                     "(increase(gateway_unsupported_params_dropped_total[$__range]))",
                     "dropped, {{model}}"),
               Query("sum by (model) (increase(gateway_guardrail_interventions_total[$__range]))",
                     "guardrail, {{model}}")], "bargauge"),
    ],
)  # fmt: skip

DELAY = Row(
    "Delay by the gateway",
    [
        Panel("Added latency", "What of an answer's time was not Bedrock's.", "s",
              [Query(f"histogram_quantile({share}, sum by (le) (rate("
                     f"litellm_overhead_latency_metric_bucket{INTERVAL})))", name)
               for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))], bad=0.05),
        Panel("Event loop lag", "99th percentile of how late the loop was.", "s",
              [Query("histogram_quantile(0.99, sum by (le, instance) (rate("
                     f"gateway_event_loop_lag_seconds_bucket{INTERVAL})))", "{{instance}}")],
              bad=0.25),
        Panel("Connections to the database", "Of all pools: open, at work, and statements waiting "
              "for one.", "short",
              [Query("sum(gateway_database_connections)", "open"),
               Query("sum(gateway_database_connections_used)", "at work"),
               Query("sum(gateway_database_requests_waiting)", "waiting")]),
    ],
)  # fmt: skip

LEDGER = Row(
    "Ledger",
    [
        Panel("Differences", "That the last daily check found between log, summaries and counters.",
              "short", [Query("max(gateway_reconciliation_differences)")], "stat", bad=1, width=4),
        by_instance("Settlements on disk", "That wait for the database.", "short",
                    "gateway_spool_records"),
        Panel("Estimated spend", "USD an hour that were booked without Bedrock's figures.",
              "currencyUSD",
              [Query(f"sum by (ending) (rate(gateway_estimated_spend_usd_total{INTERVAL})) * 3600",
                     "{{ending}}")], stacked=True),
        Panel("Settled for others", "A second: settlements of requests whose own task could not.",
              "ops",
              [Query(f"sum by (kind) (rate(gateway_recovered_requests_total{INTERVAL}))",
                     "{{kind}}")], stacked=True),
    ],
)  # fmt: skip

PROCESS = Row(
    "Processes",
    [
        by_instance("Memory", "Resident.", "bytes", 'process_resident_memory_bytes{job="gateway"}'),
        by_instance("CPU", "Cores; a process uses one at most.", "short",
                    f'rate(process_cpu_seconds_total{{job="gateway"}}{INTERVAL})'),
        by_instance("In flight", "Requests that were let in and are not settled yet.", "short",
                    "gateway_requests_in_flight"),
        by_instance("Background work", "Answers read on, settlements, and those "
                    "not on disk yet.", "short", "gateway_background_tasks"),
        Panel("Files and keys", "Open files; keys remembered.", "short",
              [Query('sum(process_open_fds{job="gateway"})', "open files"),
               Query("sum(gateway_key_cache_entries)", "keys")]),
        by_instance("Dropped traces", "A second.", "ops",
                    f"rate(gateway_traces_dropped_total{INTERVAL})"),
    ],
)  # fmt: skip

GATEWAY = Dashboard(
    uid="gateway",
    title="Gateway",
    description="Rates, errors, delay, ledger and processes of the gateway.",
    rows=[OVERVIEW, RATES, ERRORS, BEDROCK, DELAY, LEDGER, PROCESS],
)
