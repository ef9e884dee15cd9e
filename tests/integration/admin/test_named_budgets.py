"""`/budget/*`: budgets that keys and users refer to."""

from typing import Any

import pytest

from tests.support.asking import message
from tests.support.stack import Stack

BUDGET: dict[str, Any] = {
    "max_budget": 50,
    "soft_budget": 40.5,
    "budget_duration": "1mo",
    "rpm_limit": 60,
    "tpm_limit": 100_000,
    "max_parallel_requests": 3,
    "model_max_budget": {"claude-opus-5-5": {"budget_limit": 10, "time_period": "1mo"}},
}


def test_a_budget_has_every_field_that_was_sent(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/budget/new", budget_id="b-all", **BUDGET)

    assert made.items() >= BUDGET.items()
    assert stack.gateway.try_admin("POST", "/budget/info", budgets=["b-all"]).json() == [made]
    assert made in stack.gateway.try_admin("GET", "/budget/list").json()


def test_a_key_shows_its_budget_beside_its_own_fields(stack: Stack) -> None:
    stack.gateway.admin("POST", "/budget/new", budget_id="b-shown", **BUDGET)

    made = stack.gateway.admin("POST", "/key/generate", budget_id="b-shown", rpm_limit=5)

    assert (made["budget_id"], made["max_budget"], made["rpm_limit"]) == ("b-shown", None, 5)
    assert made["litellm_budget_table"] == {"budget_id": "b-shown", **BUDGET}
    assert made["budget_reset_at"].endswith("-01T00:00:00Z")
    assert made["model_spend"] == {"claude-opus-5-5": 0}


@pytest.mark.parametrize("holder", ["key", "user"])
def test_a_budget_binds_all_who_refer_to_it_each_for_itself(stack: Stack, holder: str) -> None:
    stack.gateway.admin("POST", "/budget/new", budget_id=f"b-{holder}", max_budget=0)
    path = "/key/generate" if holder == "key" else "/user/new"
    poor = stack.gateway.admin("POST", path, budget_id=f"b-{holder}")["key"]
    rich = stack.gateway.admin("POST", path, budget_id=f"b-{holder}", max_budget=5)["key"]

    assert message(stack.gateway, poor).status_code == 429
    assert message(stack.gateway, rich).status_code == 200
    stack.gateway.admin("POST", "/budget/update", budget_id=f"b-{holder}", max_budget=5)
    assert message(stack.gateway, poor).status_code == 200


def test_what_is_not_sent_stays_and_null_clears(stack: Stack) -> None:
    stack.gateway.admin("POST", "/budget/new", budget_id="b-update", **BUDGET)

    changed = stack.gateway.admin(
        "POST", "/budget/update", budget_id="b-update", max_budget=None, rpm_limit=7
    )

    assert changed.items() >= (BUDGET | {"max_budget": None, "rpm_limit": 7}).items()


def test_a_budget_in_use_is_not_deleted_and_says_by_whom(stack: Stack) -> None:
    stack.gateway.admin("POST", "/budget/new", budget_id="b-used")
    stack.gateway.admin("POST", "/user/new", user_id="b-ada", budget_id="b-used")
    stack.gateway.admin("POST", "/key/generate", key_alias="b-key", budget_id="b-used")

    refused = stack.gateway.try_admin("POST", "/budget/delete", id="b-used")
    stack.gateway.admin("POST", "/user/update", user_id="b-ada", budget_id=None)
    stack.gateway.admin("POST", "/key/delete", key_aliases=["b-key"])
    deleted = stack.gateway.try_admin("POST", "/budget/delete", id="b-used")

    assert refused.status_code == 409
    assert "in use by key b-key, user b-ada." in refused.json()["error"]["message"]
    assert deleted.status_code == 200
    gone = stack.gateway.try_admin("POST", "/budget/info", budgets=["b-used"])
    assert gone.status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/budget/update", {"budget_id": "none", "max_budget": 1}, 404),
        ("/budget/delete", {"id": "none"}, 404),
        ("/budget/info", {"budgets": ["none"]}, 404),
        ("/budget/info", {"budgets": []}, 400),
        ("/budget/new", {"budget_duration": "soon"}, 400),
        ("/budget/new", {"models": []}, 400),
    ],
)
def test_what_does_not_fit_is_refused(
    stack: Stack, path: str, body: dict[str, Any], status: int
) -> None:
    assert stack.gateway.try_admin("POST", path, **body).status_code == status


def test_two_budgets_of_one_id_are_a_conflict(stack: Stack) -> None:
    stack.gateway.admin("POST", "/budget/new", budget_id="b-twin", max_budget=1)

    assert stack.gateway.try_admin("POST", "/budget/new", budget_id="b-twin").status_code == 409


def test_a_new_duration_counts_what_was_spent_in_its_window_already(own_stack: Stack) -> None:
    gateway = own_stack.gateway
    made = gateway.admin("POST", "/key/generate")
    assert message(gateway, made["key"]).status_code == 200
    # What was spent long ago is none of this month's.
    own_stack.execute("UPDATE budget_counter SET spent = spent + 100, adjusted = 100")

    gateway.admin(
        "POST",
        "/key/update",
        key=made["key"],
        max_budget=5,
        budget_duration="1mo",
        model_max_budget={"claude-haiku-4-5": {"budget_limit": 5, "time_period": "1d"}},
    )
    shown = gateway.admin("GET", "/key/info", key=made["key"])["info"]

    cost = float(own_stack.spend_log()[0]["cost"])
    assert shown["spend"] == shown["model_spend"]["claude-haiku-4-5"] == cost > 0
    assert shown["total_spend"] == pytest.approx(100 + cost)
    assert message(gateway, made["key"]).status_code == 200


def test_a_budget_for_a_model_for_all_time_counts_all_that_was_spent_on_it(
    own_stack: Stack,
) -> None:
    key = own_stack.gateway.new_key()
    assert message(own_stack.gateway, key).status_code == 200
    cost = float(own_stack.spend_log()[0]["cost"])

    changed = own_stack.gateway.admin(
        "POST",
        "/key/update",
        key=key,
        model_max_budget={"claude-haiku-4-5": {"budget_limit": cost}},
    )

    assert changed["model_spend"] == {"claude-haiku-4-5": cost}
    assert message(own_stack.gateway, key).status_code == 429
    assert message(own_stack.gateway, key, "claude-opus-5-5").status_code == 200


def test_a_named_budget_opens_windows_for_all_who_refer_to_it(own_stack: Stack) -> None:
    gateway = own_stack.gateway
    gateway.admin("POST", "/budget/new", budget_id="shared")
    made = gateway.admin("POST", "/user/new", user_id="ada", budget_id="shared")
    assert message(gateway, made["key"]).status_code == 200

    gateway.admin("POST", "/budget/update", budget_id="shared", budget_duration="1d", max_budget=9)
    shown = gateway.admin("GET", "/user/info", user_id="ada")["user_info"]

    assert shown["spend"] == float(own_stack.spend_log()[0]["cost"]) > 0
