"""Starting one part of the stack, and waiting until it answers."""

import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from app.local.files import tail
from app.local.process import Daemon, let_go
from app.local.stack_errors import StackError
from app.local.stack_probe import health
from app.local.stack_state import ROOT, Options, State

READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Bringing:
    """One call of `up`: whose state, what is to be undone, and where progress is told."""

    state: State
    options: Options
    undo: ExitStack
    say: Callable[[str], None]

    def told(self, what: str, since: float) -> None:
        self.say(f"{what} ({time.monotonic() - since:.1f} s)")


def launch(
    daemon: Daemon,
    command: list[str],
    environment: Mapping[str, str],
    notes: Mapping[str, str],
    path: str,
) -> None:
    """Start it, and wait until it answers 200 there on the port of its notes."""
    logged = daemon.log.stat().st_size if daemon.log.exists() else 0
    child = daemon.start(command, environment=environment, directory=ROOT, notes=notes)
    try:
        await_answer(daemon, child, int(notes["port"]), path, logged)
    finally:
        let_go(child)


def await_answer(
    daemon: Daemon,
    child: "subprocess.Popen[bytes] | None",
    port: int,
    path: str,
    logged: int = 0,
) -> None:
    """Wait for a 200; `StackError` with the end of its log if it ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        state = health(port, path)
        if state == "ok":
            return
        if child and child.poll() is not None:
            state = f"ended with exit code {child.returncode}"
        elif time.monotonic() < deadline:
            time.sleep(0.02)
            continue
        raise StackError(
            f"The {daemon.name} is not ready: {state}. {daemon.log} ends:\n"
            f"{tail(daemon.log, start=logged)}\n{advice(daemon.name)}"
        )


def advice(part: str) -> str:
    return f"More: ./dev logs {part}, ./dev doctor. Once the cause is gone: ./dev up"
