"""All that is told of requests, to each place that wants to know."""

from collections.abc import Callable
from typing import Protocol

from app.domain.outcome import Outcome
from app.ports import Tidied, Watched
from app.telemetry.log import OutcomeLog
from app.telemetry.metrics import Metrics


class Traces(Protocol):
    """Where each request leaves a trace."""

    def record(self, outcome: Outcome) -> None: ...

    def close(self) -> None: ...


class AllTelemetry:
    """Implements the port Telemetry: the log, metrics, and traces where they are wanted."""

    def __init__(self, metrics: Metrics, traces: Traces | None = None) -> None:
        self._log = OutcomeLog()
        self._metrics = metrics
        self._traces = traces

    def record(self, outcome: Outcome) -> None:
        self._log.record(outcome)
        self._metrics.record(outcome)
        if self._traces is not None:
            self._traces.record(outcome)

    def tried_again(self, error_code: str) -> None:
        self._metrics.tried_again(error_code)

    def left_out(self, model: str) -> None:
        self._metrics.left_out(model)

    def spend_checked(self, differences: int) -> None:
        self._metrics.spend_checked(differences)

    def tidied(self, what: Tidied, count: int) -> None:
        self._metrics.tidied(what, count)

    def watch(self, name: Watched, value: Callable[[], float]) -> None:
        self._metrics.watch(name, value)

    async def run(self) -> None:
        await self._metrics.loop_lag.run()

    def exposition(self) -> bytes:
        return self._metrics.exposition()

    def close(self) -> None:
        """Send what is left to be sent, within a few seconds."""
        if self._traces is not None:
            self._traces.close()
