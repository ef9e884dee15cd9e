"""Reports finished requests to the log, metrics and traces."""

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
    """Log, metrics and traces."""

    def watch(self, name: Watched, value: Callable[[], float]) -> None:
        """From now on `value` says how it stands."""

    async def run(self) -> None:
        """Background work of telemetry, until cancelled."""

    async def exposition(self) -> bytes:
        """The metrics in Prometheus's text format."""


log = logging.getLogger(__name__)

REPORT_AFTER_SECONDS: Final = 0.01
"""After the responses have gone out; requests that end together are reported together."""


class Traces(Protocol):
    """Where each request leaves a trace."""

    def record(self, record: RequestRecord) -> None: ...

    def close(self) -> None: ...


class Sinks:
    """Implements the port Telemetry: the log, metrics, and traces where they are wanted."""

    def __init__(self, metrics: Metrics, traces: Traces | None = None) -> None:
        self._log = RequestLog()
        self._metrics = metrics
        self._traces = traces
        self._waiting: list[Finished] = []

    def record(self, record: RequestRecord, spent: Sequence[Decimal] = ()) -> None:
        """Reported a moment later, so that no response waits for it."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(REPORT_AFTER_SECONDS, self._flush)
        self._waiting.append((record, record.budgets(spent)))

    def _flush(self) -> None:
        records, self._waiting = self._waiting, []
        for record, budgets in records:
            try:
                self._metrics.record(record, budgets)
                if self._traces is not None:
                    self._traces.record(record)
            except Exception:
                facts = {"request_id": record.request_id}
                log.exception("failed to record metrics or trace", extra=facts)
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
        self._flush()
        # In a thread: a page of many keys takes a while, and requests go on meanwhile.
        return await asyncio.to_thread(self._metrics.exposition)

    async def close(self) -> None:
        """Send what is left to be sent, within a few seconds."""
        self._flush()
        if self._traces is not None:
            await asyncio.to_thread(self._traces.close)
