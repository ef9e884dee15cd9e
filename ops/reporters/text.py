"""Results as lines of text."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_never

from ops.plain import plain
from ops.result import Cell, Facts, Note, Result, Section, Table, Text


def shown(value: Cell) -> str:
    """A cell for people."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
        case Decimal():
            return _decimal(value)
        case float():
            return f"{value:,.2f}"
        case _:
            return plain(str(value))


def _decimal(value: Decimal) -> str:
    """With two places, or with all that there are below a cent."""
    text = f"{value.normalize():f}"
    return text if len(text.partition(".")[2]) > 2 else f"{value:.2f}"


def lines(result: Result) -> Iterator[str]:
    """The whole result."""
    yield plain(result.title)
    if result.changes:
        yield ""
        yield "Would change (nothing is done without --yes):" if result.planned else "Changed:"
        for change in result.changes:
            yield f"  {plain(change.what)}: {shown(change.before)} -> {shown(change.after)}"
    for section in result.sections:
        if not (isinstance(section, Text) and section.streamed):
            yield ""
            yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    match section:
        case Table():
            yield plain(section.title)
            yield from table(section.columns, section.rows)
        case Facts():
            yield plain(section.title)
            named = [(plain(name), shown(value)) for name, value in section.facts]
            width = max((len(name) for name, _ in named), default=0)
            yield from (f"  {name:{width}}  {value}" for name, value in named)
        case Note():
            yield f"{section.level}: {plain(section.text)}"
        case Text():
            yield plain(section.title)
            yield from (f"  {plain(line)}" for line in section.lines)
        case _:
            assert_never(section)


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Columns as wide as need be, numbers to the right."""
    kept = [tuple(row) for row in rows]
    if not kept:
        yield "  (none)"
        return
    cells = [[shown(value) for value in row] for row in ([*columns], *kept)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in kept[0]]
    for line in cells:
        aligned = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        )
        yield f"  {'  '.join(aligned)}".rstrip()
