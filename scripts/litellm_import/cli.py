"""The command: what would be done, and with `--apply` doing it."""

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from psycopg.rows import dict_row

from app.catalog.catalog import Catalog, load_catalog, shipped_models
from app.catalog.overrides import ModelOverride, definition_of, merge
from app.catalog.registry import MODELS
from scripts.litellm_import.plan import Plan, Planner
from scripts.litellm_import.source import NoSource, read
from scripts.litellm_import.target import write
from scripts.user_admin.output import table, usd

SOURCE, TARGET = "LITELLM_DATABASE_URL", "DATABASE_URL"

DESCRIPTION = f"""\
Users, keys, budgets, limits and spend from LiteLLM's PostgreSQL database.

Keys are known by their SHA-256 on both sides, so they go on working. Without --apply nothing is
written, but all is tried and said. With it all is written in one transaction, or nothing. It may be
run again: who exists already stays as is, and spend is brought up to LiteLLM's present figures.

  {SOURCE}     where LiteLLM's tables are: postgresql://user:password@host/name
  {TARGET}             the gateway's database, migrated
  GATEWAY_BUDGET_TIMEZONE  the gateway's, for the windows of budgets; UTC if not set
  AWS_REGION               the gateway's, for the names of models
"""


def run(argv: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """0 done, 1 failed, 2 misused."""
    parser = argparse.ArgumentParser(
        prog="import-litellm",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--apply", action="store_true", help="write it")
    parser.add_argument("--admins", action="store_true", help="carry roles of administrators over")
    options = parser.parse_args(argv)
    if missing := [name for name in (SOURCE, TARGET) if not environment.get(name)]:
        sys.stderr.write(f"{' and '.join(missing)} must be set; see --help\n")
        return 2
    try:
        zone = ZoneInfo(environment.get("GATEWAY_BUDGET_TIMEZONE") or "UTC")
        _import(environment, zone, apply=options.apply, admins=options.admins)
    except (NoSource, psycopg.Error, ZoneInfoNotFoundError) as error:
        # Of a constraint's words the first line alone: the others quote the row.
        sys.stderr.write(f"nothing was written: {str(error).splitlines()[0]}\n")
        return 1
    return 0


def _import(environment: Mapping[str, str], zone: ZoneInfo, *, apply: bool, admins: bool) -> None:
    now = datetime.now(UTC)
    source = read(environment[SOURCE])
    with psycopg.connect(environment[TARGET], connect_timeout=10) as connection:
        catalog = _catalog(connection, environment.get("AWS_REGION") or "us-east-1", now)
        plan = Planner(catalog, zone, now, admins=admins).plan(source, _aliases(connection))
        written = write(connection, plan)
        if not apply:
            connection.rollback()
    counts = [
        ("budgets", len(plan.templates), written.templates),
        ("users", len(plan.users), written.users),
        ("keys", len(plan.keys), written.keys),
    ]
    rows = [
        {"": what, "in LiteLLM": all_, "new": new, "exist already": all_ - new}
        for what, all_, new in counts
    ]
    sys.stdout.write(table(rows))
    sys.stdout.write(f"\nspend set on {written.accounts} accounts: {_total(plan)} USD by keys\n")
    if plan.notes:
        sys.stdout.write("\nWhat is not as it was:\n\n")
        sys.stdout.write(table([{"what": what, "note": why} for what, why in plan.notes]))
    sys.stdout.write("\nWritten.\n" if apply else "\nNothing was written; --apply does it.\n")


def _aliases(connection: "psycopg.Connection[tuple[object, ...]]") -> dict[str, str]:
    rows = connection.execute("SELECT key_alias, key_id FROM api_key WHERE key_alias IS NOT NULL")
    return {str(alias): str(id_) for alias, id_ in rows.fetchall()}


def _total(plan: Plan) -> str:
    totals = (
        amount for account, amount in plan.spend if account.lifetime and account.scope == "key"
    )
    return usd(sum(totals, start=Decimal(0)))


def _catalog(
    connection: "psycopg.Connection[tuple[object, ...]]", region: str, now: datetime
) -> Catalog:
    """The gateway's models, with those of the operator's own."""
    catalog = load_catalog(region=region, profile=None)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(MODELS.encode()).fetchall()
    words = [
        ModelOverride(row["model_id"], row["model_name"], definition_of(row["definition"]))
        for row in rows
    ]
    laid = merge(shipped_models(), words, now.date())
    catalog.replace(laid.models, laid.aliases)
    return catalog
