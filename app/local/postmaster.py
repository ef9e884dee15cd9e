"""The running server, as its pid file tells it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import psutil

_READY: Final = frozenset({"ready", "standby"})


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What the pid file of a live server says."""

    pid: int
    port: int
    ready: bool
    """Whether it takes connections; a standby does, to read."""

    @classmethod
    def of(cls, data: Path) -> Self | None:
        """The server of that data directory, unless the file is a dead or foreign process's."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
            if str(data) not in psutil.Process(pid).cmdline():
                return None
        except (FileNotFoundError, IndexError, ValueError, psutil.Error):
            return None
        return cls(pid, port, ready=lines[7:] != [] and lines[7].strip() in _READY)
