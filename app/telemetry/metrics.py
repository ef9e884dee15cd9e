"""Prometheus metrics. Labels are the catalogue's names and our codes, never a client's text."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from app.domain.outcome import Outcome


class Metrics:
    """Counters in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._second_tries = Counter(
            "gateway_upstream_second_tries",
            "Calls of Bedrock that were made once more, by the error that led to it.",
            ["error"],
            registry=self._registry,
        )
        self._omissions = Counter(
            "gateway_upstream_omissions",
            "Beta flags and fields that Bedrock refused and that are left out since.",
            ["model"],
            registry=self._registry,
        )
        self._interventions = Counter(
            "gateway_guardrail_interventions",
            "Answers that a guardrail blocked or changed.",
            ["model"],
            registry=self._registry,
        )

        self._differences = Gauge(
            "gateway_spend_differences",
            "Differences between log, summaries and counters that the last daily check found.",
            registry=self._registry,
        )
        self._tidied = Counter(
            "gateway_janitor_settlements",
            "Settlements of requests whose own gateway could not settle them, by their kind.",
            ["kind"],
            registry=self._registry,
        )
        self._budget_warnings = Counter(
            "gateway_budget_warnings",
            "Requests after which a budget was used by 75 % or 95 %, or beyond its soft limit.",
            ["scope", "level"],
            registry=self._registry,
        )

    def record(self, outcome: Outcome) -> None:
        for standing in outcome.budgets:
            if level := standing.warning:
                self._budget_warnings.labels(standing.account.scope.value, level).inc()
        if outcome.guardrail:
            self._interventions.labels(outcome.asked_model or "unknown").inc()

    def tried_again(self, error_code: str) -> None:
        self._second_tries.labels(error_code).inc()

    def left_out(self, model: str) -> None:
        self._omissions.labels(model).inc()

    def spend_checked(self, differences: int) -> None:
        self._differences.set(differences)

    def tidied(self, what: str, count: int) -> None:
        self._tidied.labels(what).inc(count)

    def exposition(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)
