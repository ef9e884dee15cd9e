"""Processes that outlive the one which started them, and how to find them again."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.local.files import write_private

CLOCK_STEP_SECONDS = 2.0
LARGEST_LOG_BYTES = 10_000_000


def let_go(child: "subprocess.Popen[bytes]") -> None:
    """Leave the process to itself; without this, Python warns that nobody waits for it."""
    if child.poll() is None:
        child.returncode = 0


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process in a session of its own; a record of its number and start tells it from a later
    one that was given the same number."""

    name: str
    record: Path
    log: Path

    def pid(self) -> int | None:
        process = self._process()
        return process.pid if process else None

    def notes(self) -> dict[str, str]:
        """What was noted when it was started, whether it still runs or not."""
        try:
            notes = json.loads(self.record.read_text())["notes"]
        except (FileNotFoundError, ValueError, KeyError):
            return {}
        return {str(name): str(value) for name, value in notes.items()}

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        notes: Mapping[str, str],
    ) -> "subprocess.Popen[bytes]":
        """Start it, and note its number before anything else can go wrong."""
        for path in (self.log, self.record):
            path.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=directory,
                env=environment,
                start_new_session=True,
            )
        started = psutil.Process(child.pid).create_time()
        record = {"pid": child.pid, "started": started, "command": command, "notes": dict(notes)}
        write_private(self.record, json.dumps(record, default=str))
        return child

    def stop(self, seconds: float) -> bool:
        """Ask it to end, kill it when it takes too long; False when there was nothing to stop."""
        process = self._process()
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
                if not await_end(process, seconds):
                    process.kill()
                    await_end(process, 10)
        return process is not None

    def forget(self) -> None:
        """Drop the record: this part does not belong to the stack any more."""
        self.record.unlink(missing_ok=True)

    def _process(self) -> psutil.Process | None:
        """The process of the record, unless it ended, or its number is another's by now."""
        try:
            record = json.loads(self.record.read_text())
            process = psutil.Process(record["pid"])
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            same_start = abs(process.create_time() - record["started"]) < CLOCK_STEP_SECONDS
            # A step of the system's clock moves the start time of a running process.
            same = same_start or process.cmdline() == record["command"]
        except (FileNotFoundError, ValueError, KeyError, psutil.Error):
            return None
        return process if same else None


def await_end(process: psutil.Process, seconds: float) -> bool:
    """Whether it ended in time; in a container, nobody may ever collect what is left of it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            process.wait(0.02)
        except psutil.TimeoutExpired:
            if process.status() != psutil.STATUS_ZOMBIE:
                continue
        except psutil.NoSuchProcess:
            pass
        return True
    return False


def environment_without(*names: str) -> dict[str, str]:
    """This process's environment, less some variables."""
    return {name: value for name, value in os.environ.items() if name not in names}
