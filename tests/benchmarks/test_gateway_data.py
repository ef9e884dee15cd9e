"""What the gateway's database holds before it is measured."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg

from app.identity.policy import hash_key
from benchmarks import people
from benchmarks.spend_history import DAYS, fill


def test_a_past_is_as_long_as_was_asked_for_and_summed_up(database_url: str) -> None:
    fill(database_url, 300)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT count(*), count(DISTINCT utc_day_v1(started_at)), max(started_at)"
            "  FROM spend_log"
        ).fetchone()
        stale = connection.execute("SELECT * FROM days_to_roll_up_v1()").fetchall()
        sums = connection.execute("SELECT sum(requests) FROM spend_daily").fetchone()

    assert rows is not None
    assert rows[:2] == (300, DAYS)
    assert rows[2] > datetime.now(UTC) - timedelta(days=2)
    assert stale == []
    assert sums == (300,)


def test_everybody_has_a_key_and_many_have_a_budget(database_url: str) -> None:
    keys = people.make_people(database_url)
    with psycopg.connect(database_url) as connection:
        budgets: dict[str, Decimal | None] = dict(
            connection.execute("SELECT key_hash, max_budget FROM api_key").fetchall()
        )

    assert [len(keys[kind]) for kind in ("one", "few", "many")] == [1, 10, 10_000]
    assert budgets[hash_key(keys["one"][0])] is None
    assert budgets[hash_key(keys["spent"][0])] == 0
    assert budgets[hash_key(keys["many"][-1])] == 1_000_000
    assert len(budgets) == sum(map(len, keys.values()))
