"""What waits for Langfuse is bounded; the rest is tested against a server in tests/integration."""

from typing import Any

import pytest

from app.ledger.record import CapturedContent
from app.telemetry import langfuse
from app.telemetry.langfuse import LangfuseTraces, TraceOptions
from tests.support.examples import record

OPTIONS = TraceOptions(
    public_key="pk-lf-1",
    secret_key="sk-lf-1",
    base_url="http://127.0.0.1:9",
    environment="test",
    release=None,
    rate=1,
    capture="full",
    chars=10,
    mask=(),
)


class Desk:
    def __init__(self, **options: Any) -> None:
        self.dropped = 0
        self.traces = LangfuseTraces(OPTIONS, on_drop=self._drop, **options)

    def _drop(self) -> None:
        self.dropped += 1


def test_traces_that_do_not_fit_into_the_queue_are_dropped() -> None:
    desk = Desk(most_waiting=2)
    desk.traces._waiting.put(None)
    desk.traces._thread.join()

    for _ in range(5):
        desk.traces.record(record())

    assert desk.dropped == 3


def test_traces_that_are_too_large_together_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langfuse, "MOST_BYTES_WAITING", 1_000)
    desk = Desk()

    desk.traces.record(record(content=CapturedContent(b"x" * 1_001)))
    desk.traces.record(record(content=CapturedContent(b"x" * 10)))

    assert desk.dropped == 1
