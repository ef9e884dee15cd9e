"""Who calls what, with live rates, from left to right."""

from infra.grafana.source.page import Dashboard, Row
from infra.grafana.source.panels import Panel, Query, Text

INTERVAL = "[$__rate_interval]"


def box(
    title: str, description: str, unit: str, *queries: Query, bad: float | None = None
) -> Panel:
    return Panel(title, description, unit, queries, "stat", bad=bad)


def arrow(words: str) -> Text:
    return Text(f"# →\n{words}", width=2)


REQUESTS = Row(
    "A request",
    [
        box("Clients", "Users that asked for something in the last hour.", "short",
            Query("count(sum by (user) (increase(litellm_proxy_total_requests_metric_total[1h]))"
                  " > 0)", "users")),
        arrow("HTTPS, a key"),
        box("Front doors", "Requests a second by route: CloudFront and load balancer stand before "
            "them.", "reqps",
            Query(f"sum by (route) (rate(litellm_proxy_total_requests_metric_total{INTERVAL}))",
                  "{{route}}")),
        arrow("let in"),
        box("Gateway", "Requests in flight, and tasks.", "short",
            Query("sum(gateway_requests_in_flight)", "in flight"),
            Query('sum(up{job="gateway"})', "tasks")),
        arrow("InvokeModel"),
        box("Bedrock", "Calls a second, by model.", "reqps",
            Query("sum by (requested_model) (rate(litellm_deployment_total_requests_total"
                  f"{INTERVAL}))", "{{requested_model}}")),
    ],
    height=5,
)  # fmt: skip

AT_THE_DOOR = Row(
    "What does not get through",
    [
        box("Refused", "A second, before anything was asked of Bedrock.", "reqps",
            Query(f"sum by (error) (rate(gateway_rejections_total{INTERVAL}))", "{{error}}")),
        arrow("or failed"),
        box("Failed by Bedrock", "A second.", "reqps",
            Query("sum by (exception_class) (rate(litellm_deployment_failure_responses_total"
                  f"{INTERVAL}))", "{{exception_class}}")),
        arrow("or hung up"),
        box("How answers ended", "A second.", "reqps",
            Query(f"sum by (ending) (rate(gateway_requests_total{INTERVAL}))", "{{ending}}")),
    ],
    height=5,
)  # fmt: skip

MONEY = Row(
    "Its account",
    [
        box("Gateway", "Tokens a second.", "short",
            Query(f"sum(rate(litellm_total_tokens_metric_total{INTERVAL}))", "tokens")),
        arrow("hold, settle"),
        box("PostgreSQL", "Connections at work, and statements waiting for one.", "short",
            Query("sum(gateway_database_connections_used)", "at work"),
            Query("sum(gateway_database_requests_waiting)", "waiting")),
        arrow("if it is away"),
        box("Spool", "Settlements on disk.", "short",
            Query("sum(gateway_spool_records)", "waiting"), bad=1),
        arrow("adds up to"),
        box("Spend", "USD an hour.", "currencyUSD",
            Query(f"sum(rate(litellm_spend_metric_total{INTERVAL})) * 3600", "an hour")),
    ],
    height=5,
)  # fmt: skip

WATCHING = Row(
    "What is seen of it",
    [
        box("Scraped", "Tasks that answer VictoriaMetrics.", "short",
            Query("sum by (job) (up)", "{{job}}")),
        arrow("rules"),
        box("Alerts", "That fire now.", "short",
            Query('count(ALERTS{alertstate="firing"}) or vector(0)', "firing"), bad=1),
        arrow("beside it"),
        box("Langfuse", "Traces dropped in the last hour.", "short",
            Query("sum(increase(gateway_traces_dropped_total[1h]))", "dropped"), bad=1),
    ],
    height=5,
)  # fmt: skip

ARCHITECTURE_FLOW = Dashboard(
    uid="architecture-flow",
    title="Architecture flow",
    description="Who calls what, with live rates.",
    rows=[REQUESTS, AT_THE_DOOR, MONEY, WATCHING],
)
