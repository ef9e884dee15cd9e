"""How late the event loop is, and how much is in it: what a request waits for beside all else."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
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

from app.ledger.record import Account, Outcome, Scope
from app.telemetry.litellm_metrics import LiteLLMMetrics

Watched = Literal[
    "gateway_requests_in_flight",
    "gateway_background_tasks",
    "gateway_body_bytes_in_flight",
    "gateway_database_connections",
    "gateway_database_connections_used",
    "gateway_database_requests_waiting",
    "gateway_spool_settlements",
    "gateway_spool_bytes",
    "gateway_keys_remembered",
    "gateway_database_silence_seconds",
]
"""What is looked at when it is asked for, rather than noted when it changes."""

PAUSE_SECONDS: Final = 0.25

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class LoopLag:
    """Sleeps again and again, and notes by how much each sleep was too long."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histogram(
            "gateway_event_loop_lag_seconds",
            "By how much the event loop was late.",
            registry=registry,
            buckets=BUCKETS,
        )

        self._tasks = Gauge(
            "gateway_event_loop_tasks",
            "Tasks of the event loop, a few for each open request.",
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
    account: Account
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

    def record(self, outcome: Outcome) -> None:
        for standing in outcome.budgets:
            account = standing.account
            if account.scope not in WHOSE or account.cap is None:
                continue
            labels = (
                (account.id, outcome.key_alias or "None")
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
                "Hours until the budget starts anew.",
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
