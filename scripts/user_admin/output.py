"""Results as tables or JSON."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did: `data` for programs; for people lines of text and a table."""

    data: Any
    lines: Sequence[str] = ()
    table: Sequence[Row] | None = None
    code: int = 0
    notes: Sequence[str] = field(default=())
    """Said beside the result, in either form."""


def show(result: Result, *, as_json: bool) -> None:
    for note in result.notes:
        sys.stderr.write(f"{note}\n")
    if as_json:
        text = orjson.dumps(result.data, default=_number, option=orjson.OPT_INDENT_2).decode()
        sys.stdout.write(f"{text}\n")
        return
    sys.stdout.write("".join(f"{line}\n" for line in result.lines))
    if result.table is not None:
        sys.stdout.write(table(result.table))


def table(rows: Sequence[Row]) -> str:
    """Columns by the names of the first row's fields; numbers to the right."""
    if not rows:
        return "(none)\n"
    names = list(rows[0])
    cells = [[name.replace("_", " ") for name in names]]
    cells += [[_text(row[name]) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    right = [isinstance(rows[0][name], int | Decimal) for name in names]
    shown = (
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    )
    return "".join(f"{line}\n" for line in shown)


def usd(amount: Decimal | int | None) -> str:
    """With cents, or with all that there is below a cent."""
    if amount is None:
        return "-"
    exact = Decimal(amount)
    text = f"{exact.normalize():f}"
    _, _, places = text.partition(".")
    return text if len(places) > 2 else f"{exact:.2f}"


def _text(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, Decimal):
        return usd(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    # What others named may hold anything; a terminal shall not act on it.
    return "".join(character if character.isprintable() else "?" for character in str(value))


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value.normalize():f}")
    raise TypeError(type(value).__name__)
