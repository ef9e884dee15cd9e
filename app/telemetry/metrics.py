"""Prometheus metrics of one process. Labels are names that are known here and codes of ours, never
a client's text."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from app.domain.outcome import Outcome
from app.ports import Watched
from app.telemetry.budgets import BudgetGauges
from app.telemetry.litellm import LiteLLMMetrics
from app.telemetry.loop import LoopLag

WATCHED: Final[dict[Watched, str]] = {
    "gateway_requests_in_flight": "Requests that were let in and are not settled yet.",
    "gateway_body_bytes_in_flight": "Bytes of request bodies that are being processed.",
    "gateway_background_tasks": "Answers read on, settlements, and those not on disk yet.",
    "gateway_database_connections": "Connections of the pool to the database.",
    "gateway_database_connections_used": "Connections of the pool that run a statement.",
    "gateway_database_requests_waiting": "Statements that wait for a connection.",
    "gateway_spool_settlements": "Settlements on disk that wait for the database.",
    "gateway_spool_bytes": "Bytes of settlements on disk, of the bound that they have.",
    "gateway_keys_remembered": "Keys in the cache.",
    "gateway_database_silence_seconds": "Since the database last answered the gateway's heartbeat.",
}

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """All metrics of the process, in a registry of their own."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sets_remembered: int = 5_000,
    ) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._litellm = LiteLLMMetrics(registry, sets_remembered=sets_remembered)
        self._budgets = BudgetGauges(now, budgets_remembered=sets_remembered)
        registry.register(self._budgets)
        self.loop_lag = LoopLag(registry)
        self._watched = {
            name: Gauge(name, told, registry=registry) for name, told in WATCHED.items()
        }
        self._refusals = Counter(
            "gateway_refusals",
            "Requests that the gateway itself refused, by error code and dialect.",
            ["error", "dialect"],
            registry=registry,
        )
        self._endings = Counter(
            "gateway_answers",
            "Requests that were let in, by how they ended and by dialect.",
            ["ending", "dialect"],
            registry=registry,
        )
        self._estimated = Counter(
            "gateway_estimated_spend_usd",
            "USD of the spend log that are an estimate, as Bedrock's figures never came.",
            ["ending"],
            registry=registry,
        )
        self._cache_cost = Counter(
            "gateway_cache_cost_usd",
            "USD for tokens that were read from or written to the prompt cache.",
            ["requested_model"],
            registry=registry,
        )
        self._cache_as_input = Counter(
            "gateway_cache_as_input_usd",
            "USD that the same tokens would have cost as fresh input.",
            ["requested_model"],
            registry=registry,
        )
        self._second_tries = Counter(
            "gateway_upstream_second_tries",
            "Calls of Bedrock that were made once more, by the error that led to it.",
            ["error"],
            registry=registry,
        )
        self._omissions = Counter(
            "gateway_upstream_omissions",
            "Beta flags and fields that Bedrock refused and that are left out since.",
            ["model"],
            registry=registry,
        )
        self._interventions = Counter(
            "gateway_guardrail_interventions",
            "Answers that a guardrail blocked or changed.",
            ["model"],
            registry=registry,
        )
        self._dropped_traces = Counter(
            "gateway_dropped_traces",
            "Traces that did not fit into the queue to Langfuse.",
            registry=registry,
        )
        self._differences = Gauge(
            "gateway_spend_differences",
            "Differences between log, summaries and counters that the last daily check found.",
            registry=registry,
        )
        self._tidied = Counter(
            "gateway_janitor_settlements",
            "Settlements of requests whose own gateway could not settle them, by their kind.",
            ["kind"],
            registry=registry,
        )
        self._budget_warnings = Counter(
            "gateway_budget_warnings",
            "Requests after which a budget was used by 75 % or 95 %, or beyond its soft limit.",
            ["scope", "level"],
            registry=registry,
        )

    def record(self, outcome: Outcome) -> None:
        self._litellm.record(outcome)
        self._budgets.record(outcome)
        if outcome.ending is None:
            self._refusals.labels(outcome.error_code or "None", outcome.dialect).inc()
        else:
            self._endings.labels(outcome.ending, outcome.dialect).inc()
        if outcome.cache_as_input and outcome.parts:
            parts, model = outcome.parts, outcome.asked_model or "None"
            paid = parts.cache_read + parts.cache_write_5m + parts.cache_write_1h
            self._cache_cost.labels(model).inc(float(paid))
            self._cache_as_input.labels(model).inc(float(outcome.cache_as_input))
        if outcome.estimated:
            self._estimated.labels(outcome.ending).inc(float(outcome.cost))
        for standing in outcome.budgets:
            if level := standing.warning:
                self._budget_warnings.labels(standing.account.scope.value, level).inc()
        if outcome.guardrail:
            self._interventions.labels(outcome.asked_model or "unknown").inc()

    def watch(self, name: Watched, value: Callable[[], float]) -> None:
        """Show what `value` says at the moment of each scrape."""
        self._watched[name].set_function(value)

    def trace_dropped(self) -> None:
        self._dropped_traces.inc()

    def tried_again(self, error_code: str) -> None:
        self._second_tries.labels(error_code).inc()

    def left_out(self, model: str) -> None:
        self._omissions.labels(model).inc()

    def spend_checked(self, differences: int) -> None:
        self._differences.set(differences)

    def tidied(self, what: str, count: int) -> None:
        self._tidied.labels(what).inc(count)

    def described(self) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
        """Name, type, labels and meaning of each metric, for its documentation."""
        for collector in self._registry._collector_to_names:  # noqa: SLF001 - it has no other list
            for family in collector.collect():
                labels = getattr(collector, "_labelnames", getattr(family, "_labelnames", ()))
                counter = "_total" if family.type == "counter" else ""
                yield f"{family.name}{counter}", family.type, labels, family.documentation

    def exposition(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)
