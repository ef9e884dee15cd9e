"""LiteLLM's metrics, by the names and labels that its dashboards ask for.

A value that is missing is the text `None`, as there. Labels are keys, users and models that are
known here and the gateway's own codes, never a client's text. Among very many keys, the series of
those not used for long are forgotten.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from app.ledger.record import RequestRecord

Children = TypeVar("Children")

PROVIDER: Final = "bedrock"

NOTHING: Final = "None"

BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 420, 600,
)  # fmt: skip
"""Seconds."""

CALLER: Final = ("hashed_api_key", "api_key_alias", "user", "requested_model", "model")

MODEL: Final = ("requested_model", "model", "model_group", "api_provider")

DEPLOYMENT: Final = ("requested_model", "litellm_model_name", "api_provider")

FAILURE: Final = ("exception_status", "exception_class")

SETS_REMEMBERED: Final = 5_000
"""So many combinations of key, model and status have series of their own."""


@dataclass(frozen=True, slots=True)
class _Spending:
    """The counters of one key with one model."""

    spend: Counter
    total: Counter
    input: Counter
    output: Counter
    cached: Counter
    cache_creation: Counter


@dataclass(frozen=True, slots=True)
class _Timing:
    """The counters and histograms of one model on one inference profile."""

    requests: Counter
    successes: Counter
    total: Histogram
    upstream: Histogram
    overhead: Histogram
    first_token: Histogram


class LiteLLMMetrics:
    """Counts records; one lookup and some additions for each."""

    def __init__(
        self, registry: CollectorRegistry, *, sets_remembered: int = SETS_REMEMBERED
    ) -> None:
        def counter(name: str, told: str, *labels: str) -> Counter:
            return Counter(name, told, labels, registry=registry)

        def histogram(name: str, told: str) -> Histogram:
            return Histogram(name, told, MODEL, registry=registry, buckets=BUCKETS)

        self._requests = counter(
            "litellm_proxy_total_requests_metric",
            "Requests, failed ones included.",
            *CALLER, "route", "status_code",
        )  # fmt: skip
        self._failures = counter(
            "litellm_proxy_failed_requests_metric",
            "Requests that failed.",
            *CALLER, "route", *FAILURE,
        )  # fmt: skip
        self._spend = counter("litellm_spend_metric", "USD spent.", *CALLER)
        self._total = counter("litellm_total_tokens_metric", "Tokens of all kinds.", *CALLER)
        self._input = counter(
            "litellm_input_tokens_metric", "Input tokens, cached ones included.", *CALLER
        )
        self._output = counter("litellm_output_tokens_metric", "Output tokens.", *CALLER)
        self._cached = counter(
            "litellm_input_cached_tokens_metric", "Tokens read from the prompt cache.", *CALLER
        )
        self._cache_creation = counter(
            "litellm_input_cache_creation_tokens_metric",
            "Tokens written to the prompt cache.",
            *CALLER,
        )
        self._deployment_requests = counter(
            "litellm_deployment_total_requests", "Requests sent to Bedrock.", *DEPLOYMENT
        )
        self._deployment_successes = counter(
            "litellm_deployment_success_responses", "Requests answered by Bedrock.", *DEPLOYMENT
        )
        self._deployment_failures = counter(
            "litellm_deployment_failure_responses",
            "Requests failed by Bedrock.",
            *DEPLOYMENT,
            *FAILURE,
        )
        self._zero_cost = counter(
            "litellm_zero_cost_requests",
            "Requests with tokens but no cost; should be 0.",
            "requested_model", "model",
        )  # fmt: skip
        self._latency = histogram(
            "litellm_request_total_latency_metric",
            "Seconds from the request to the end of the response.",
        )
        self._upstream = histogram(
            "litellm_llm_api_latency_metric", "Seconds Bedrock took to respond."
        )
        self._first_token = histogram(
            "litellm_llm_api_time_to_first_token_metric",
            "Seconds from the request to the first event of a stream.",
        )
        self._overhead = histogram(
            "litellm_overhead_latency_metric",
            "Seconds spent in the gateway itself.",
        )
        self._spendings: _Recent[_Spending] = _Recent(
            sets_remembered,
            self._spend,
            self._total,
            self._input,
            self._output,
            self._cached,
            self._cache_creation,
        )
        # There are as many as the catalogue has models: none is ever forgotten.
        self._timings: dict[tuple[str, str], _Timing] = {}
        self._requests_by: _Recent[Counter] = _Recent(sets_remembered, self._requests)
        self._failures_by: _Recent[Counter] = _Recent(sets_remembered, self._failures)

    def record(self, record: RequestRecord) -> None:
        caller = (
            record.key_id or NOTHING,
            record.key_alias or NOTHING,
            record.user_id or NOTHING,
            record.model or NOTHING,
            record.upstream_model or NOTHING,
        )
        self._count(record, caller)
        if record.ending is None:
            return
        if record.ending != "upstream_rejected":
            self._book(record, caller)
        self._time(record)

    def _count(self, record: RequestRecord, caller: tuple[str, ...]) -> None:
        status = str(record.status)
        labels = (*caller, record.route, status)
        requests = self._requests_by.get(labels) or self._requests_by.put(
            labels, self._requests.labels(*labels)
        )
        requests.inc()
        if record.error_code is not None:
            labels = (*caller, record.route, status, record.error_code)
            failures = self._failures_by.get(labels) or self._failures_by.put(
                labels, self._failures.labels(*labels)
            )
            failures.inc()

    def _book(self, record: RequestRecord, caller: tuple[str, ...]) -> None:
        usage = record.usage
        use = self._spendings.get(caller) or self._spendings.put(
            caller,
            _Spending(
                self._spend.labels(*caller),
                self._total.labels(*caller),
                self._input.labels(*caller),
                self._output.labels(*caller),
                self._cached.labels(*caller),
                self._cache_creation.labels(*caller),
            ),
        )
        use.spend.inc(float(record.cost))
        use.total.inc(usage.total_tokens)
        use.input.inc(usage.prompt_tokens)
        use.output.inc(usage.output_tokens)
        use.cached.inc(usage.cache_read_tokens)
        use.cache_creation.inc(usage.cache_write_5m_tokens + usage.cache_write_1h_tokens)
        if usage.total_tokens and not record.cost:
            self._zero_cost.labels(*caller[-2:]).inc()

    def _time(self, record: RequestRecord) -> None:
        """By model alone: a histogram for each key would be too much to scrape."""
        deployment = (record.model or NOTHING, record.upstream_model or NOTHING)
        use = self._timings.get(deployment)
        if use is None:
            use = self._timings[deployment] = self._timing(*deployment)
        use.requests.inc()
        if record.error_code is None:
            use.successes.inc()
        else:
            failure = (str(record.status), record.error_code)
            self._deployment_failures.labels(*deployment, PROVIDER, *failure).inc()
        upstream = min(record.upstream_seconds, record.latency_seconds)
        use.total.observe(record.latency_seconds)
        use.upstream.observe(upstream)
        use.overhead.observe(record.latency_seconds - upstream)
        if record.stream and record.ttfb_seconds is not None:
            use.first_token.observe(record.ttfb_seconds)

    def _timing(self, asked: str, reached: str) -> _Timing:
        model = (asked, reached, asked, PROVIDER)
        return _Timing(
            self._deployment_requests.labels(asked, reached, PROVIDER),
            self._deployment_successes.labels(asked, reached, PROVIDER),
            self._latency.labels(*model),
            self._upstream.labels(*model),
            self._overhead.labels(*model),
            self._first_token.labels(*model),
        )


class _Recent(Generic[Children]):
    """The series of label values that were used of late; those of others are taken away."""

    def __init__(self, most: int, *metrics: MetricWrapperBase) -> None:
        self._most = most
        self._metrics = metrics
        self._known: OrderedDict[tuple[str, ...], Children] = OrderedDict()

    def get(self, labels: tuple[str, ...]) -> Children | None:
        found = self._known.get(labels)
        if found is not None:
            self._known.move_to_end(labels)
        return found

    def put(self, labels: tuple[str, ...], children: Children) -> Children:
        self._known[labels] = children
        if len(self._known) > self._most:
            forgotten, _ = self._known.popitem(last=False)
            for metric in self._metrics:
                metric.remove(*forgotten)
        return children
