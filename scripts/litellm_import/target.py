"""Writes a plan into the gateway's database, in one transaction."""

from dataclasses import dataclass

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from app.identity.columns import (
    BUDGET_COLUMNS,
    KEY_COLUMNS,
    USER_COLUMNS,
    budget_values,
    insert,
    key_values,
    user_values,
)
from app.identity.policy import User
from scripts.litellm_import.plan import AUTHOR, Plan

TEMPLATE = insert("budget", ("budget_id", *BUDGET_COLUMNS))
USER = insert("gateway_user", USER_COLUMNS)
USER_SHARING = insert("gateway_user", (*USER_COLUMNS, "duplicate_email"))
SHARED = """
SELECT 1 FROM gateway_user WHERE lower(btrim(user_email)) = lower(%s) AND user_id <> %s LIMIT 1
"""
KEY = insert("api_key", KEY_COLUMNS)
UNLESS_THERE = " ON CONFLICT DO NOTHING"

RETIRED = """
INSERT INTO previous_key_secret (key_hash, key_id, key_name, valid_until) VALUES (%s, %s, %s, %s)
ON CONFLICT (key_hash) DO NOTHING
"""

# Repeated, the later figure replaces the earlier one; what was spent here meanwhile stays.
SPEND = """
INSERT INTO budget_counter AS a (scope, id, window_start, spent, adjusted)
VALUES (%(scope)s, %(id)s, %(start)s, %(amount)s, %(amount)s)
ON CONFLICT (scope, id, window_start) DO UPDATE
   SET spent = a.spent - a.adjusted + excluded.adjusted, adjusted = excluded.adjusted
 WHERE a.adjusted <> excluded.adjusted
"""


@dataclass(frozen=True, slots=True)
class Written:
    """How many are new; the others were there, and stay as they are."""

    templates: int
    users: int
    keys: int
    accounts: int


def write(connection: psycopg.Connection[TupleRow], plan: Plan) -> Written:
    """Raises psycopg.Error; the caller ends the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('gateway.actor', %s, true)", (AUTHOR,))
        templates = sum(
            _new(cursor, TEMPLATE, {"budget_id": t.id, **budget_values(t.allowance)})
            for t in plan.templates
        )
        users = sum(_new_user(cursor, user) for user in plan.users)
        keys = sum(_new(cursor, KEY, key_values(key)) for key in plan.keys)
        here = _here(cursor)
        cursor.executemany(RETIRED, [retired for retired in plan.retired if retired[1] in here])
        accounts = 0
        for account, amount in plan.spend:
            values = {
                "scope": account.scope.value,
                "id": account.id,
                "amount": amount,
                "start": account.window.start,
            }
            cursor.execute(SPEND, values)
            accounts += cursor.rowcount
        return Written(templates, users, keys, accounts)


def _new_user(cursor: Cursor[TupleRow], user: User) -> int:
    """LiteLLM lets several users have one address; the gateway marks all but the first."""
    values = user_values(user)
    shared = user.email and cursor.execute(SHARED, (user.email, user.id)).fetchone()
    if not shared:
        return _new(cursor, USER, values)
    return _new(cursor, USER_SHARING, {**values, "duplicate_email": True})


def _new(cursor: Cursor[TupleRow], query: str, values: dict[str, object]) -> int:
    cursor.execute((query + UNLESS_THERE).encode(), values)
    return cursor.rowcount


def _here(cursor: Cursor[TupleRow]) -> set[str]:
    return {row[0] for row in cursor.execute("SELECT key_id FROM api_key").fetchall()}
