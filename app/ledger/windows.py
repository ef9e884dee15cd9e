"""Sets budget counters from the spend log."""

from collections.abc import Sequence
from typing import LiteralString

import orjson

from app.database.database import Database
from app.ledger.record import BudgetCounter

OPEN: LiteralString = "SELECT seed_counters_v1(%(windows)s::jsonb)"


async def open_windows(database: Database, windows: Sequence[BudgetCounter]) -> None:
    """Set what these have spent to what the log says."""
    await database.execute(OPEN, {"windows": names(windows)})


def names(windows: Sequence[BudgetCounter]) -> str:
    """As the functions in the database take them: JSON."""
    found = [{"scope": w.scope, "id": w.id, "start": w.window.start} for w in windows]
    return orjson.dumps(found).decode()
