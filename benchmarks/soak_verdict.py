"""What a soak says: whether memory grows, what else does, and what is not as it should be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from benchmarks.runs import machine
from benchmarks.soak_days import Days
from benchmarks.trend import Trend, trend

WARM_UP_SHARE: Final = 0.25
NOISE_MB_PER_100K: Final = 2.0
"""Growth below this is not told from the allocator's own ups and downs."""

TOLERATED: Final[Mapping[str, int]] = {
    "open_files": 0,
    "tasks": 5,
    "database_connections": 3,
    "series": 0,
    "counters": 0,
}
"""How much higher the second half may reach. Tasks are counted at any moment, and the pool opens a
connection or two when many ask at once."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the gateway and its database had after so many requests."""

    requests: int
    rss_mb: float
    open_files: int
    tasks: int
    database_connections: int
    series: int
    holds: int
    counters: int
    """Rows of budgets and limits: one for each key, user and window, however often they ask."""
    unbooked: int
    """Requests that were answered, and have no row in the spend log."""

    def __str__(self) -> str:
        return (
            f"{self.requests:9,} requests  {self.rss_mb:6.1f} MB  {self.open_files} files  "
            f"{self.tasks} tasks  {self.database_connections} connections  {self.series} series  "
            f"{self.counters} counters"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The line through the memory, in MB for each 100,000 requests; what else grew; what is
    wrong."""

    memory: Trend
    grown: Sequence[str]
    wrong: Sequence[str]

    @property
    def steady(self) -> bool:
        return self.memory.low <= NOISE_MB_PER_100K and not (self.grown or self.wrong)


def judge(notes: Sequence[Note], days: Days) -> Verdict:
    """Of the notes after warming up."""
    settled = notes[int(len(notes) * WARM_UP_SHARE) :]
    half = len(settled) // 2
    grown = [
        name
        for name, more in TOLERATED.items()
        if _most(settled[half:], name) > _most(settled[:half], name) + more
    ]
    points = [(one.requests / 100_000, one.rss_mb) for one in settled]
    return Verdict(trend(points), grown, [*_wrong(notes[-1]), *days.late])


def _most(notes: Sequence[Note], name: str) -> int:
    return max((int(getattr(note, name)) for note in notes), default=0)


def _wrong(last: Note) -> Iterator[str]:
    if last.holds:
        yield f"{last.holds} holds are left"
    if last.unbooked:
        yield f"{last.unbooked} requests are not in the spend log"


def told(notes: Sequence[Note], days: Days) -> str:
    """The verdict in Markdown."""
    verdict, first, last = judge(notes, days), notes[int(len(notes) * WARM_UP_SHARE)], notes[-1]
    line = verdict.memory
    rows = [
        ("what", f"after {first.requests:,}", f"after {last.requests:,}"),
        ("---", "---", "---"),
        ("memory, MB", f"{first.rss_mb:.1f}", f"{last.rss_mb:.1f}"),
        *((name, *(f"{getattr(n, field):,}" for n in (first, last))) for name, field in SHOWN),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; {last.requests:,} requests.\n\n{table}\n\n"
        f"Memory: {line.slope:+.2f} MB for each 100,000 requests (between {line.low:+.2f} and "
        f"{line.high:+.2f} at 95 %). Grown: {', '.join(verdict.grown) or 'nothing'}. "
        f"{days.passed} days: at most {days.most_partitions} partitions. "
        f"Wrong: {'; '.join(verdict.wrong) or 'nothing'}."
    )


SHOWN: Final = (
    ("open files", "open_files"),
    ("asyncio tasks", "tasks"),
    ("database connections", "database_connections"),
    ("series of metrics", "series"),
    ("holds", "holds"),
    ("rows of budgets and limits", "counters"),
    ("answers that are not in the spend log", "unbooked"),
)
