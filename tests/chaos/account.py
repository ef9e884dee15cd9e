"""Whether the account is right: the spend log, the counters, and what Bedrock generated."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

import orjson

from app.core.budgets import LIFETIME_START
from tests.support.stack import Queries, costs

Row = Mapping[str, Any]
NOTHING = Decimal(0)
IN_TRANSIT = 16 * Decimal("0.0000055")
"""Sixteen tokens: what the emulator, ten times as fast as a model, may have sent that a connection
which broke did not bring. Estimates do not know of it."""


@dataclass(frozen=True, slots=True)
class BudgetCounter:
    """`faults` are sentences; there should be none."""

    requests: int
    estimated: int
    """Requests that are billed by an estimate, since Bedrock's own figures never came."""
    spent: Decimal
    billed: Decimal
    """By the emulator's own log of tokens."""
    faults: tuple[str, ...]


def audit(database: Queries, truth: Sequence[Row]) -> BudgetCounter:
    """Compare everything that knows of money, request by request."""
    log = database.spend_log()
    bills = dict(zip((str(row["request_id"]) for row in truth), costs(truth), strict=True))
    return BudgetCounter(
        requests=len(log),
        estimated=sum(row["estimated"] for row in log),
        spent=sum((row["cost"] for row in log), NOTHING),
        billed=sum(bills.values(), NOTHING),
        faults=(*_against_truth(log, bills), *_counters(database, log), *_left_over(database)),
    )


def _against_truth(log: Sequence[Row], bills: Mapping[str, Decimal]) -> Iterator[str]:
    """Exact where Bedrock's figures came; elsewhere an estimate that is not too low."""
    for name in ("request_id", "upstream_request_id"):
        counted = Counter(row[name] for row in log if row[name])
        yield from (f"{name} {one} is booked {n} times" for one, n in counted.items() if n > 1)
    unnamed = NOTHING
    left = dict(bills)
    for row in log:
        bill = left.pop(row["upstream_request_id"], None)
        if bill is None:
            unnamed += row["cost"]
            if row["cost"] and not row["estimated"]:
                yield f"{row['request_id']} costs {row['cost']}, and Bedrock knows nothing of it"
        elif row["cost"] + IN_TRANSIT < bill or (row["cost"] != bill and not row["estimated"]):
            yield f"{row['request_id']} costs {row['cost']}, and Bedrock bills {bill}"
    unbooked = sum(left.values(), NOTHING)
    if unbooked > unnamed:
        yield f"Bedrock bills {unbooked} for calls whose estimates are {unnamed}"


def _counters(database: Queries, log: Sequence[Row]) -> Iterator[str]:
    """Every lifetime counter, and by the gateway's own check every window."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in log:
        sums["key", row["key_id"]] += row["cost"]
        sums["global", "*"] += row["cost"]
        if row["user_id"] is not None:
            sums["user", row["user_id"]] += row["cost"]
    accounts = database.query(
        "SELECT scope, id, window_start, spent, reserved AS held FROM budget_counter"
    )
    for one in accounts:
        name = one["scope"], one["id"]
        if one["window_start"] == LIFETIME_START and one["spent"] != sums[name]:
            yield f"{' '.join(name)}: {one['spent']} is counted, {sums[name]} is in the log"
    present = {
        one["id"]: one["window_start"]
        for one in sorted(accounts, key=itemgetter("window_start"))
        if one["window_start"] <= datetime.now(UTC)
    }
    windows = [
        {"scope": one["scope"], "id": one["id"], "start": str(one["window_start"])}
        for one in accounts
        if one["scope"] in {"key", "user"} and one["window_start"] == present[one["id"]]
    ]
    found = database.query(
        "SELECT * FROM reconcile_day_v1(utc_day_v1(now()), %s::jsonb)",
        orjson.dumps(windows).decode(),
    )
    yield from (f"/spend/check would say {dict(one)}" for one in found)


def _left_over(database: Queries) -> Iterator[str]:
    left = database.query(
        "SELECT (SELECT count(*) FROM reservation) AS holds, "
        "(SELECT coalesce(sum(abs(reserved)), 0) FROM budget_counter) AS held, "
        "(SELECT coalesce(sum(in_flight), 0) FROM rate_limit_bucket) AS in_flight"
    )[0]
    yield from (f"{name}: {value} left" for name, value in left.items() if value)
