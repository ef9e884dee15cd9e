"""Who spends most, and with which models."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from ops.context import Context
from ops.durations import duration
from ops.gateway import administration, internal_option, internal_url
from ops.result import Cell, Facts, Result, Table
from scripts.user_admin.client import Client

HELP = "users, keys and models that cost most in a period"
BY: Final = ("user", "key", "model")


def arguments(parser: argparse.ArgumentParser) -> None:
    internal_option(parser)
    add = parser.add_argument
    add("--since", type=duration, default=timedelta(days=30), help="how far back, in days (30d)")
    add("--top", type=int, default=10, help="rows of each table (10)")


def run(context: Context, args: argparse.Namespace) -> Result:
    today = context.clock().date()
    first = (context.clock() - args.since).date()
    with administration(context, internal_url(context, args)) as api:
        period = {"start_date": first.isoformat(), "end_date": today.isoformat()}
        days = api.get("/spend/report", group_by="day", **period)
        tables = [_table(api, by, args.top, period) for by in BY]
        everybody = api.get("/global/spend")
    total = sum((Decimal(day["total_spend"]) for day in days), Decimal(0))
    facts: list[tuple[str, Cell]] = [
        ("from", first.isoformat()),
        ("to", today.isoformat()),
        ("requests", sum(day["requests"] for day in days)),
        ("USD", total),
        ("global budget USD", everybody["max_budget"]),
        ("of it spent USD", Decimal(everybody["spend"])),
    ]
    return Result("Spend that the gateway booked", [Facts("In all", facts), *tables])


def _table(api: Client, by: str, top: int, period: Mapping[str, str]) -> Table:
    rows: Sequence[Mapping[str, Any]] = api.get(
        "/spend/report", group_by=by, limit=min(max(top, 1), 1000), **period
    )
    shown = [
        (
            row["label"] or row["name"],
            row["requests"],
            row["total_tokens"],
            Decimal(row["total_spend"]),
        )
        for row in rows
    ]
    return Table(f"By {by}", (by, "requests", "tokens", "USD"), shown)
