"""Who may do what, for every operation that there is: generated from the OpenAPI document."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from app.apps import FOR_ADMINISTRATORS, FOR_CLIENTS
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

OPEN = {"/health/liveliness", "/health/liveness", "/health/readiness", "/api/hello", "/metrics"}


def _paths(routers: Iterable[APIRouter]) -> set[str]:
    """As the document writes them."""
    return {
        route.path.replace(":path}", "}")
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
    }


CLIENT_PATHS, ADMIN_PATHS = _paths(FOR_CLIENTS), _paths(FOR_ADMINISTRATORS)
READS = {"GET"}
ASKS_ONLY = {"/budget/info"}
"""A POST that changes nothing."""

ROLES = ("nobody", "stranger", "internal_user", "proxy_admin_viewer", "proxy_admin", "master")
LET_IN = "let in"


@pytest.fixture(scope="module")
def keys(_shared_stack: Stack) -> dict[str, str]:
    gateway = _shared_stack.gateway
    found = {"nobody": "", "stranger": "sk-of-a-stranger-to-everybody", "master": MASTER_KEY}
    for role in ("internal_user", "proxy_admin_viewer", "proxy_admin"):
        made = gateway.admin("POST", "/user/new", user_role=role)
        found[role] = made["key"]
    return found


@pytest.fixture(scope="module")
def operations(_shared_stack: Stack) -> list[tuple[str, str]]:
    document = _shared_stack.gateway.admin("GET", "/openapi.json")
    return [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method in {"get", "post", "put", "delete"}
    ]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as opened:
        yield opened


def asked(
    client: httpx.Client, base: str, method: str, path: str, key: str
) -> tuple[int, dict[str, Any]]:
    """With a body and a query that nothing takes, so that nothing is changed."""
    address = base + re.sub(r"\{[^}]*\}", "nothing", path)
    answer = client.request(
        method,
        address,
        params={"no_such_field": "x"},
        json={"no_such_field": "x"} if method in {"POST", "PUT"} else None,
        headers={"authorization": f"Bearer {key}"} if key else {},
    )
    return answer.status_code, answer.json() if answer.status_code >= 400 else {}


def expected(role: str, method: str, path: str) -> set[int]:
    """The statuses of a refusal; 400 and its like only for those who are let in."""
    let_in = {200, 400, 404, 409, 501}
    if path in OPEN:
        return let_in
    if path in ADMIN_PATHS:
        reads = method in READS or path in ASKS_ONLY
        able = (
            {"master", "proxy_admin", "proxy_admin_viewer"} if reads else {"master", "proxy_admin"}
        )
        if role in able:
            return let_in
        return {401} if role in {"nobody", "stranger"} else {403}
    return {401} if role in {"nobody", "stranger", "master"} else let_in


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_may_and_nothing_else(
    stack: Stack,
    client: httpx.Client,
    keys: dict[str, str],
    operations: list[tuple[str, str]],
    role: str,
) -> None:
    assert {path for _, path in operations} >= ADMIN_PATHS
    for method, path in operations:
        status, _ = asked(client, stack.gateway.internal_url, method, path, keys[role])

        assert status in expected(role, method, path), (method, path, status)


@pytest.mark.parametrize("role", ROLES)
def test_on_the_public_port_nobody_administers(
    stack: Stack,
    client: httpx.Client,
    keys: dict[str, str],
    operations: list[tuple[str, str]],
    role: str,
) -> None:
    for method, path in operations:
        status, body = asked(client, stack.gateway.public_url, method, path, keys[role])
        if path in ADMIN_PATHS | {"/metrics"}:
            assert status in {404, 405}, (method, path)
            assert body["error"]["message"]


def test_every_path_is_for_clients_or_for_administrators_or_open(
    operations: list[tuple[str, str]],
) -> None:
    assert {path for _, path in operations} == ADMIN_PATHS | CLIENT_PATHS | OPEN


def test_a_holder_sees_nothing_of_others(stack: Stack, client: httpx.Client) -> None:
    """Each GET that takes a key, asked by one holder for what is another's."""
    marks = {name: f"mark-of-{name}" for name in ("theirs", "mine")}
    made = {
        name: stack.gateway.admin(
            "POST",
            "/user/new",
            user_id=mark,
            user_email=f"{mark}@example.org",
            max_budget=7,
            models=["claude-haiku-4-5"] if name == "theirs" else ["claude-sonnet-4-5"],
        )
        for name, mark in marks.items()
    }
    for name, model in (("theirs", "claude-haiku-4-5"), ("mine", "claude-sonnet-4-5")):
        client.post(
            f"{stack.gateway.public_url}/v1/messages",
            json={"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]},
            headers={"x-api-key": made[name]["key"], "x-session-id": f"session-{marks[name]}"},
        )
    theirs = made["theirs"]
    lookups = {"user_id": marks["theirs"], "key": theirs["token"], "api_key": theirs["token"]}
    seen = []
    for base in (stack.gateway.public_url, stack.gateway.internal_url):
        for path in sorted(CLIENT_PATHS):
            for address in (path, path.replace("{model_id}", "claude-haiku-4-5")):
                answer = client.get(
                    base + address,
                    params=lookups,
                    headers={"x-api-key": made["mine"]["key"], "accept": "application/json"},
                )
                if answer.status_code == 200:
                    seen.append(path)
                for secret in ("mark-of-theirs", theirs["token"], theirs["key"]):
                    assert secret not in answer.text, path
    assert "/v1/usage" in seen
    usage = client.get(
        f"{stack.gateway.public_url}/v1/usage", headers={"x-api-key": made["mine"]["key"]}
    )
    assert "session-mark-of-mine" in json.dumps(usage.json())
