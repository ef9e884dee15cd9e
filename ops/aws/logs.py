"""What a log group holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ops.aws.errors import translated
from ops.context import Context

WINDOW: Final = timedelta(hours=1)
"""So much is held in memory and put in order at a time."""
REMEMBERED: Final = 100_000


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A line of a log; the fields are in the order that lines are sorted by."""

    at_ms: int
    ingested_ms: int
    stream: str
    id: str
    message: str

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"{moment} {self.stream.rpartition('/')[2][:8]} {self.message.rstrip()}"


@dataclass(frozen=True, slots=True)
class Which:
    """The entries that are meant."""

    group: str
    pattern: str | None = None
    streams: Sequence[str] = ()

    def request(self) -> dict[str, Any]:
        request: dict[str, Any] = {"logGroupName": self.group}
        if self.pattern:
            request["filterPattern"] = self.pattern
        if self.streams:
            request["logStreamNames"] = list(self.streams)
        return request


class Logs:
    """Raises OpsError, all of it."""

    def __init__(self, context: Context) -> None:
        self._client = context.aws("logs")
        self._context = context

    def between(self, which: Which, start: datetime, end: datetime) -> Iterator[Entry]:
        """All of them in order, across pages and streams, each once."""
        while start < end:
            until = min(start + WINDOW, end)
            # Both ends belong to what CloudWatch answers; the next window begins after this one.
            found = self._all(which, _ms(start), _ms(until) - 1)
            yield from sorted(set(found))
            start = until

    def follow(self, which: Which, start: datetime, lag: timedelta) -> Iterator[Entry | None]:
        """New ones as they arrive, for ever; None whenever there are none for now.

        CloudWatch takes entries in late: the time just passed is asked for again, and what was
        shown is remembered.
        """
        shown: dict[str, None] = {}
        while True:
            now = self._context.clock()
            for entry in sorted(set(self._all(which, _ms(start), _ms(now)))):
                if entry.id not in shown:
                    shown[entry.id] = None
                    yield entry
            while len(shown) > REMEMBERED:
                del shown[next(iter(shown))]
            start = max(start, now - lag)
            yield None

    def _all(self, which: Which, start_ms: int, end_ms: int) -> Iterator[Entry]:
        pages = self._client.get_paginator("filter_log_events").paginate(
            **which.request(), startTime=start_ms, endTime=end_ms
        )
        with translated():
            for page in pages:
                yield from map(_entry, page["events"])


def _entry(raw: dict[str, Any]) -> Entry:
    return Entry(
        raw["timestamp"],
        raw.get("ingestionTime", 0),
        raw["logStreamName"],
        raw["eventId"],
        raw["message"],
    )


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
