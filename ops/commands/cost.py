"""This month's bill so far, beside what the gateway booked and what was estimated."""

import argparse
import calendar
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from ops.aws.billing import Billing
from ops.context import Context
from ops.gateway import INTERNAL, administration, internal_option
from ops.result import Level, Note, Result, Section, Table

HELP = "month to date by AWS service, beside the gateway's own figures and the estimate"
ESTIMATES: Final = Path(__file__).resolve().parents[2] / "docs" / "cost.md"
NOTABLE: Final = Decimal("0.2")
"""A difference by so much of the expected figure is pointed out."""
FIRST_DAYS: Final = 2
"""Bills come in a day late, so that the first days of a month say nothing."""


def arguments(parser: argparse.ArgumentParser) -> None:
    internal_option(parser)


def run(context: Context, args: argparse.Namespace) -> Result:
    today = context.clock().date()
    first = today.replace(day=1)
    billing = Billing(context)
    tagged, models = billing.tagged(first, today), billing.models(first, today)
    internal = args.internal_url or context.environ.get(INTERNAL)
    booked = _booked(context, internal, first, today) if internal else None
    share = Decimal(today.day) / calendar.monthrange(today.year, today.month)[1]
    estimate = estimated(context.names.environment)
    platform, calls = sum(tagged.values(), Decimal(0)), sum(models.values(), Decimal(0))
    so_far = None if estimate is None else (estimate * share).quantize(Decimal("0.01"))
    sections: list[Section] = [
        Table("Bill by AWS service", ("service", "USD"), _sorted(tagged)),
        Table("Models, of the whole account", ("service", "USD"), _sorted(models)),
        Table(
            "Compared",
            ("what", "billed USD", "expected USD", "expected by"),
            [
                ("platform", platform, so_far, "docs/cost.md, by the days of the month"),
                ("models", calls, booked, "the gateway's spend log"),
            ],
        ),
    ]
    if today.day > FIRST_DAYS:
        sections += [
            *_difference("platform", platform, so_far),
            *_difference("models", calls, booked),
        ]
    if booked is None:
        sections.append(Note(f"Without {INTERNAL} the gateway was not asked what it booked."))
    if not tagged:
        text = "No cost carries the tags project and environment: are they cost allocation tags?"
        sections.append(Note(text, Level.WARNING))
    return Result(f"Costs of {context.names.prefix} from {first} to {today}", sections)


def estimated(environment: str) -> Decimal | None:
    """The sum in docs/cost.md for a month, which is computed from the environment's plan."""
    page = ESTIMATES.read_text()
    table = re.search(rf"<!-- {environment} -->(.*?)<!-- end of", page, re.DOTALL)
    total = re.search(r"\*\*in all\*\* \|.*\*\*([\d.]+)\*\*", table[1]) if table else None
    return Decimal(total[1]) if total else None


def _booked(context: Context, internal: str, first: date, today: date) -> Decimal:
    with administration(context, internal) as api:
        days = api.get(
            "/spend/report",
            group_by="day",
            start_date=first.isoformat(),
            end_date=today.isoformat(),
        )
    return sum((Decimal(day["total_spend"]) for day in days), Decimal(0))


def _difference(what: str, billed: Decimal, expected: Decimal | None) -> Iterator[Note]:
    if expected is None or abs(billed - expected) <= max(expected * NOTABLE, Decimal(1)):
        return
    how = "more" if billed > expected else "less"
    text = f"For the {what} {abs(billed - expected):.2f} USD {how} are billed than expected."
    yield Note(text, Level.WARNING)


def _sorted(costs: Mapping[str, Decimal]) -> list[tuple[str, Decimal]]:
    return sorted(costs.items(), key=lambda item: (-item[1], item[0]))
