"""The statements of every request find their rows by an index, however many rows there are."""

import json
from typing import Any

import psycopg
import pytest

from app.database.database import BY_INDEX
from app.identity import key_lookup, records
from tests.support.examples import KEY_HASH, NOW

FILL = """
INSERT INTO budget (budget_id) SELECT 'budget-' || n FROM generate_series(1, 5000) n;
INSERT INTO gateway_user (user_id) SELECT 'user-' || n FROM generate_series(1, 2000) n;
INSERT INTO api_key (key_hash, key_name, user_id)
    SELECT encode(sha256(n::text::bytea), 'hex'), 'sk-...', 'user-' || (n % 2000 + 1)
      FROM generate_series(1, 5000) n;
INSERT INTO previous_key_secret
    SELECT encode(sha256(('old' || key_id)::bytea), 'hex'), key_id, 'sk-...', now() FROM api_key;
INSERT INTO budget_counter (scope, id, window_start)
    SELECT 'key', 'key-' || n, now() FROM generate_series(1, 5000) n;
INSERT INTO reservation (request_id, instance_id, started_at, key_id, model, upstream_model, amount)
    SELECT 'req-' || n, 'owner', now(), 'k', 'm', 'b', 0
      FROM generate_series(1, 5000) n;
INSERT INTO spend_log (request_id, started_at, finished_at, key_id, user_id, api_format, model,
                       upstream_model, stream, status, ending, input_tokens, output_tokens,
                       cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, cost,
                       estimated)
    SELECT 'req-' || n, now() + n * interval '1 min', now(), 'key-' || n, 'user-' || n, 'anthropic',
           'm', 'b', false, 200, 'completed', 0, 0, 0, 0, 0, 0, false
      FROM generate_series(1, 5000) n;
ANALYZE;
"""

STATEMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "the keys of a user": (records.KEYS_OF, {"user_id": "user-7"}),
    "a key by any of its secrets": (records.KEY, {"name": KEY_HASH}),
    "a user by e-mail address": (records.USERS_BY_EMAIL, {"email": "ada@example.org"}),
    "several accounts": (
        records.SPENDS,
        {"scopes": ["key", "user"], "ids": ["key-7", "user-7"], "starts": [NOW, NOW]},
    ),
    "a user": (records.USER, {"user_id": "user-7"}),
    "an account": (records.SPENT, {"scope": "key", "id": "key-7", "start": NOW}),
    "an account to be locked": (
        """SELECT spent, reserved FROM budget_counter
            WHERE scope = %(scope)s AND id = %(id)s AND window_start = %(start)s FOR UPDATE""",
        {"scope": "key", "id": "key-7", "start": NOW},
    ),
    "a hold": ("SELECT amount FROM reservation WHERE request_id = %(id)s FOR UPDATE", {"id": "7"}),
    "a row of the log": (
        "SELECT cost FROM spend_log WHERE started_at = %(start)s AND request_id = %(id)s",
        {"start": NOW, "id": "req-7"},
    ),
    "the log of a key": (
        "SELECT cost FROM spend_log WHERE key_id = %(id)s AND started_at > %(start)s",
        {"start": NOW, "id": "key-7"},
    ),
    "the log of a user": (
        "SELECT cost FROM spend_log WHERE user_id = %(id)s AND started_at > %(start)s",
        {"start": NOW, "id": "user-7"},
    ),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_hot_statement_scans_no_table(database_url: str, name: str) -> None:
    statement, parameters = STATEMENTS[name]
    with psycopg.connect(database_url) as connection:
        connection.execute(FILL)
        found = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}".encode(), parameters)
        (plan,) = found.fetchone() or ()

    assert "Seq Scan" not in json.dumps(plan)


def test_nor_does_the_search_for_a_key_whatever_keys_are_asked_for(database_url: str) -> None:
    with psycopg.connect(database_url, options=BY_INDEX) as connection:
        connection.execute(FILL)
        connection.execute(b"PREPARE find (text[]) AS " + key_lookup.FIND.sql)
        found = connection.execute(b"EXPLAIN (FORMAT JSON) EXECUTE find ('{}')")
        (plan,) = found.fetchone() or ()

    assert "Seq Scan" not in json.dumps(plan)


@pytest.mark.parametrize("name", ["an account to be locked", "a hold"])
def test_a_plan_made_while_a_table_is_empty_is_good_for_a_full_one(
    database_url: str, name: str
) -> None:
    statement, parameters = STATEMENTS[name]
    with psycopg.connect(database_url, options=BY_INDEX, autocommit=True) as connection:
        connection.execute("VACUUM reservation, budget_counter")
        found = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}".encode(), parameters)
        (plan,) = found.fetchone() or ()

    assert "Seq Scan" not in json.dumps(plan)
