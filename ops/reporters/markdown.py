"""Results as GitHub's markdown, in which nothing of a value is markup."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from ops.plain import fence, plain
from ops.reporters.text import shown
from ops.result import Cell, Facts, Level, Note, Result, Section, Table, Text

ACTIVE: Final = re.compile(r"([\\`*_{}\[\]()#+!|~:@$])")
SIGNS: Final = {Level.INFO: "", Level.WARNING: "⚠️ ", Level.ERROR: "❌ "}


def escaped(value: Cell) -> str:
    """Text that is shown as it stands: no table cell, link, mention, HTML or formula in it."""
    text = shown(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return ACTIVE.sub(r"\\\1", text)


def fenced(lines: Sequence[str]) -> Iterator[str]:
    """A block of code, with a fence that no line of it can close."""
    kept = [plain(line) for line in lines]
    ticks = fence(kept, 3)
    yield from (ticks, *kept, ticks)


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    if not rows:
        yield "(none)"
        return
    yield f"| {' | '.join(map(escaped, columns))} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(map(escaped, row))} |"


def markdown(result: Result) -> Iterator[str]:
    """The whole result."""
    yield f"## {escaped(result.title)}"
    if result.changes:
        yield ""
        yield "Nothing was done; `--yes` would change:" if result.planned else "Changed:"
        yield ""
        changes = [(one.what, one.before, one.after) for one in result.changes]
        yield from table(("what", "before", "after"), changes)
    for section in result.sections:
        yield ""
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    match section:
        case Table():
            yield f"### {escaped(section.title)}"
            yield ""
            yield from table(section.columns, section.rows)
        case Facts():
            yield f"### {escaped(section.title)}"
            yield ""
            yield from table(("", ""), section.facts)
        case Note():
            yield f"{SIGNS[section.level]}{escaped(section.text)}"
        case Text():
            yield f"### {escaped(section.title)}"
            yield ""
            yield from fenced(section.lines)
        case _:
            assert_never(section)
