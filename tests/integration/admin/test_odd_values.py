"""Whatever is sent to administer, the gateway answers in order."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

ODD: tuple[Any, ...] = (
    None, "", " ", "x", "'; DROP TABLE budget; --", "x" * 5000, "\u202e\U0001f600", "0", "1e5",
    0, -1, 1e308, 10**30, True, [], [None], [[]], ["x"], {}, {"a": None}, {"": {}},
    {"claude-haiku-4-5": -1}, {"claude-haiku-4-5": {"budget_limit": None}},
)  # fmt: skip
ODD_WORDS = ("", " ", "x", "-1", "0", "1e5", "%", "_", "'", "x" * 3000, "9" * 30, "null")
ROUTES = (
    "/user/new", "/user/update", "/user/block", "/user/unblock", "/user/delete",
    "/key/generate", "/key/update", "/key/block", "/key/unblock", "/key/regenerate", "/key/delete",
    "/budget/new", "/budget/info", "/budget/update", "/budget/delete",
    "/model/new", "/model/update", "/model/delete",
)  # fmt: skip
LISTS = ("/user/list", "/user/info", "/key/list", "/key/info", "/audit/logs", "/model/info")
IDENTITIES = {"user_id", "user_email", "budget_id", "key_alias", "model_info"}
IN_ORDER = {200, 400, 404, 409}


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    with httpx.Client(base_url=stack.gateway.internal_url, headers=headers) as opened:
        yield opened


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def body_of(document: dict[str, Any], path: str) -> tuple[dict[str, Any], list[str]]:
    """The example of a request, and all of its fields."""
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    return schema["examples"][0], list(schema["properties"])


@pytest.fixture
def known(stack: Stack) -> dict[str, Any]:
    """What there is to be changed."""
    user_id = stack.gateway.admin("POST", "/user/new", auto_create_key=False)["user_id"]
    budget_id = stack.gateway.admin("POST", "/budget/new")["budget_id"]
    key = stack.gateway.admin("POST", "/key/generate")["token"]
    return {"user_id": user_id, "budget_id": budget_id, "key": key, "budgets": [budget_id]}


@pytest.mark.parametrize("path", ROUTES)
def test_odd_values_in_a_body(
    client: httpx.Client, document: dict[str, Any], known: dict[str, Any], path: str
) -> None:
    example, fields = body_of(document, path)
    if path.endswith(("/new", "/generate")):
        # Each is to be made anew, not to be refused as one that exists.
        known = {"model_name": "odd"}
        example = {n: v for n, v in example.items() if n not in IDENTITIES}
    example |= {name: value for name, value in known.items() if name in fields}
    for field in fields:
        for value in ODD:
            body = {**example, field: value}
            answer = client.post(path, content=json.dumps(body).encode())
            assert answer.status_code in IN_ORDER, (field, value, answer.text)
            assert answer.status_code == 200 or answer.json()["error"]["message"]


@pytest.mark.parametrize("path", LISTS)
def test_odd_values_in_an_address(
    client: httpx.Client, document: dict[str, Any], path: str
) -> None:
    for parameter in document["paths"][path]["get"].get("parameters", ()):
        for value in ODD_WORDS:
            answer = client.get(path, params={parameter["name"]: value})
            assert answer.status_code in IN_ORDER, (parameter["name"], value, answer.text)


@pytest.mark.parametrize("path", ROUTES)
def test_a_number_of_a_billion_digits_is_answered_at_once(
    client: httpx.Client, document: dict[str, Any], path: str
) -> None:
    example, fields = body_of(document, path)
    for field in fields:
        for number in ("1e999999999", "-1e999999999", "9" * 5_000):
            value = f'{{"claude-haiku-4-5": {number}}}' if field.startswith("model_") else number
            if field == "litellm_params":
                value = f'{{"model": "claude-haiku-4-5", "rpm": {number}}}'
            body = json.dumps({**example, field: "@"}).replace('"@"', value)
            answer = client.post(path, content=body, timeout=30)
            assert answer.status_code == 400, (field, answer.text)
            assert field in answer.json()["error"]["message"]
