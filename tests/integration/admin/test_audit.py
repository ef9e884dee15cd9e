"""The audit log: who changed what, and nobody can change that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app.identity.policy import hash_key
from tests.support.stack import Stack


def entries(stack: Stack, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.gateway.admin("GET", "/audit/logs", **query)["audit_logs"]
    return found


def test_an_entry_says_who_changed_what_from_what_to_what(own_stack: Stack) -> None:
    own_stack.gateway.admin("POST", "/user/new", user_id="ada", max_budget=50.1)

    response = own_stack.gateway.try_admin("POST", "/user/update", user_id="ada", max_budget=80)

    (entry,) = entries(own_stack, object_type="user", action="update")
    assert entry["actor"] == "master key"
    assert entry["request_id"] == response.headers["request-id"]
    assert (entry["object_type"], entry["object_id"]) == ("user", "ada")
    assert entry["changed"] == ["max_budget"]
    assert entry["before"]["max_budget"] == 50.1
    assert entry["after"]["max_budget"] == 80


def _changes(stack: Stack) -> Iterator[tuple[str, str]]:
    """Makes one of every kind, and says what is to be found in the log of it."""
    gateway = stack.gateway
    gateway.admin("POST", "/budget/new", budget_id="shared")
    yield "create", "budget"
    gateway.admin("POST", "/user/new", user_id="ada", auto_create_key=False)
    yield "create", "user"
    token = gateway.admin("POST", "/key/generate", user_id="ada")["token"]
    yield "create", "key"
    gateway.admin("POST", "/key/update", key=token, budget_id="shared")
    yield "update", "key"
    gateway.admin("POST", "/key/regenerate", key=token)
    yield "update", "key"
    gateway.admin("POST", "/key/block", key=token)
    yield "update", "key"
    gateway.admin("POST", "/budget/update", budget_id="shared", max_budget=1)
    yield "update", "budget"
    gateway.admin("POST", "/user/delete", user_ids=["ada"])
    yield "delete", "user"
    yield "delete", "key"
    gateway.admin("POST", "/budget/delete", id="shared")
    yield "delete", "budget"
    gateway.admin(
        "POST",
        "/model/new",
        model_name="mine",
        model_info={"id": "1"},
        litellm_params={"model": "claude-haiku-4-5"},
    )
    yield "create", "model"
    gateway.admin("POST", "/model/update", model_info={"id": "1"}, litellm_params={"rpm": 5})
    yield "update", "model"
    gateway.admin("POST", "/model/delete", id="1")
    yield "delete", "model"
    gateway.admin("PUT", "/model/betas", model="*", beta="a", sent_as=None)
    yield "create", "beta"
    gateway.admin("DELETE", "/model/betas", model="*", beta="a")
    yield "delete", "beta"


def test_every_change_is_in_it_newest_first(own_stack: Stack) -> None:
    made = list(_changes(own_stack))

    found = entries(own_stack, page_size=500)

    assert [(entry["action"], entry["object_type"]) for entry in found] == made[::-1]
    assert {entry["actor"] for entry in found} == {"master key"}
    assert all(entry["request_id"].startswith("req_") for entry in found)


def test_what_changes_nothing_is_not_in_it(own_stack: Stack) -> None:
    own_stack.gateway.admin("POST", "/user/new", user_id="ada", auto_create_key=False)
    own_stack.gateway.admin("POST", "/user/unblock", user_id="ada")

    assert len(entries(own_stack)) == 1


def test_it_names_the_administrator_and_the_key(own_stack: Stack) -> None:
    own_stack.gateway.admin("POST", "/user/new", user_id="grace", user_role="proxy_admin")
    key = own_stack.gateway.new_key(user_id="grace", key_alias="graces-laptop")

    own_stack.gateway.try_as(key, "POST", "/budget/new", budget_id="hers")

    (entry,) = entries(own_stack, actor="user grace by key graces-laptop")
    assert entry["object_id"] == "hers"


def test_a_change_by_hand_is_in_it_too(own_stack: Stack) -> None:
    own_stack.execute("INSERT INTO budget (budget_id) VALUES ('by-hand')")

    (entry,) = entries(own_stack)

    assert entry["actor"].startswith("database user ")
    assert (entry["request_id"], entry["object_id"]) == (None, "by-hand")


def test_a_change_that_fails_leaves_no_entry(own_stack: Stack) -> None:
    own_stack.gateway.try_admin("POST", "/key/generate", user_id="nobody")

    assert entries(own_stack) == []


def test_pages_overlap_nowhere_while_the_log_grows(own_stack: Stack) -> None:
    def make(count: int) -> None:
        for _ in range(count):
            own_stack.gateway.admin("POST", "/budget/new")

    make(5)
    first = own_stack.gateway.admin("GET", "/audit/logs", page_size=2)
    make(2)
    second = own_stack.gateway.admin("GET", "/audit/logs", page_size=3, before=first["next_before"])

    ids = [entry["id"] for entry in first["audit_logs"] + second["audit_logs"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 5
    assert second["next_before"] is None


def test_filters(own_stack: Stack) -> None:
    own_stack.gateway.admin("POST", "/budget/new", budget_id="a")
    own_stack.gateway.admin("POST", "/budget/update", budget_id="a", max_budget=1)
    own_stack.gateway.admin("POST", "/budget/new", budget_id="b")
    now = datetime.now(UTC)

    def found(**query: Any) -> list[str]:
        return [f"{e['action']} {e['object_id']}" for e in entries(own_stack, **query)]

    assert found(object_id="a") == ["update a", "create a"]
    assert found(action="create") == ["create b", "create a"]
    assert found(object_type="budget", action="update") == ["update a"]
    assert found(object_type="user") == found(actor="nobody") == []
    assert found(since=(now - timedelta(hours=1)).isoformat(), until=now.isoformat()) == found()
    assert found(since=(now + timedelta(hours=1)).isoformat()) == []
    assert found(until="2026-01-01") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'somebody else'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ],
)
def test_it_is_only_ever_added_to(own_stack: Stack, statement: str) -> None:
    own_stack.gateway.admin("POST", "/budget/new")

    with pytest.raises(psycopg.errors.RaiseException, match="it is only ever added to"):
        own_stack.execute(statement)

    assert len(entries(own_stack)) == 1


def test_it_holds_no_secret(own_stack: Stack) -> None:
    made = own_stack.gateway.admin("POST", "/user/new", user_id="ada")["key"]
    rotated = own_stack.gateway.admin("POST", "/key/regenerate", key=made)["key"]
    own_stack.gateway.admin("POST", "/key/delete", keys=[rotated])

    kept = str(own_stack.query("SELECT a::text FROM audit_log a")) + str(entries(own_stack))

    assert hash_key(made) in kept
    assert made not in kept
    assert rotated not in kept
    logs = own_stack.gateway.written()
    assert made not in logs
    assert rotated not in logs
