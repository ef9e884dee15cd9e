"""Time that passes only when somebody sleeps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class FakeClock:
    """Call it for the time; `sleep` moves it, and whatever goes by it."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.slept = 0
        self._moved: list[Callable[[], None]] = []

    def __call__(self) -> datetime:
        return self.now

    def on_tick(self, moved: Callable[[], None]) -> None:
        self._moved.append(moved)

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.slept += 1
        assert self.slept < 1000, "this waits for ever"
        for moved in self._moved:
            moved()
