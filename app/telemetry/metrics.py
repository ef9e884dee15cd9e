"""Prometheus metrics."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.ledger.record import BudgetCounter, BudgetState, RequestRecord, Scope
from app.telemetry.litellm_metrics import LiteLLMMetrics

Watched = Literal[
    "gateway_requests_in_flight",
    "gateway_background_tasks",
    "gateway_body_bytes_in_flight",
    "gateway_database_connections",
    "gateway_database_connections_used",
    "gateway_database_requests_waiting",
    "gateway_spool_records",
    "gateway_spool_bytes",
    "gateway_key_cache_entries",
    "gateway_database_heartbeat_age_seconds",
]
"""What is looked at when it is asked for, rather than noted when it changes."""

PAUSE_SECONDS: Final = 0.25

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class LoopLag:
    """Sleeps again and again, and notes by how much each sleep was too long."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histogram(
            "gateway_event_loop_lag_seconds",
            "Delay of the event loop.",
            registry=registry,
            buckets=BUCKETS,
        )

        self._tasks = Gauge(
            "gateway_event_loop_tasks",
            "Tasks of the event loop.",
            registry=registry,
        )

    async def run(self) -> None:
        """For as long as the process lives, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PAUSE_SECONDS
            await asyncio.sleep(PAUSE_SECONDS)
            self._lag.observe(max(0.0, loop.time() - due))
            self._tasks.set(len(asyncio.all_tasks()))


BUDGETS_REMEMBERED: Final = 5_000

WHOSE: Final = {
    Scope.KEY: ("api_key", ("hashed_api_key", "api_key_alias")),
    Scope.USER: ("user", ("user",)),
}


@dataclass(frozen=True, slots=True)
class _State:
    account: BudgetCounter
    labels: tuple[str, ...]
    left: float


class BudgetGauges(Collector):
    """Of keys and users that have a cap. A budget whose window is over says nothing until it is
    used again, so no old figure stays; of several gateways' figures the smallest is the present."""

    def __init__(
        self, now: Callable[[], datetime], *, budgets_remembered: int = BUDGETS_REMEMBERED
    ) -> None:
        self._now = now
        self._most = budgets_remembered
        self._states: OrderedDict[tuple[Scope, str], _State] = OrderedDict()

    def record(self, record: RequestRecord, budgets: Sequence[BudgetState]) -> None:
        for standing in budgets:
            account = standing.account
            if account.scope not in WHOSE or account.cap is None:
                continue
            labels = (
                (account.id, record.key_alias or "None")
                if account.scope is Scope.KEY
                else (account.id,)
            )
            left = float(account.cap - standing.spent)
            name = (account.scope, account.id)
            before = self._states.get(name)
            if before is not None and before.account == account:
                # Those that end together may be told of in another order than they were booked.
                left = min(left, before.left)
            self._states[name] = _State(account, labels, left)
            self._states.move_to_end(name)
            if len(self._states) > self._most:
                self._states.popitem(last=False)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        now = self._now()
        for name, state in list(self._states.items()):
            if state.account.window.end is not None and state.account.window.end <= now:
                self._states.pop(name, None)
        for scope, (whose, labels) in WHOSE.items():
            left = GaugeMetricFamily(
                f"litellm_remaining_{whose}_budget_metric", "USD left of the budget.", labels=labels
            )
            most = GaugeMetricFamily(
                f"litellm_{whose}_max_budget_metric", "USD of the budget.", labels=labels
            )
            hours = GaugeMetricFamily(
                f"litellm_{whose}_budget_remaining_hours_metric",
                "Hours until the budget resets.",
                labels=labels,
            )
            for (of, _), state in list(self._states.items()):
                if of is not scope:
                    continue
                left.add_metric(state.labels, state.left)
                most.add_metric(state.labels, float(state.account.cap or 0))
                if end := state.account.window.end:
                    hours.add_metric(state.labels, (end - now).total_seconds() / 3600)
            yield from (left, most, hours)


