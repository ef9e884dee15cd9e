"""Whether anything grows with time: `python -m benchmarks.soak [--requests 200000]`.

The gateway answers a mixture of requests, batch after batch; after each, its memory, open files,
database connections and series of metrics are noted. The memory's trend is a straight line by
least squares, over all but the first quarter, with the interval that it lies in at 95 %.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final

import httpx
import psutil

from benchmarks.install import KEPT
from benchmarks.measure import Length, measure
from benchmarks.processes import MB, end_in_order, taken
from benchmarks.rounds import placed
from benchmarks.scenarios import Scenario, chosen
from benchmarks.stub_answers import Pace
from benchmarks.targets.direct import StubProcess, stub_process
from benchmarks.targets.gateway import gateway
from benchmarks.targets.target import Running
from benchmarks.trend import Trend, trend

BATCH: Final = 2_000
WARM_UP_SHARE: Final = 0.25
NOISE_MB_PER_100K: Final = 2.0
"""Growth below this is not told from the allocator's own ups and downs."""

MIXTURE: Final = chosen(["messages", "chat-stream", "keys-10000", "code-stream", "refused-401"])


@dataclass(frozen=True, slots=True)
class Note:
    """What the gateway had after so many requests."""

    requests: int
    rss_mb: float
    open_files: int
    database_connections: int
    series: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The line through the memory, in MB for each 100,000 requests, and what else grew."""

    memory: Trend
    grown: Sequence[str]

    @property
    def steady(self) -> bool:
        return self.memory.low <= NOISE_MB_PER_100K and not self.grown


def judge(notes: Sequence[Note]) -> Verdict:
    """Of the notes after warming up."""
    settled = notes[int(len(notes) * WARM_UP_SHARE) :]
    points = [(one.requests / 100_000, one.rss_mb) for one in settled]
    half = len(settled) // 2
    grown = [
        name
        for name in ("open_files", "database_connections", "series")
        if _most(settled[half:], name) > _most(settled[:half], name)
    ]
    return Verdict(trend(points), grown)


def _most(notes: Sequence[Note], name: str) -> int:
    return max(int(getattr(note, name)) for note in notes)


def notes(
    target: Running, stub: StubProcess, metrics_url: str, requests: int, batch: int
) -> Iterator[Note]:
    """Send the mixture until so many requests are answered. Raises ValueError for wrong answers."""
    done = 0
    while done < requests:
        for scenario in MIXTURE:
            one = measure(_quick(scenario), target, stub, Length(requests=batch, warm_up_seconds=0))
            if not one.valid:
                raise ValueError(f"{scenario.name}: wrong answers, {dict(one.errors)}")
            done += one.requests
        yield note(target, metrics_url, done)


def _quick(scenario: Scenario) -> Scenario:
    return replace(scenario, pace=Pace())


def note(target: Running, metrics_url: str, done: int) -> Note:
    process, database = psutil.Process(target.pids[0]), psutil.Process(target.database_pids[0])
    lines = httpx.get(metrics_url, trust_env=False).text.splitlines()
    return Note(
        requests=done,
        rss_mb=taken(target.pids).rss_bytes / MB,
        open_files=process.num_fds(),
        database_connections=sum(_is_a_connection(child) for child in database.children()),
        series=sum(not line.startswith("#") for line in lines),
    )


def _is_a_connection(child: psutil.Process) -> bool:
    """PostgreSQL's own workers come and go; those of clients are titled with an address."""
    try:
        return any("127.0.0.1(" in part for part in child.cmdline())
    except psutil.NoSuchProcess:
        return False


def soak(requests: int, batch: int, say: Callable[[str], None]) -> list[Note]:
    """Start a gateway and ask it so many times."""
    found = []
    with stub_process() as stub, placed(gateway, stub) as target:
        for one in notes(target, stub, target.metrics_url, requests, batch):
            found.append(one)
            say(
                f"{one.requests:9,} requests  {one.rss_mb:7.1f} MB  {one.open_files} files  "
                f"{one.database_connections} connections  {one.series} series"
            )
    return found


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Whether anything grows with time.")
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=BATCH, help="of each kind, between two notes")
    options = parser.parse_args(argv)
    end_in_order()
    found = soak(options.requests, options.batch, lambda line: print(line, flush=True))
    verdict = judge(found)
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"soak-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps([asdict(one) for one in found], indent=1))
    line = verdict.memory
    print(
        f"Memory: {line.slope:+.2f} MB for each 100,000 requests "
        f"(between {line.low:+.2f} and {line.high:+.2f} at 95 %)\n"
        f"Grown: {', '.join(verdict.grown) or 'nothing'}\nWritten to {path}"
    )
    return 0 if verdict.steady else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
