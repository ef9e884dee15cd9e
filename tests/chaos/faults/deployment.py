"""Two versions at once, with a migration in between."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx

from tests.chaos.story import Place, Report, story
from tests.chaos.world import world
from tests.support.processes import ROOT, GatewayProcess

NEWER: Final = "the database is newer than this gateway"
MIGRATION: Final = "9000_pre_of_the_test.sql"
FUNCTION: Final = "reserve_v2.sql"
ADDITIVE: Final = """
ALTER TABLE spend_log ADD COLUMN region text;
ALTER TABLE budget_counter ADD COLUMN note text NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN cost_centre text;
CREATE TABLE region_price (region text PRIMARY KEY, factor numeric NOT NULL);
CREATE INDEX spend_log_region ON spend_log (region);
"""


async def rolled_out(place: Place) -> Report:
    """The next version's migration is applied by two at once while this one serves; then both
    serve, each with its own function to reserve; then the next one alone."""
    newer = _next_version(place.directory)
    async with world(place) as w:
        async with w.under_load() as load:
            applied = await asyncio.gather(*(_migrated(newer, place.database_url) for _ in "12"))
            assert sorted(applied) == [
                f"applied {MIGRATION}\napplied {FUNCTION}\n",
                "nothing to migrate\n",
            ], applied
            await load.answers(place.size.answers)
            await w.start_gateway(PYTHONPATH=str(newer))
            await load.answers(2 * place.size.answers)
            older = w.gateways.pop(0)
            assert _readiness(older) == {"status": "healthy", "db": "connected"}
            assert NEWER in {line["message"] for line in older.log()}
            await load.answers(2 * place.size.clients)
            assert await asyncio.to_thread(older.stop) == 0
        return await w.report(f"{MIGRATION} was applied once by two at once")


async def too_new(place: Place) -> Report:
    """A version whose migration was forgotten says so, while the one before serves on."""
    newer = _next_version(place.directory)
    async with world(place) as w:
        async with w.under_load() as load:
            early = await w.start_gateway(PYTHONPATH=str(newer))
            assert w.gateways.pop() is early
            assert (
                _readiness(early)["problem"] == f"migrations are missing: {MIGRATION}, {FUNCTION}"
            )
            await load.answers(place.size.answers)
        return await w.report("it is not ready, and names what is missing")


def _readiness(gateway: GatewayProcess) -> dict[str, str]:
    found: dict[str, str] = httpx.get(f"{gateway.internal_url}/health/readiness").json()
    return found


def _next_version(directory: Path) -> Path:
    """This version, with one more migration and a new function to reserve, in a folder to import
    it from."""
    folder = directory / "next"
    unused = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "app", folder / "app", ignore=unused)
    database = folder / "app" / "database"
    (database / "schema" / MIGRATION).write_text(ADDITIVE)
    old = (database / "functions" / "reserve_v1.sql").read_text()
    (database / "functions" / FUNCTION).write_text(old.replace("reserve_v1", "reserve_v2"))
    ledger = folder / "app" / "ledger" / "ledger.py"
    ledger.write_text(ledger.read_text().replace("reserve_v1(", "reserve_v2("))
    return folder


async def _migrated(version: Path, database_url: str) -> str:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app.database.migrate"],
        cwd=version,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url},
        check=True,
        capture_output=True,
        text=True,
    )
    return str(done.stdout)


STORIES: Final = (
    story("rolling-deploy", "two versions serve, a migration in between", rolled_out),
    story("forgotten-migration", "a new version starts before its migration", too_new),
)
