"""What a fault is: something breaks under load, and everything must be right afterwards."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.account import BudgetCounter
from tests.chaos.load import ANSWERED
from tests.chaos.server import Server
from tests.support.processes import EmulatorProcess


@dataclass(frozen=True, slots=True)
class Size:
    """How long a story is told."""

    clients: int
    answers: int
    """Before the fault, and after it."""
    times: int
    """How often something breaks, where it may break more than once."""


SHORT = Size(clients=6, answers=8, times=1)
LONG = Size(clients=16, answers=200, times=6)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a story happens. Server and emulator serve one story after the other."""

    server: Server
    emulator: EmulatorProcess
    database_url: str
    directory: Path
    size: Size
    random: Random


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    seen: Mapping[str, int]
    longest_seconds: float
    """That a client waited for whatever it got."""
    healthy_seconds: float
    """From the fault's end until the last request that was not answered."""
    booked_seconds: float
    """From the last answer until nothing was held or spooled any more."""
    account: BudgetCounter
    notes: tuple[str, ...] = ()
    """What else the story found out; part of the table."""


@dataclass(frozen=True, slots=True)
class Story:
    """`tell` raises AssertionError for what only this story knows to be wrong."""

    name: str
    breaks: str
    """What breaks, as a row of the table begins."""
    may_see: frozenset[str]
    """What clients may see beside answers."""
    tell: Callable[[Place], Awaitable[Report]]
    needs_root: bool = False

    def faults(self, report: Report) -> list[str]:
        """What is not as it should be, in sentences."""
        unexpected = {
            f"{count} x {what}"
            for what, count in report.seen.items()
            if what not in {ANSWERED, *self.may_see}
        }
        seen = [f"clients saw {', '.join(sorted(unexpected))}"] if unexpected else []
        return [*seen, *report.account.faults]


def story(
    name: str,
    breaks: str,
    tell: Callable[[Place], Awaitable[Report]],
    *may_see: str,
    needs_root: bool = False,
) -> Story:
    return Story(name, breaks, frozenset(may_see), tell, needs_root)
