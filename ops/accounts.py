"""What a database says was spent, asked by a one-off task in the gateway's network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ops.aws.ecs import Ecs
from ops.aws.logs import Entry
from ops.context import Context
from ops.errors import OpsError
from ops.one_off import run_to_end, written

TASK: Final = "database-setup"
"""Its image has psql, and its environment the password of the gateway's role."""
SETTLED: Final = timedelta(hours=1)
"""Requests of the last hour may be booked after the moment that the copy is of."""
PERIOD: Final = timedelta(days=7)
ARRIVES_SECONDS: Final = 60
POLL_SECONDS: Final = 5
COMMAND: Final = (
    'PGPASSWORD="$GATEWAY_PASSWORD" exec psql --no-psqlrc --set=ON_ERROR_STOP=1 '
    '--tuples-only --no-align --command="$QUERY"'
)
QUERY: Final = """
SELECT json_build_object(
    'requests', count(*), 'usd', coalesce(sum(cost), 0)::text,
    'last', (SELECT max(started_at) FROM spend_log))
FROM spend_log WHERE started_at >= '{first}' AND started_at < '{end}'
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Requests of a period, and what they cost; `last` is the newest of all."""

    first: datetime
    end: datetime
    requests: int
    usd: Decimal
    last: str | None

    @property
    def sums(self) -> tuple[int, Decimal]:
        return (self.requests, self.usd)


def account(context: Context, newest: datetime, host: str | None) -> Account:
    """Of the week before `newest`; from the environment's own database, or from `host`.

    Raises OpsError.
    """
    end = newest - SETTLED
    first = end - PERIOD
    environment = {
        "PGUSER": "gateway",
        "QUERY": QUERY.format(first=first.isoformat(), end=end.isoformat()),
        **({"PGHOST": host} if host else {}),
    }
    ecs, began = Ecs(context), context.clock()
    task = run_to_end(
        context,
        ecs,
        TASK,
        context.names.family(TASK),
        ecs.service("gateway").network,
        command=["sh", "-c", COMMAND],
        environment=[{"name": name, "value": value} for name, value in environment.items()],
    )
    waited = 0
    while not (line := _answer(written(context, TASK, task, began))):
        if waited >= ARRIVES_SECONDS:
            raise OpsError(f"{TASK} {task.id} has answered nothing that arrived in its log.")
        waited += POLL_SECONDS
        context.sleep(POLL_SECONDS)
    found = json.loads(line)
    return Account(first, end, found["requests"], Decimal(found["usd"]), found["last"])


def _answer(entries: Sequence[Entry]) -> str | None:
    return next((e.message.strip() for e in entries if e.message.lstrip().startswith("{")), None)
