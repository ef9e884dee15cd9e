"""Starting what is measured, and what a tree of processes takes of the machine."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from app.local.files import tail

ROOT = Path(__file__).parents[1]
STOP_SECONDS = 10.0
MB = 1_000_000
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class DidNotStart(Exception):
    """Something to be measured is not there; the message ends with its own last words."""


def end_in_order() -> None:
    """Let a SIGTERM end this program as an error would: what it started is stopped."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a tree of processes had taken at one moment."""

    cpu_seconds: float
    rss_bytes: int


def taken(pids: Sequence[int]) -> Taken:
    """Of these processes, their children, and those children that have ended."""
    cpu, rss = 0.0, 0
    for process in (one for pid in pids for one in _tree(pid)):
        with contextlib.suppress(psutil.NoSuchProcess), process.oneshot():
            times = process.cpu_times()
            cpu += times.user + times.system + times.children_user + times.children_system
            rss += process.memory_info().rss
    return Taken(cpu, rss)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def started(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    directory: Path = ROOT,
    seconds: float = 30,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is ready; stopped, and killed if need be, at the end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + seconds
        while not ready():
            if process.poll() is not None:
                raise DidNotStart(f"{name} ended with {process.returncode}:\n{last_words(log)}")
            if time.monotonic() > deadline:
                raise DidNotStart(f"{name} is not ready after {seconds:.0f} s:\n{last_words(log)}")
            time.sleep(0.02)
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    family = _tree(process.pid)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
    for left in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()


def last_words(log: Path) -> str:
    """The end of a log without colours and empty lines."""
    plain = COLOUR.sub("", tail(log, 60))
    return "\n".join([line for line in plain.splitlines() if line.strip()][-12:])


def answers(port: int, path: str = "/") -> Callable[[], bool]:
    """Whether a GET there is answered, with whatever status."""

    def asked() -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return True

    return asked


def megabytes(folder: Path) -> float:
    """What a folder's files hold; compiled copies, which a start makes, are left out."""
    files = (one for one in folder.rglob("*") if one.is_file() and not one.is_symlink())
    return sum(one.stat().st_size for one in files if one.suffix != ".pyc") / MB
