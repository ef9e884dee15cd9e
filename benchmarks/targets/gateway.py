"""This gateway with everything on: keys, budgets, the ledger in PostgreSQL, metrics, the log."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path

from app.database.migrate import migrate
from benchmarks.people import make_people
from benchmarks.processes import MB, ROOT, DidNotStart
from benchmarks.spend_history import fill
from benchmarks.targets.database import database
from benchmarks.targets.target import BOTH, Place, Running, local, port_of
from tests.support.processes import GatewayProcess, gateway_process

LOCK = ROOT / "requirements" / "gateway.lock"


@contextmanager
def gateway(place: Place) -> Iterator[Running]:
    """On a new database; with `workers` processes on ports of their own, as tasks are."""
    with ExitStack() as stack:
        dsn, database_pid = stack.enter_context(database(place, "postgres"))
        migrate(dsn)
        people = make_people(dsn)
        if place.history_rows:
            fill(dsn, place.history_rows)
        since = time.monotonic()
        processes = [
            stack.enter_context(_one(dsn, place.bedrock, place.folder))
            for _ in range(place.workers)
        ]
        start_seconds = (time.monotonic() - since) / place.workers
        yield Running(
            "gateway",
            [local(port_of(one.public_url)) for one in processes],
            [one.process.pid for one in processes],
            BOTH,
            keys={**people, "unknown": ["sk-nobody-has-this-key"]},
            database_pids=[database_pid],
            database_url=dsn,
            start_seconds=start_seconds,
            metrics_url=f"{processes[0].internal_url}/metrics",
            installed_mb=installed_megabytes(LOCK) + _own_megabytes(),
        )


@contextmanager
def _one(dsn: str, bedrock: str, folder: Path) -> Iterator[GatewayProcess]:
    try:
        with gateway_process(dsn, bedrock, folder) as process:
            yield process
    except AssertionError as error:
        raise DidNotStart(str(error)) from error


def installed_megabytes(lock: Path) -> float:
    """What the packages of a lock take where this Python has them installed."""
    names = re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE)
    total = 0.0
    for name in names:
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            continue  # a package for another platform
        paths = (Path(str(one.locate())) for one in files if not str(one).endswith(".pyc"))
        total += sum(path.stat().st_size for path in paths if path.is_file())
    return total / MB


def _own_megabytes() -> float:
    sources = (one for one in (ROOT / "app").rglob("*") if one.is_file() and one.suffix != ".pyc")
    return sum(one.stat().st_size for one in sources) / MB
