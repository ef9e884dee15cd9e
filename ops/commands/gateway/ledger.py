"""What the daily check of the account found."""

import argparse
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from ops.context import Context
from ops.exits import Exit
from ops.gateway import administration, internal_option, internal_url
from ops.result import Cell, Level, Note, Result, Section, Table

HELP = "days that were checked, and where the sums of spend differ from their log"
DAYS: Final = 30


def arguments(parser: argparse.ArgumentParser) -> None:
    internal_option(parser)
    add = parser.add_argument
    add("--days", type=int, default=DAYS, help=f"how many of the last checks ({DAYS})")
    add("--check", action="store_true", help="exit 1 if something differs")


def run(context: Context, args: argparse.Namespace) -> Result:
    with administration(context, internal_url(context, args)) as api:
        days = api.get("/spend/check", limit=args.days)
    differences = [row for day in days for row in _differences(day)]
    columns = ("day", "account", "of", "id", "logged USD", "counted USD")
    sections: list[Section] = [
        Table("Days", ("day", "checked at", "found"), [_day(day) for day in days]),
        Table("Differences", columns, differences),
        _verdict(len(differences)),
    ]
    failed = args.check and bool(differences)
    title = "The account of spend against its log"
    return Result(title, sections, exit=Exit.FAILED if failed else Exit.OK)


def _day(day: Mapping[str, Any]) -> tuple[Cell, ...]:
    found = day["findings"]
    return (day["day"], day["checked_at"], "not checked" if found is None else len(found))


def _differences(day: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for one in day["findings"] or ():
        amounts = Decimal(one["logged"]), Decimal(one["counted"])
        yield (day["day"], one["what"], one["scope"], one["id"], *amounts)


def _verdict(differences: int) -> Note:
    if differences:
        return Note(f"{differences} sums differ from the log of requests.", Level.ERROR)
    return Note("All sums that were checked agree with the log of requests.")
