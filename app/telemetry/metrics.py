"""Prometheus metrics. Labels are the catalogue's names and our codes, never a client's text."""

from prometheus_client import CollectorRegistry, Counter, generate_latest

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

    def record(self, outcome: Outcome) -> None:
        if outcome.guardrail:
            self._interventions.labels(outcome.asked_model or "unknown").inc()

    def tried_again(self, error_code: str) -> None:
        self._second_tries.labels(error_code).inc()

    def left_out(self, model: str) -> None:
        self._omissions.labels(model).inc()

    def exposition(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)
