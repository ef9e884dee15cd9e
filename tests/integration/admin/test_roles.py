"""Who may administer, and whom."""

from typing import Any

import httpx
import pytest

from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

READING = (
    "/user/list",
    "/user/info?user_id=r-target",
    "/key/list",
    "/budget/list",
    "/model/info",
    "/model/betas",
    "/audit/logs",
)


@pytest.fixture
def admin(stack: Stack) -> str:
    return holder(stack, "r-admin", "proxy_admin")


def holder(stack: Stack, user_id: str, role: str) -> str:
    """A key of a user with that role; the user is made once."""
    stack.gateway.try_admin("POST", "/user/new", user_id="r-target", auto_create_key=False)
    stack.gateway.try_admin(
        "POST", "/user/new", user_id=user_id, user_role=role, auto_create_key=False
    )
    return stack.gateway.new_key(user_id=user_id)


def refusal(response: httpx.Response) -> str:
    assert response.status_code == 403
    return str(response.json()["error"]["message"])


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer"])
@pytest.mark.parametrize("path", READING)
def test_administrators_may_read(stack: Stack, role: str, path: str) -> None:
    key = holder(stack, f"r-{role}", role)

    assert stack.gateway.try_as(key, "GET", path).status_code == 200


def test_an_administrator_may_change(stack: Stack, admin: str) -> None:
    made = stack.gateway.try_as(admin, "POST", "/key/generate", user_id="r-target")

    assert made.status_code == 200
    assert made.json()["created_by"].startswith("user r-admin by key sk-...")
    for path, body in (
        ("/user/update", {"user_id": "r-target", "max_budget": 5}),
        ("/key/regenerate", {"key": made.json()["key"]}),
        ("/key/delete", {"keys": [made.json()["token"]]}),
    ):
        assert stack.gateway.try_as(admin, "POST", path, **body).status_code == 200


def test_a_viewer_may_not_change_and_is_told_what_it_takes(stack: Stack) -> None:
    key = holder(stack, "r-viewer", "proxy_admin_viewer")

    said = refusal(stack.gateway.try_as(key, "POST", "/key/generate"))

    assert said == (
        "Forbidden: changing this requires the user_role proxy_admin; the user of the key "
        f"sk-...{key[-4:]} is proxy_admin_viewer. The master key may do both."
    )


@pytest.mark.parametrize("path", READING)
def test_anybody_else_may_not_even_read(stack: Stack, path: str) -> None:
    of_user, of_nobody = holder(stack, "r-internal", "internal_user"), stack.gateway.new_key()

    for key in (of_user, of_nobody):
        said = refusal(stack.gateway.try_as(key, "GET", path))
        assert "requires the user_role proxy_admin or proxy_admin_viewer" in said


@pytest.mark.parametrize("sent", ["sk-unknown-to-everybody", "x", MASTER_KEY + "x"])
def test_an_unknown_key_is_a_401(stack: Stack, sent: str) -> None:
    assert stack.gateway.try_as(sent, "GET", "/user/list").status_code == 401


def test_without_a_key_it_is_a_401_that_says_what_is_needed(stack: Stack) -> None:
    refused = httpx.get(f"{stack.gateway.internal_url}/user/list")

    assert refused.status_code == 401
    assert "master key or an administrator's key" in refused.json()["error"]["message"]


