"""A key, a user and a new secret are made in one transaction, or not at all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.asking import message, status_of
from tests.support.stack import Stack, running_stack

BUDGET: dict[str, Any] = {"max_budget": 5, "budget_duration": "1d"}


@pytest.fixture
def hasty_stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    """Its gateway waits for the database no longer than clients wait for it."""
    with running_stack(database_url, tmp_path, GATEWAY_DATABASE_TIMEOUT_SECONDS="1") as stack:
        yield stack


@contextmanager
def locked(stack: Stack, table: str) -> Iterator[None]:
    """Nobody can read or write the table meanwhile."""
    with psycopg.connect(stack.database_url) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield
        connection.rollback()


@pytest.mark.parametrize(
    ("path", "fields", "table"),
    [
        ("/key/generate", {"key_alias": "half"}, "budget_counter"),
        ("/key/generate", {"key_alias": "half"}, "audit_log"),
        ("/user/new", {"user_id": "half", "key_alias": "half"}, "budget_counter"),
        ("/user/new", {"user_id": "half", "key_alias": "half"}, "api_key"),
    ],
)
def test_what_could_not_be_made_whole_leaves_nothing(
    hasty_stack: Stack, path: str, fields: dict[str, Any], table: str
) -> None:
    with locked(hasty_stack, table):
        refused = hasty_stack.gateway.try_admin("POST", path, **fields, **BUDGET)
    again = hasty_stack.gateway.admin("POST", path, **fields, **BUDGET)

    assert refused.status_code == 503
    assert status_of(hasty_stack.gateway, again["key"]) == 200
    assert hasty_stack.query("SELECT count(*) AS keys FROM api_key") == [{"keys": 1}]


def test_a_rotation_that_fails_changes_neither_secret_nor_fields(hasty_stack: Stack) -> None:
    key = hasty_stack.gateway.new_key(rpm_limit=10)
    with locked(hasty_stack, "previous_key_secret"):
        refused = hasty_stack.gateway.try_admin("POST", "/key/regenerate", key=key, rpm_limit=20)

    shown = hasty_stack.gateway.admin("GET", "/key/info", key=key)["info"]

    assert (refused.status_code, shown["rpm_limit"]) == (503, 10)
    assert status_of(hasty_stack.gateway, key) == 200


def test_a_rotation_changes_fields_and_windows_in_the_same_step(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key()
    assert message(own_stack.gateway, key).status_code == 200

    new = own_stack.gateway.admin("POST", "/key/regenerate", key=key, rpm_limit=20, **BUDGET)

    assert new["rpm_limit"] == 20
    assert new["spend"] == new["total_spend"] == float(own_stack.spend_log()[0]["cost"])
    assert status_of(own_stack.gateway, new["key"]) == 200


def test_an_expired_key_gets_a_new_secret_only_with_a_new_duration(stack: Stack) -> None:
    key = stack.gateway.new_key(key_alias="ran-out", duration="1s")
    time.sleep(1.1)

    refused = stack.gateway.try_admin("POST", "/key/regenerate", key=key)
    new = stack.gateway.admin("POST", "/key/regenerate", key=key, duration="90d")

    assert refused.status_code == 400
    assert "duration: the key ran-out expired at 20" in refused.json()["error"]["message"]
    assert status_of(stack.gateway, new["key"]) == 200


def test_a_user_that_is_made_again_starts_at_zero(own_stack: Stack) -> None:
    fields = {"user_id": "ada", "max_budget": 5, "budget_duration": "1mo"}
    first = own_stack.gateway.admin("POST", "/user/new", **fields)
    assert message(own_stack.gateway, first["key"]).status_code == 200
    own_stack.gateway.admin("POST", "/user/delete", user_ids=["ada"])

    second = own_stack.gateway.admin("POST", "/user/new", **fields)
    fresh = own_stack.gateway.admin("GET", "/user/info", user_id="ada")["user_info"]
    assert message(own_stack.gateway, second["key"]).status_code == 200
    spent = own_stack.gateway.admin("GET", "/user/info", user_id="ada")["user_info"]

    earlier, later = (float(row["cost"]) for row in own_stack.spend_log())
    assert (second["spend"], fresh["spend"], fresh["total_spend"]) == (0, 0, 0)
    assert spent["spend"] == spent["total_spend"] == later
    reported: Any = own_stack.gateway.admin("GET", "/spend/report", group_by="user")
    assert reported[0]["total_spend"] == pytest.approx(earlier + later)
    windows = "jsonb_agg(jsonb_build_object('scope', scope, 'id', id, 'start', window_start))"
    found = own_stack.query(
        "SELECT c.* FROM reconcile_day_v1(utc_day_v1(now()), "
        f"(SELECT {windows} FROM budget_counter WHERE window_start <> 'epoch')) c"
    )
    assert found == []
