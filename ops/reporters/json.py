"""For programs: one JSON object on stdout, however the run ended."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, TextIO, assert_never

from ops.errors import OpsError
from ops.reporters.table import TableReporter
from ops.result import Facts, Note, Result, Section, Table, Text


class JsonReporter:
    """Decimals are text, so that no reader rounds money."""

    def __init__(self, out: TextIO, err: TextIO, environ: Mapping[str, str]) -> None:
        self._out = out
        self._people = TableReporter(out, err, environ)

    def say(self, line: str) -> None:
        self._people.say(line)

    def line(self, line: str) -> None:
        self._people.say(line)  # stdout is for the one object, which will have it

    def result(self, result: Result) -> None:
        self._write(
            {
                "title": result.title,
                "exit": int(result.exit),
                "planned": result.planned,
                "changes": [asdict(change) for change in result.changes],
                "sections": [_section(section) for section in result.sections],
            }
        )

    def failure(self, error: OpsError) -> None:
        said = {"message": error.message, "hint": error.hint, "name": error.exit.name}
        self._write({"exit": int(error.exit), "error": said})
        self._people.failure(error)

    def _write(self, data: dict[str, Any]) -> None:
        self._out.write(f"{json.dumps(data, indent=2, default=_value)}\n")


def _section(section: Section) -> dict[str, Any]:
    match section:
        case Table():
            rows = [dict(zip(section.columns, row, strict=True)) for row in section.rows]
            return {"kind": "table", "title": section.title, "rows": rows}
        case Facts():
            return {"kind": "facts", "title": section.title, "facts": dict(section.facts)}
        case Note():
            return {"kind": "note", "level": section.level, "text": section.text}
        case Text():
            return {"kind": "text", "title": section.title, "lines": list(section.lines)}
        case _:
            assert_never(section)


def _value(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
