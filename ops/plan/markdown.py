"""Markdown in which nothing that others wrote is markup: it stands in code alone."""

from collections.abc import Iterator, Sequence
from typing import Final

from ops.plain import fence, plain

LONGEST: Final = 500


def code(text: str) -> str:
    """A span of code that no backtick in it can end."""
    shown = _line(text) or " "
    ticks = fence([shown], 1)
    space = " " if "`" in shown else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def block(lines: Sequence[str]) -> Iterator[str]:
    """A block of code that no line in it can end."""
    shown = [_line(line) for line in lines]
    ticks = fence(shown, 3)
    yield from (ticks, *shown, ticks)


def _line(text: str) -> str:
    """One line, cut where it is very long."""
    shown = plain(text)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
