"""The statements about users and keys."""

from collections.abc import Iterable
from typing import LiteralString

from app.store.columns import (
    KEY_COLUMNS,
    KEY_SHOWN,
    TEMPLATE_COLUMNS,
    USER_COLUMNS,
    USER_SHOWN,
    assignments,
    insert,
    shown,
)

KEYS: LiteralString = f"SELECT {KEY_SHOWN} FROM api_key k LEFT JOIN budget kb USING (budget_id)"
USERS: LiteralString = (
    f"SELECT {USER_SHOWN} FROM gateway_user u LEFT JOIN budget ub USING (budget_id)"
)

KEY: LiteralString = f"""
{KEYS} WHERE k.key_id = coalesce(
           (SELECT key_id FROM api_key WHERE key_hash = %(name)s),
           (SELECT key_id FROM previous_key_secret WHERE key_hash = %(name)s),
           %(name)s)
"""

KEY_BY_ALIAS: LiteralString = f"{KEYS} WHERE k.key_alias = %(alias)s"

KEYS_OF: LiteralString = f"{KEYS} WHERE k.user_id = %(user_id)s ORDER BY k.created_at, k.key_id"

USER: LiteralString = f"{USERS} WHERE u.user_id = %(user_id)s"

USERS_BY_EMAIL: LiteralString = f"""
{USERS} WHERE lower(u.user_email) = lower(%(email)s)
 ORDER BY u.duplicate_email, u.user_id LIMIT 2
"""

ADD_KEY: LiteralString = insert("api_key", KEY_COLUMNS, "k_")
ADD_USER: LiteralString = insert("gateway_user", USER_COLUMNS, "u_")
START_KEY: LiteralString = f"""
WITH new_key AS ({ADD_KEY} RETURNING key_id)
SELECT reset_counters_v1('key', key_id, %(windows)s::jsonb) FROM new_key
"""
START_USER: LiteralString = f"""
WITH new_user AS ({ADD_USER} RETURNING user_id)
SELECT reset_counters_v1('user', user_id, %(windows)s::jsonb) FROM new_user
"""
START_USER_AND_KEY: LiteralString = f"""
WITH new_user AS ({ADD_USER} RETURNING user_id), new_key AS ({ADD_KEY} RETURNING key_id)
SELECT reset_counters_v1('user', user_id, %(windows)s::jsonb),
       reset_counters_v1('key', key_id, '[]') FROM new_user, new_key
"""

SHARED_BUDGET: LiteralString = f"""
SELECT {shown("b", TEMPLATE_COLUMNS)} FROM budget b WHERE budget_id = %(budget_id)s
"""

DELETE_KEYS: LiteralString = "DELETE FROM api_key WHERE key_id = ANY(%(ids)s)"

DELETE_USERS: LiteralString = """
WITH theirs AS (DELETE FROM api_key WHERE user_id = ANY(%(ids)s))
DELETE FROM gateway_user WHERE user_id = ANY(%(ids)s)
"""

OPENED: LiteralString = "seed_counters_v1(%(windows)s::jsonb)"


def changed_key(query: LiteralString) -> LiteralString:
    """The key as a statement left it; its windows are opened in the same step."""
    return (
        f"WITH {query} SELECT {KEY_SHOWN}, {OPENED} FROM changed k "
        "LEFT JOIN budget kb USING (budget_id)"
    )


def rotate(changes: Iterable[str]) -> LiteralString:
    """No older secret outlives the one that is replaced now. Repeated, it finds the new one in
    place and changes nothing."""
    return changed_key(f"""old AS (
    SELECT key_id, key_hash, key_name FROM api_key
     WHERE key_id = %(key_id)s AND key_hash <> %(new_hash)s FOR UPDATE
), older AS (
    UPDATE previous_key_secret r SET valid_until = least(r.valid_until, %(valid_until)s)
      FROM old WHERE r.key_id = old.key_id
), retired AS (
    INSERT INTO previous_key_secret (key_hash, key_id, key_name, valid_until)
    SELECT key_hash, key_id, key_name, %(valid_until)s FROM old
), changed AS (
    UPDATE api_key k SET {assignments(changes)}key_hash = %(new_hash)s, key_name = %(new_name)s,
           updated_at = now()
      FROM old WHERE k.key_id = old.key_id RETURNING k.*
)""")


SPENT: LiteralString = """
SELECT spent FROM budget_counter
 WHERE scope = %(scope)s AND id = %(id)s AND window_start = %(start)s
"""

SPENDS: LiteralString = """
SELECT coalesce(a.spent, 0)
  FROM unnest(%(scopes)s::text[], %(ids)s::text[], %(starts)s::timestamptz[])
       WITH ORDINALITY AS w (scope, id, start, place)
  LEFT JOIN budget_counter a ON a.scope = w.scope AND a.id = w.id AND a.window_start = w.start
 ORDER BY w.place
"""