def test_either_header_does(stack: Stack, admin: str) -> None:
    for secret in (MASTER_KEY, admin):
        for headers in ({"x-api-key": secret}, {"authorization": f"bearer {secret}"}):
            answer = httpx.get(f"{stack.gateway.internal_url}/user/list", headers=headers)
            assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/user/new", {"user_role": "proxy_admin"}),
        ("/user/new", {"user_role": "proxy_admin_viewer"}),
        ("/user/update", {"user_id": "r-target", "user_role": "proxy_admin"}),
        ("/user/update", {"user_id": "r-other", "max_budget": None}),
        ("/user/update", {"user_id": "r-admin", "max_budget": None}),
        ("/user/update", {"user_id": "r-other", "user_role": "internal_user"}),
        ("/user/block", {"user_id": "r-other"}),
        ("/user/delete", {"user_ids": ["r-target", "r-other"]}),
        ("/key/generate", {"user_id": "r-other"}),
        ("/key/update", {"key": "sk-of-the-other-administrator", "max_budget": 1}),
        ("/key/block", {"key": "sk-of-the-other-administrator"}),
        ("/key/regenerate", {"key": "sk-of-the-other-administrator"}),
        ("/key/delete", {"keys": ["sk-of-the-other-administrator"]}),
        ("/key/delete", {"key_aliases": ["r-others-key"]}),
        ("/key/update", {"key": "sk-of-the-target-of-changes", "user_id": "r-other"}),
        ("/key/regenerate", {"key": "sk-of-the-target-of-changes", "user_id": "r-other"}),
    ],
)
def test_the_master_key_alone_touches_administrators(
    stack: Stack, admin: str, path: str, body: dict[str, Any]
) -> None:
    holder(stack, "r-other", "proxy_admin_viewer")
    for key, owner, alias in (
        ("sk-of-the-other-administrator", "r-other", "r-others-key"),
        ("sk-of-the-target-of-changes", "r-target", None),
    ):
        stack.gateway.try_admin("POST", "/key/generate", key=key, user_id=owner, key_alias=alias)

    assert "only the master key may" in refusal(stack.gateway.try_as(admin, "POST", path, **body))


@pytest.mark.parametrize("through", ["/user/update", "/key/generate"])
def test_a_budget_that_an_administrator_uses_is_for_the_master_key_alone(
    stack: Stack, admin: str, through: str
) -> None:
    budget, user = f"r-budget{through}", f"r-spender{through}"
    change = {"budget_id": budget, "max_budget": 9}
    stack.gateway.admin("POST", "/budget/new", budget_id=budget, max_budget=5)
    assert stack.gateway.try_as(admin, "POST", "/budget/update", **change).status_code == 200

    holder(stack, user, "proxy_admin_viewer")
    stack.gateway.admin("POST", through, user_id=user, budget_id=budget)

    said = refusal(stack.gateway.try_as(admin, "POST", "/budget/update", **change))
    assert said.startswith(f"The administrator {user} uses this budget: only the master key may")
    stack.gateway.admin("POST", "/budget/update", **change)


def test_the_master_key_touches_administrators(stack: Stack) -> None:
    holder(stack, "r-changed", "proxy_admin")

    for path, body in (
        ("/user/update", {"user_id": "r-changed", "user_role": "proxy_admin_viewer"}),
        ("/user/delete", {"user_ids": ["r-changed"]}),
    ):
        assert stack.gateway.try_admin("POST", path, **body).status_code == 200


@pytest.mark.parametrize("role", [None, "internal_user"])
def test_a_role_that_is_taken_away_is_gone_at_once(stack: Stack, role: str | None) -> None:
    key = holder(stack, f"r-demoted-{role}", "proxy_admin")
    assert stack.gateway.try_as(key, "GET", "/user/list").status_code == 200

    stack.gateway.admin("POST", "/user/update", user_id=f"r-demoted-{role}", user_role=role)

    assert stack.gateway.try_as(key, "GET", "/user/list").status_code == 403


def test_the_public_port_knows_no_administration(stack: Stack, admin: str) -> None:
    for path in READING:
        answer = httpx.get(
            stack.gateway.public_url + path, headers={"authorization": f"Bearer {admin}"}
        )
        assert answer.status_code == 404


def test_a_key_of_an_administrator_may_ask_for_itself(stack: Stack, admin: str) -> None:
    answer = stack.gateway.try_as(admin, "GET", "/key/info")

    assert answer.json()["info"]["user_id"] == "r-admin"


def test_a_blocked_administrator_is_a_401(stack: Stack) -> None:
    key = holder(stack, "r-blocked", "proxy_admin")
    stack.gateway.admin("POST", "/user/block", user_id="r-blocked")

    assert stack.gateway.try_as(key, "GET", "/user/list").status_code == 401
