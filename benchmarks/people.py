"""The users and keys that the gateway is asked with, written to its database before it starts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import psycopg

from app.identity.policy import generate_key, hash_key, key_name

MANY: Final = 10_000
FEW: Final = 10

INSERT_USER: Final = """
INSERT INTO gateway_user (user_id, max_budget, budget_duration)
VALUES (%(user)s, %(budget)s, %(window)s)
"""
INSERT_KEY: Final = """
INSERT INTO api_key (key_hash, key_name, user_id, max_budget, budget_duration, rpm_limit)
VALUES (%(hash)s, %(name)s, %(user)s, %(budget)s, %(window)s, %(rpm)s)
"""

Person = Mapping[str, object]


def make_people(dsn: str) -> dict[str, Sequence[str]]:
    """The keys by kind: one without any budget, one with budgets and limits of key and user, one
    whose budget is used up, and few and many with a budget and a user each."""
    keys: dict[str, Sequence[str]] = {
        "one": [generate_key()],
        "budget": [generate_key()],
        "spent": [generate_key()],
        "few": [generate_key() for _ in range(FEW)],
        "many": [generate_key() for _ in range(MANY)],
    }
    people = list(_people(keys))
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.executemany(INSERT_USER, people)
        cursor.executemany(INSERT_KEY, people)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return keys


def _people(keys: Mapping[str, Sequence[str]]) -> Iterator[Person]:
    budgets = {"one": None, "spent": 0}
    for kind, secrets in keys.items():
        budget = budgets.get(kind, 1_000_000)
        for number, secret in enumerate(secrets):
            yield {
                "user": f"{kind}-{number}",
                "hash": hash_key(secret),
                "name": key_name(secret),
                "budget": budget,
                "window": None if budget is None else "30d",
                "rpm": 100_000_000 if kind == "budget" else None,
            }
