"""What the gateway is held to, as data: the design's columns, and the ratios that follow.

Source: measured on 2026-11-23 on another machine, peers and bare relay side by side. Figures in
seconds do not carry over; what does is a ratio of two targets within one run.
"""

from dataclasses import dataclass
from typing import Final

SOURCE: Final = "measured 2026-11-23 on another machine: only ratios carry over"


@dataclass(frozen=True, slots=True)
class Goal:
    """`relay` is what the bare relay reached on the machine that `must` was set on."""

    scenario: str
    what: str
    unit: str
    must: float
    moonshot: float
    relay: float | None = None
    more_is_better: bool = True

    @property
    def must_ratio(self) -> float | None:
        return self.must / self.relay if self.relay else None


GOALS: Final = (
    Goal("messages", "rate", "requests/s", 1250, 1800, 2708),
    Goal("chat", "rate", "requests/s", 1000, 1500),
    Goal("messages-stream", "rate", "requests/s", 750, 1000, 1215),
    Goal("chat-stream", "rate", "requests/s", 620, 800),
    Goal("code-stream", "rate", "requests/s", 350, 500),
    Goal("code-alone", "added_p50", "ms added", 3.5, 2.5, more_is_better=False),
    Goal("upstream-50", "added_p50", "ms added p50", 2.5, 1.5, more_is_better=False),
    Goal("upstream-50", "added_p95", "ms added p95", 5, 3, more_is_better=False),
    Goal("upstream-50", "added_p99", "ms added p99", 7, 5, more_is_better=False),
    Goal("stream-50", "added_first_byte_p50", "ms to 1st byte p50", 3, 2, more_is_better=False),
    Goal("stream-50", "added_first_byte_p95", "ms to 1st byte p95", 8, 4, more_is_better=False),
    Goal("paced-50", "events_rate", "events/s", 2500, 2600),
    Goal("paced-50", "gap_max", "ms longest gap", 40, 25, more_is_better=False),
    Goal("burst", "events_rate", "events/s", 60_000, 100_000, 77_611),
    Goal("messages", "cpu_ms", "ms of CPU", 0.8, 0.55, 0.37, more_is_better=False),
    Goal("messages", "rss_mb", "MB under load", 180, 130, 80, more_is_better=False),
)
IDLE_MB: Final = Goal("idle", "idle_mb", "MB idle", 110, 80, 62, more_is_better=False)
START: Final = Goal("start", "start_seconds", "s to ready", 1.5, 0.7, more_is_better=False)
INSTALLED: Final = Goal("installed", "installed_mb", "MB installed", 150, 90, more_is_better=False)
