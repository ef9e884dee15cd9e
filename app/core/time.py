"""Time, so that tests can have their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` is in UTC; `monotonic` is in seconds from anywhere and never goes back."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = monotonic
