"""Whether anything grows with time: `./dev soak [--requests N | --long] [--write]`.

The gateway answers a mixture of requests, batch after batch; after each, its memory, open files,
tasks, database connections, series of metrics and rows in the database are noted. The memory's
trend is a straight line by least squares, over all but the first quarter, with the interval that it
lies in at 95 %. Then days pass in seconds: the spend log's partitions have to come and go on time.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import psutil
import psycopg

from benchmarks.install import KEPT
from benchmarks.measure import Length, measure
from benchmarks.pages import write_section
from benchmarks.processes import MB, ROOT, end_in_order, taken
from benchmarks.rounds import placed
from benchmarks.scenarios import Scenario, chosen
from benchmarks.soak_days import Days, pass_days
from benchmarks.soak_verdict import Note, judge, told
from benchmarks.stub_answers import Pace
from benchmarks.targets.direct import StubProcess, stub_process
from benchmarks.targets.gateway import gateway
from benchmarks.targets.target import Running

BATCH: Final = 2_000
REQUESTS, LONG_REQUESTS = 200_000, 1_000_000
DAYS: Final = 120
PAGE: Final = ROOT / "docs" / "reliability.md"

MIXTURE: Final = chosen(["messages", "chat-stream", "keys-10000", "code-stream", "refused-401"])
ROWS: Final = """
SELECT (SELECT count(*) FROM reservation),
       (SELECT count(*) FROM budget_counter) + (SELECT count(*) FROM rate_limit_bucket),
       (SELECT count(*) FROM spend_log)
"""


@dataclass(frozen=True, slots=True)
class Soak:
    """What was noted, and how the days went."""

    notes: Sequence[Note]
    days: Days


def notes(target: Running, stub: StubProcess, requests: int, batch: int) -> Iterator[Note]:
    """Send the mixture until so many requests are answered. Raises ValueError for wrong answers."""
    done = booked = 0
    while done < requests:
        for scenario in MIXTURE:
            one = measure(_quick(scenario), target, stub, Length(requests=batch, warm_up_seconds=0))
            if not one.valid:
                raise ValueError(f"{scenario.name}: wrong answers, {dict(one.errors)}")
            done += one.requests
            booked += one.requests if scenario.status == 200 else 0
        yield note(target, done, booked)


def _quick(scenario: Scenario) -> Scenario:
    return replace(scenario, pace=Pace())


def note(target: Running, done: int, booked: int) -> Note:
    process, database = psutil.Process(target.pids[0]), psutil.Process(target.database_pids[0])
    metrics = httpx.get(target.metrics_url, trust_env=False).text
    tasks = re.search(r"^gateway_event_loop_tasks (\S+)$", metrics, re.MULTILINE)
    with psycopg.connect(target.database_url) as connection:
        holds, counters, rows = connection.execute(ROWS).fetchone() or (0, 0, 0)
    return Note(
        requests=done,
        rss_mb=taken(target.pids).rss_bytes / MB,
        open_files=process.num_fds(),
        tasks=int(float(tasks[1])) if tasks else 0,
        database_connections=sum(_is_a_connection(child) for child in database.children()),
        series=sum(not line.startswith("#") for line in metrics.splitlines()),
        holds=holds,
        counters=counters,
        unbooked=booked - rows,
    )


def _is_a_connection(child: psutil.Process) -> bool:
    """PostgreSQL's own workers come and go; those of clients are titled with an address."""
    try:
        return any("127.0.0.1(" in part for part in child.cmdline())
    except psutil.NoSuchProcess:
        return False


def soak(requests: int, batch: int, days: int, say: Callable[[str], None]) -> Soak:
    """Start a gateway and ask it so many times; then let days pass."""
    found, began = list[Note](), time.monotonic()
    with stub_process() as stub, placed(gateway, stub) as target:
        for one in notes(target, stub, requests, batch):
            found.append(one)
            left = (time.monotonic() - began) * max(0, requests / one.requests - 1)
            say(f"{one}  {left / 60:.0f} min left")
        return Soak(found, asyncio.run(pass_days(target.database_url, days)))


def main(argv: Sequence[str]) -> int:
    options = _options(argv)
    end_in_order()
    requests = LONG_REQUESTS if options.long else options.requests
    found = soak(requests, options.batch, DAYS, lambda line: print(line, flush=True))
    print(f"Written to {_keep(found)}\n")
    text = told(found.notes, found.days)
    print(text)
    if options.write:
        write_section(PAGE, "soak", text)
    return 0 if judge(found.notes, found.days).steady else 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev soak", description="Does anything grow with time?")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--long", action="store_true", help=f"{LONG_REQUESTS:,} requests")
    parser.add_argument("--batch", type=int, default=BATCH, help="of each kind, between two notes")
    parser.add_argument("--write", action="store_true", help="into docs/reliability.md")
    return parser.parse_args(argv)


def _keep(found: Soak) -> Path:
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"soak-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(asdict(found), indent=1))
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