WATCHED: Final[dict[Watched, str]] = {
    "gateway_requests_in_flight": "Admitted requests that are not settled yet.",
    "gateway_body_bytes_in_flight": "Bytes of request bodies that are being processed.",
    "gateway_background_tasks": "Settlements, streams read on after a disconnect, flushes.",
    "gateway_database_connections": "Connections of the pool to the database.",
    "gateway_database_connections_used": "Connections of the pool that are running a statement.",
    "gateway_database_requests_waiting": "Statements waiting for a connection.",
    "gateway_spool_records": "Requests in the local spool, waiting for the database.",
    "gateway_spool_bytes": "Bytes of the local spool.",
    "gateway_key_cache_entries": "Keys in the cache.",
    "gateway_database_heartbeat_age_seconds": "Seconds since the last database heartbeat.",
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
        self._rejections = Counter(
            "gateway_rejections",
            "Requests rejected by the gateway, by error code and API format.",
            ["error", "api_format"],
            registry=registry,
        )
        self._requests = Counter(
            "gateway_requests",
            "Admitted requests by ending and API format.",
            ["ending", "api_format"],
            registry=registry,
        )
        self._estimated = Counter(
            "gateway_estimated_spend_usd",
            "USD of the spend log that are estimated because Bedrock reported no usage.",
            ["ending"],
            registry=registry,
        )
        self._cache_cost = Counter(
            "gateway_cache_cost_usd",
            "USD spent on prompt cache reads and writes.",
            ["requested_model"],
            registry=registry,
        )
        self._uncached_cost = Counter(
            "gateway_cache_uncached_cost_usd",
            "USD that the same tokens would have cost without the cache.",
            ["requested_model"],
            registry=registry,
        )
        self._retries = Counter(
            "gateway_upstream_retries",
            "Retried calls to Bedrock, by the error of the first.",
            ["error"],
            registry=registry,
        )
        self._params_dropped = Counter(
            "gateway_unsupported_params_dropped",
            "Beta flags and fields dropped after Bedrock rejected them.",
            ["model"],
            registry=registry,
        )
        self._interventions = Counter(
            "gateway_guardrail_interventions",
            "Answers that a guardrail blocked or changed.",
            ["model"],
            registry=registry,
        )
        self._traces_dropped = Counter(
            "gateway_traces_dropped",
            "Traces dropped because the queue to Langfuse was full.",
            registry=registry,
        )
        self._differences = Gauge(
            "gateway_reconciliation_differences",
            "Differences found by the last daily reconciliation of log, roll-ups and counters.",
            registry=registry,
        )
        self._recovered = Counter(
            "gateway_recovered_requests",
            "Requests settled from the spool or for a gateway that died, by kind.",
            ["kind"],
            registry=registry,
        )
        self._budget_warnings = Counter(
            "gateway_budget_warnings",
            "Requests after which a budget was at 75 %, 95 % or beyond its soft limit.",
            ["scope", "level"],
            registry=registry,
        )

    def record(self, record: RequestRecord, budgets: Sequence[BudgetState] = ()) -> None:
        self._litellm.record(record)
        self._budgets.record(record, budgets)
        if record.ending is None:
            self._rejections.labels(record.error_code or "None", record.api_format).inc()
        else:
            self._requests.labels(record.ending, record.api_format).inc()
        if record.uncached_cost and record.cost_parts:
            parts, model = record.cost_parts, record.model or "None"
            paid = parts.cache_read + parts.cache_write_5m + parts.cache_write_1h
            self._cache_cost.labels(model).inc(float(paid))
            self._uncached_cost.labels(model).inc(float(record.uncached_cost))
        if record.estimated:
            self._estimated.labels(record.ending).inc(float(record.cost))
        for standing in budgets:
            if level := standing.warning:
                self._budget_warnings.labels(standing.account.scope.value, level).inc()
        if record.guardrail:
            self._interventions.labels(record.model or "unknown").inc()

    def watch(self, name: Watched, value: Callable[[], float]) -> None:
        """Show what `value` says at the moment of each scrape."""
        self._watched[name].set_function(value)

    def trace_dropped(self) -> None:
        self._traces_dropped.inc()

    def tried_again(self, error_code: str) -> None:
        self._retries.labels(error_code).inc()

    def left_out(self, model: str) -> None:
        self._params_dropped.labels(model).inc()

    def spend_checked(self, differences: int) -> None:
        self._differences.set(differences)

    def tidied(self, what: str, count: int) -> None:
        self._recovered.labels(what).inc(count)

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
