"""All that is told of requests, to each place that wants to know."""

from collections.abc import Callable

from app.domain.outcome import Outcome
from app.ports import Tidied, Watched
from app.telemetry.log import OutcomeLog
from app.telemetry.metrics import Metrics


class LogAndMetrics:
    """Implements the port Telemetry."""

    def __init__(self) -> None:
        self._log = OutcomeLog()
        self._metrics = Metrics()

    def record(self, outcome: Outcome) -> None:
        self._log.record(outcome)
        self._metrics.record(outcome)

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
