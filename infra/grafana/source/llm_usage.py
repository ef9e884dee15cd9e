"""Who uses what, what it costs, and how fast it is."""

from infra.grafana.source.page import Choice, Dashboard, Row, Variable
from infra.grafana.source.panels import Panel, Query

MINE = 'user=~"$user", api_key_alias=~"$key", requested_model=~"$model"'
MODEL = 'requested_model=~"$model"'
REQUESTS = "litellm_proxy_total_requests_metric_total"
FAILURES = "litellm_proxy_failed_requests_metric_total"
SPEND = "litellm_spend_metric_total"
TOKENS = "litellm_total_tokens_metric_total"
INPUT = "litellm_input_tokens_metric_total"
OUTPUT = "litellm_output_tokens_metric_total"
READ = "litellm_input_cached_tokens_metric_total"
WRITTEN = "litellm_input_cache_creation_tokens_metric_total"
BESIDE_GRAFANA = "../../../langfuse"
"""From /grafana/d/llm-usage/llm-usage: before a slash Grafana would put its own path."""
TRACES = "${langfuse}/project/${project}/users/${__value.raw:percentencode}"


def total(metric: str, by: str = "") -> str:
    """Over the time that the dashboard shows."""
    return f"sum{by and f' by ({by}) '}(increase({metric}{{{MINE}}}[$__range]))"


def rate(metric: str, by: str = "") -> str:
    """A second."""
    return f"sum{by and f' by ({by}) '}(rate({metric}{{{MINE}}}[$__rate_interval]))"


def cached(metric: str) -> str:
    """USD over the time shown, by model: those metrics know no users."""
    return f"sum by (requested_model) (increase({metric}{{{MODEL}}}[$__range]))"


def quantile(share: float, metric: str) -> str:
    buckets = f"rate({metric}_bucket{{{MODEL}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by (le, requested_model) ({buckets}))"


def speeds(title: str, description: str, metric: str) -> Panel:
    return Panel(
        title, description, "s",
        [Query(quantile(q, metric), f"{{{{requested_model}}}} p{q * 100:.0f}")
         for q in (0.5, 0.95, 0.99)],
    )  # fmt: skip


OVERVIEW = Row(
    "Overview",
    [
        Panel("Requests", "In the time shown, failed ones among them.", "short",
              [Query(total(REQUESTS))], "stat"),
        Panel("Spend", "As in the spend log.", "currencyUSD", [Query(total(SPEND))], "stat"),
        Panel("Tokens", "Of all kinds.", "short", [Query(total(TOKENS))], "stat"),
        Panel("Users", "Who asked for something in the time shown.", "short",
              [Query(f"count({total(REQUESTS, 'user')} > 0)")], "stat"),
        Panel("From the prompt cache", "Share of prompt tokens that were read from the cache.",
              "percentunit", [Query(f"{total(READ)} / ({total(INPUT)} > 0)")], "stat", most=1),
        Panel("Failed", "Share of requests that got an error, refusals among them.",
              "percentunit",
              [Query(f"({total(FAILURES)} or vector(0)) / ({total(REQUESTS)} > 0)")],
              "stat", warn=0.01, bad=0.05),
    ],
    height=4,
)  # fmt: skip

USERS = Row(
    "Users and keys",
    [
        Panel(
            "Users", "In the time shown. A user's name leads to that user's traces in Langfuse.",
            "short",
            [
                Query(total(REQUESTS, "user")),
                Query(total(TOKENS, "user")),
                Query(total(SPEND, "user")),
                Query("user:budget_remaining_usd:min"),
            ],
            "table",
            columns=[("Requests", "short"), ("Tokens", "short"), ("Spend", "currencyUSD"),
                     ("Budget left", "currencyUSD")],
            links={"user": ("Traces in Langfuse", TRACES)},
            width=14,
        ),
        Panel("Spend by key", "The ten keys that spent most in the time shown.", "currencyUSD",
              [Query(f"topk(10, {total(SPEND, 'api_key_alias')})", "{{api_key_alias}}")],
              "bargauge"),
    ],
    height=10,
)  # fmt: skip

SPENDING = Row(
    "Spend",
    [
        Panel("Spend by user", "USD an hour.", "currencyUSD",
              [Query(f"{rate(SPEND, 'user')} * 3600", "{{user}}")], stacked=True),
        Panel("Spend by model", "USD an hour, by the name asked for.", "currencyUSD",
              [Query(f"{rate(SPEND, 'requested_model')} * 3600", "{{requested_model}}")],
              stacked=True),
        Panel("Spend by Bedrock id", "USD an hour, by the inference profile that answered.",
              "currencyUSD", [Query(f"{rate(SPEND, 'model')} * 3600", "{{model}}")], stacked=True),
    ],
)  # fmt: skip

