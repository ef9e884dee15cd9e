"""`/key/regenerate`: another secret for the same key."""

from typing import Any

import pytest

from tests.support.asking import message, status_of
from tests.support.stack import Stack


def rotate(stack: Stack, key: str, **fields: Any) -> dict[str, Any]:
    return stack.gateway.admin("POST", "/key/regenerate", key=key, **fields)


def test_without_a_grace_period_the_old_secret_stops_at_once(stack: Stack) -> None:
    old = stack.gateway.new_key()
    assert status_of(stack.gateway, old) == 200

    new = rotate(stack, old)["key"]

    assert new != old
    assert [status_of(stack.gateway, key) for key in (old, new)] == [401, 200]


def test_in_its_grace_period_the_old_secret_goes_on_working(own_stack: Stack) -> None:
    old = own_stack.gateway.new_key(key_alias="graceful")

    new = rotate(own_stack, old, grace_period="24h")["key"]
    during = [status_of(own_stack.gateway, key) for key in (old, new)]
    own_stack.execute("UPDATE previous_key_secret SET valid_until = now()")
    own_stack.execute("SELECT pg_notify('gateway_key', '')")

    assert during == [200, 200]
    assert status_of(own_stack.gateway, new) == 200
    # Of the two, the old one alone has come to its end, and says so by its own name.
    own_stack.gateway.admin("POST", "/key/update", key=new, rpm_limit=100)
    refused = message(own_stack.gateway, old)
    assert refused.status_code == 401
    assert f"sk-...{old[-4:]} has expired" in refused.json()["error"]["message"]


def test_spend_and_budget_stay_with_the_key(own_stack: Stack) -> None:
    made = own_stack.gateway.admin(
        "POST", "/key/generate", key_alias="stays", max_budget=5, budget_duration="1mo"
    )
    assert message(own_stack.gateway, made["key"]).status_code == 200

    new = rotate(own_stack, made["key"])
    assert message(own_stack.gateway, new["key"]).status_code == 200
    shown = own_stack.gateway.admin("GET", "/key/info", key=new["key"])["info"]

    assert new["token"] == shown["token"] == made["token"]
    assert (shown["key_alias"], shown["max_budget"]) == ("stays", 5)
    logged = own_stack.spend_log()
    assert {row["key_id"] for row in logged} == {made["token"]}
    assert shown["spend"] == float(sum(row["cost"] for row in logged))


def test_rotating_again_ends_the_grace_of_older_secrets(stack: Stack) -> None:
    first = stack.gateway.new_key()
    second = rotate(stack, first, grace_period="1d")["key"]

    third = rotate(stack, second)["key"]

    assert [status_of(stack.gateway, key) for key in (first, second, third)] == [401, 401, 200]


def test_an_old_secret_still_names_its_key_to_administrators(stack: Stack) -> None:
    old = stack.gateway.new_key(key_alias="r-named")
    rotate(stack, old)

    assert stack.gateway.admin("GET", "/key/info", key=old)["info"]["key_alias"] == "r-named"


def test_by_path_with_a_value_of_ones_own_and_changes(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/key/generate", max_budget=1)

    new = stack.gateway.admin(
        "POST",
        f"/key/{made['token']}/regenerate",
        new_key="sk-another-value-of-our-own-choice",
        max_budget=2,
    )

    assert (new["key"], new["max_budget"]) == ("sk-another-value-of-our-own-choice", 2)
    assert status_of(stack.gateway, "sk-another-value-of-our-own-choice") == 200


def test_by_path_no_body_is_needed(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/key/generate")

    assert stack.gateway.admin("POST", f"/key/{made['token']}/regenerate")["key"] != made["key"]


@pytest.mark.parametrize("way", ["generate", "regenerate"])
def test_no_secret_ever_leads_to_two_keys(stack: Stack, way: str) -> None:
    old = stack.gateway.new_key()
    current = rotate(stack, old)["key"]
    other = stack.gateway.new_key()

    for taken in (old, current):
        fields = {"key": taken} if way == "generate" else {"key": other, "new_key": taken}
        refused = stack.gateway.try_admin("POST", f"/key/{way}", **fields)
        assert refused.status_code == 409
        assert refused.json()["error"]["message"] == "This key exists already."


def test_a_key_cannot_go_back_to_a_secret_that_was_replaced(stack: Stack) -> None:
    old = stack.gateway.new_key()
    current = rotate(stack, old, grace_period="1d")["key"]

    refused = stack.gateway.try_admin("POST", "/key/regenerate", key=current, new_key=old)

    assert refused.status_code == 409


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"grace_period": "a while"}, "grace_period"), ({"new_key": "short"}, "new_key")],
)
def test_what_does_not_fit_changes_nothing(
    stack: Stack, fields: dict[str, str], named: str
) -> None:
    key = stack.gateway.new_key()

    refused = stack.gateway.try_admin("POST", "/key/regenerate", key=key, **fields)

    assert refused.status_code == 400
    assert named in refused.json()["error"]["message"]
    assert status_of(stack.gateway, key) == 200
