"""Every table that grows gives up its old rows, and nothing that is in use."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from app.core.budgets import Window
from app.database.database import Database
from app.ledger.record import BudgetCounter, Scope
from app.spend.history import PostgresSpending
from app.spend.retention import STATEMENTS, Old, PostgresOldRows, Present
from tests.integration.database.conftest import Sql

NOW = datetime.now(UTC)
OLD, NEW = NOW - timedelta(days=500), NOW - timedelta(days=1)
NOBODY = Present((), NOW - timedelta(minutes=1))
LOG = (
    "INSERT INTO audit_log (at, actor, action, object_type, object_id)"
    " VALUES ('{}', 'a', 'create', 'budget', '{}')"
)
FILLED = {
    Old.AUDIT_LOG: (LOG, "object_id"),
    Old.METERS: (
        "INSERT INTO rate_limit_bucket (as_of, scope, id) VALUES ('{}', 'key', '{}')",
        "id",
    ),
    Old.WINDOWS: (
        "INSERT INTO budget_counter (window_start, scope, id, spent) VALUES ('{}', 'key', '{}', 1)",
        "id",
    ),
    Old.DELETED_KEYS: (
        "INSERT INTO deleted_key (deleted_at, key_name, key_id) VALUES ('{}', 'k', '{}')",
        "key_id",
    ),
    Old.SESSIONS: (
        "INSERT INTO spend_session_daily VALUES ('{}', '{}', 'k', 'u', now(), now(), 1, 1, 1)",
        "session_id",
    ),
    Old.TAGS: ("INSERT INTO spend_tag_daily VALUES ('{}', '{}', 'k', 1, 1, 1)", "tag"),
}


@pytest.fixture
def rows(database: Database) -> PostgresOldRows:
    return PostgresOldRows(database)


def test_every_kind_of_old_row_has_a_statement() -> None:
    assert STATEMENTS.keys() == set(Old)
    assert FILLED.keys() | {Old.SECRETS} == set(Old)


@pytest.mark.parametrize("what", FILLED)
async def test_old_rows_go_by_batches_and_young_ones_stay(
    rows: PostgresOldRows, sql: Sql, what: Old
) -> None:
    insert, name = FILLED[what]
    for number in range(5):
        sql(insert.format(OLD, f"old-{number}"))
    sql(insert.format(NEW, "new"))
    before = NOW - timedelta(days=400)

    deleted = [await rows.forget(what, before, 2, NOBODY) for _ in range(4)]

    assert deleted == [2, 2, 1, 0]
    assert sql(f"SELECT {name} FROM {what.value}") == [("new",)]


async def test_secrets_that_ended_long_ago_are_forgotten(rows: PostgresOldRows, sql: Sql) -> None:
    sql(f"INSERT INTO api_key (key_hash, key_name) VALUES ('{'a' * 64}', 'k')")
    for sign, when in (("b", OLD), ("c", NEW), ("d", NOW + timedelta(days=1))):
        sql(f"INSERT INTO previous_key_secret VALUES ('{sign * 64}', '{'a' * 64}', 'k', '{when}')")

    assert await rows.forget(Old.SECRETS, NOW - timedelta(days=90), 10, NOBODY) == 1
    assert sql("SELECT left(key_hash, 1) FROM previous_key_secret ORDER BY 1") == [("c",), ("d",)]


async def test_windows_in_use_and_lifetimes_stay(rows: PostgresOldRows, sql: Sql) -> None:
    sql(
        "INSERT INTO budget_counter (scope, id, window_start, spent, reserved) VALUES"
        f" ('key', 'a', 'epoch', 9, 0), ('key_model', 'm/a', 'epoch', 9, 0),"
        f" ('key', 'a', '{OLD}', 1, 0), ('key', 'held', '{OLD}', 1, 0.5),"
        f" ('key', 'ended', '{OLD}', 1, 0), ('key_model', 'm/ended', '{OLD}', 1, 0),"
        f" ('user', 'a', '{OLD}', 1, 0), ('global', '*', '{OLD}', 1, 0)"
    )
    used = [
        BudgetCounter(scope, id_, Window(OLD, None), None)
        for scope, id_ in ((Scope.KEY, "a"), (Scope.GLOBAL, "*"))
    ]

    deleted = await rows.forget(Old.WINDOWS, NEW, 10, Present(used, NOBODY.listed_at))

    assert deleted == 3
    left = sql("SELECT scope, id FROM budget_counter WHERE window_start > 'epoch' ORDER BY 1, 2")
    assert left == [("global", "*"), ("key", "a"), ("key", "held")]
    assert sql("SELECT count(*) FROM budget_counter WHERE window_start = 'epoch'") == [(2,)]


@pytest.mark.parametrize("changed", ["key", "user", "budget"])
async def test_whoever_was_changed_meanwhile_keeps_all_windows(
    rows: PostgresOldRows, sql: Sql, changed: str
) -> None:
    sql("INSERT INTO budget (budget_id, updated_at) VALUES ('b', '2020-01-01')")
    sql("INSERT INTO gateway_user (user_id, updated_at) VALUES ('u', '2020-01-01')")
    sql(
        "INSERT INTO api_key (key_hash, key_id, key_name, updated_at)"
        f" VALUES ('{'a' * 64}', 'k', 'k', '2020-01-01')"
    )
    sql(
        "INSERT INTO budget_counter (scope, id, window_start) VALUES"
        f" ('key', 'k', '{OLD}'), ('key_model', 'm/k', '{OLD}'), ('user', 'u', '{OLD}')"
    )
    table = {"key": "api_key", "user": "gateway_user", "budget": "budget"}[changed]
    sql(f"UPDATE {table} SET updated_at = now()")

    await rows.forget(Old.WINDOWS, NEW, 10, NOBODY)

    left = {scope for (scope,) in sql("SELECT scope FROM budget_counter")}
    assert (
        left
        == {
            "key": {"key", "key_model"},
            "user": {"user"},
            "budget": {"key", "key_model", "user"},
        }[changed]
    )


async def test_a_meter_that_counts_requests_in_flight_stays(
    rows: PostgresOldRows, sql: Sql
) -> None:
    sql(
        "INSERT INTO rate_limit_bucket (as_of, scope, id, in_flight)"
        f" VALUES ('{OLD}', 'key', 'a', 1)"
    )

    assert await rows.forget(Old.METERS, NEW, 10, NOBODY) == 0


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM audit_log", "only ever added to"),
        ("UPDATE audit_log SET actor = 'x'", "only ever added to"),
        ("SET gateway.forgets = 'audit_log'; DELETE FROM audit_log", "for 90 days"),
        ("SELECT drop_audit_log_before_v1(now(), 10)", "for 90 days"),
    ],
)
def test_no_entry_of_the_audit_log_goes_before_its_time(
    sql: Sql, database_url: str, statement: str, said: str
) -> None:
    sql(LOG.format(NEW, "new"))

    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match=said),
    ):
        connection.execute(statement.encode())

    assert sql("SELECT count(*) FROM audit_log") == [(1,)]


async def test_sums_by_session_and_tag_are_bounded_for_each_key_and_day(
    database: Database, sql: Sql
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1, hours=1)
    sql(
        "INSERT INTO spend_log (request_id, started_at, finished_at, key_id, user_id, api_format,"
        "    model, upstream_model, stream, status, ending, input_tokens, output_tokens,"
        "    cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, cost, estimated,"
        "    session_id, tags)"
        f" SELECT 'req-' || n || k, '{yesterday}', now(), k, 'u', 'anthropic', 'm', 'b',"
        "        false, 200, 'completed', 1, 0, 0, 0, 0, n, false, 's-' || n,"
        "        ARRAY['t-' || n, 'all']"
        "   FROM generate_series(1, 20) n, unnest(ARRAY['a', 'b']) k"
    )
    spending = PostgresSpending(database)

    for _ in range(2):
        await spending.summarise(3)
        sql("UPDATE spend_day_status SET stale = true")
    await spending.summarise(3)

    for key in "ab":
        sessions = sql(
            "SELECT session_id, requests, cost FROM spend_session_daily"
            f" WHERE key_id = '{key}' ORDER BY cost DESC"
        )
        tags = sql(
            f"SELECT tag, cost FROM spend_tag_daily WHERE key_id = '{key}' ORDER BY cost DESC, tag"
        )
        assert sessions == [("(other)", 17, 153), ("s-20", 1, 20), ("s-19", 1, 19), ("s-18", 1, 18)]
        assert tags == [("all", 210), ("(other)", 171), ("t-20", 20), ("t-19", 19)]