BUDGETS = Row(
    "Budgets of users",
    [
        Panel("Budget left", "USD; as the latest request of each user left it.", "currencyUSD",
              [Query('user:budget_remaining_usd:min{user=~"$user"}', "{{user}}")]),
        Panel("Used", "Share of the budget.", "percentunit",
              [Query('1 - user:budget_remaining_usd:min{user=~"$user"} / (user:budget_usd:max > 0)',
                     "{{user}}")], "bargauge", warn=0.75, bad=0.95, most=1),
        Panel("Lasts for", "Hours until the rest is spent at the pace of the last day. An alert "
              "tells when that is before the window ends.", "h",
              [Query('user:budget_remaining_usd:min{user=~"$user"} '
                     "/ (user:spend_usd_per_hour:rate1d > 0)", "{{user}} lasts"),
               Query('user:budget_remaining_hours:min{user=~"$user"}', "{{user}} window ends")]),
        Panel("Budget left, keys", "USD; as the latest request of each key left it.",
              "currencyUSD",
              [Query('min by (api_key_alias) (litellm_remaining_api_key_budget_metric'
                     '{api_key_alias=~"$key"})',
                     "{{api_key_alias}}")]),
    ],
)  # fmt: skip

TOKEN_KINDS = Row(
    "Tokens and prompt cache",
    [
        Panel("Tokens by kind", "A second. Fresh input is what no cache had.", "short",
              [Query(f"{rate(INPUT)} - {rate(READ)} - {rate(WRITTEN)}", "fresh input"),
               Query(rate(READ), "read from the cache"),
               Query(rate(WRITTEN), "written to the cache"),
               Query(rate(OUTPUT), "output")], stacked=True),
        Panel("Tokens by model", "A second, of all kinds.", "short",
              [Query(rate(TOKENS, "requested_model"), "{{requested_model}}")], stacked=True),
        Panel("Read from the cache", "Share of prompt tokens, by model.", "percentunit",
              [Query(f"{rate(READ, 'requested_model')} / ({rate(INPUT, 'requested_model')} > 0)",
                     "{{requested_model}}")], most=1),
        Panel("What the cache saved", "In the time shown: what its tokens would have cost as fresh "
              "input, less what was paid to read and to write them.", "currencyUSD",
              [Query(f"{cached('gateway_cache_uncached_cost_usd_total')} "
                     f"- {cached('gateway_cache_cost_usd_total')}", "{{requested_model}}")],
              "bargauge"),
    ],
)  # fmt: skip

SPEED = Row(
    "Speed",
    [
        speeds("Whole answers", "From request to the end of the answer.",
               "litellm_request_total_latency_metric"),
        speeds("First token", "From request to a stream's first event.",
               "litellm_llm_api_time_to_first_token_metric"),
        Panel("Output", "Tokens that a model writes in a second, waiting included.", "short",
              [Query(f"sum by (requested_model) (rate({OUTPUT}{{{MODEL}}}[$__rate_interval])) "
                     "/ (sum by (requested_model) (rate(litellm_llm_api_latency_metric_sum"
                     f"{{{MODEL}}}[$__rate_interval])) > 0)", "{{requested_model}}")]),
    ],
)  # fmt: skip

REFUSALS = Row(
    "Refusals and failures",
    [
        Panel("Refused by the gateway", "A second, by reason: docs/errors.md.", "reqps",
              [Query("sum by (error) (rate(gateway_rejections_total[$__rate_interval]))",
                     "{{error}}")], stacked=True),
        Panel("Errors by user", "A second, refusals among them.", "reqps",
              [Query(rate(FAILURES, "user, exception_class"), "{{user}} {{exception_class}}")],
              stacked=True),
        Panel("Budget warnings", "Requests after which a budget was used by 75 % or 95 %, or "
              "beyond its soft limit; in the time shown.", "short",
              [Query("sum by (scope, level) (increase(gateway_budget_warnings_total[$__range]))",
                     "{{scope}} {{level}}")], "bargauge"),
    ],
)  # fmt: skip

LLM_USAGE = Dashboard(
    uid="llm-usage",
    title="LLM usage",
    description="Who uses what, what it costs, how fast it is, and what is refused.",
    variables=[
        Variable("user", "User", f"label_values({REQUESTS}, user)"),
        Variable("key", "Key", f"label_values({REQUESTS}, api_key_alias)"),
        Variable("model", "Model", f"label_values({REQUESTS}, requested_model)"),
        Variable("project", "Langfuse project", "label_values(up, namespace)",
                 regex="/^(.+)\\.internal$/", many=False),
        Choice("langfuse", "Langfuse", [BESIDE_GRAFANA, "http://127.0.0.1:3100"]),
    ],
    rows=[OVERVIEW, USERS, SPENDING, BUDGETS, TOKEN_KINDS, SPEED, REFUSALS],
)  # fmt: skip
