"""What a command returns, and every reporter shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ops.exits import Exit

Cell = str | int | float | Decimal | bool | datetime | None


class Level(StrEnum):
    """How loudly a note is shown."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values."""

    title: str
    facts: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence; a warning or an error becomes an annotation on GitHub."""

    text: str
    level: Level = Level.INFO


@dataclass(frozen=True, slots=True)
class Text:
    """Lines that somebody else wrote: a log, a program's output, a plan."""

    title: str
    lines: Sequence[str]
    streamed: bool = False
    """Whether they were shown as they came; the last ones stand here for who saw none of it."""


Section = Table | Facts | Note | Text


@dataclass(frozen=True, slots=True)
class Change:
    """What is changed, from what to what."""

    what: str
    before: Cell
    after: Cell

    def __str__(self) -> str:
        return f"{self.what}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a command found or did. `changes` were made, unless `planned`: then they would be."""

    title: str
    sections: Sequence[Section] = ()
    changes: Sequence[Change] = ()
    planned: bool = False
    exit: Exit = Exit.OK
