"""All that is told of requests, to each place that wants to know."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol

from app.ledger.record import RequestRecord, Sink, SpendWatcher, Tidied
from app.telemetry.log import Finished, RequestLog
from app.telemetry.metrics import Metrics, Watched
from app.upstream.upstream import AttemptWatcher


class Telemetry(Sink, AttemptWatcher, SpendWatcher, Protocol):
    """All that is told of requests."""

    def watch(self, name: Watched, value: Callable[[], float]) -> None:
        """From now on `value` says how it stands."""

    async def run(self) -> None:
        """What telemetry does beside being told, until cancelled."""

    async def exposition(self) -> bytes:
        """The metrics in Prometheus's text format."""


log = logging.getLogger(__name__)

TOLD_AFTER_SECONDS: Final = 0.01
"""By then the answers of now have gone out, and those who end together are told of together."""


class Traces(Protocol):
    """Where each request leaves a trace."""

    def record(self, record: RequestRecord) -> None: ...

    def close(self) -> None: ...


class AllTelemetry:
    """Implements the port Telemetry: the log, metrics, and traces where they are wanted."""

    def __init__(self, metrics: Metrics, traces: Traces | None = None) -> None:
        self._log = RequestLog()
        self._metrics = metrics
        self._traces = traces
        self._waiting: list[Finished] = []

    def record(self, record: RequestRecord, spent: Sequence[Decimal] = ()) -> None:
        """It is told of a moment later, so that no answer waits for that."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(TOLD_AFTER_SECONDS, self._tell)
        self._waiting.append((record, record.budgets(spent)))

    def _tell(self) -> None:
        records, self._waiting = self._waiting, []
        for record, budgets in records:
            try:
                self._metrics.record(record, budgets)
                if self._traces is not None:
                    self._traces.record(record)
            except Exception:
                facts = {"request_id": record.request_id}
                log.exception("metrics or traces lack a request", extra=facts)
        if records:
            self._log.record(records)

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

    async def exposition(self) -> bytes:
        self._tell()
        # In a thread: a page of many keys takes a while, and requests go on meanwhile.
        return await asyncio.to_thread(self._metrics.exposition)

    async def close(self) -> None:
        """Send what is left to be sent, within a few seconds."""
        self._tell()
        if self._traces is not None:
            await asyncio.to_thread(self._traces.close)
