"""Text that PostgreSQL cannot keep is refused by the name of its field."""

import httpx
import pytest

from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

HEADERS = {"authorization": f"Bearer {MASTER_KEY}", "content-type": "application/json"}


FIELDS = {
    "/key/generate": (
        "key_alias",
        "user_id",
        "models",
        "budget_duration",
        "key",
        "tags",
        "metadata",
        "budget_id",
        "guardrail",
        "duration",
        "temp_budget_expiry",
        "model_rpm_limit",
        "model_max_budget",
    ),
    "/user/new": ("user_id", "user_email", "user_alias", "user_role"),
    "/user/delete": ("user_ids",),
    "/key/delete": ("keys", "key_aliases"),
    "/key/regenerate": ("key", "new_key", "grace_period"),
    "/budget/new": ("budget_id",),
    "/model/new": ("model_name",),
    "/model/delete": ("id",),
}
LISTS = {"models", "tags", "user_ids", "keys", "key_aliases"}
MAPS = {
    "metadata": '{"a": %s}',
    "model_rpm_limit": "{%s: 1}",
    "model_max_budget": '{%s: {"budget_limit": 1}}',
}


@pytest.mark.parametrize(
    ("path", "field"), [(path, field) for path, fields in FIELDS.items() for field in fields]
)
@pytest.mark.parametrize("text", [r"a\u0000b", r"a\u001bb", r"\ud800"])
def test_control_characters_in_a_body(stack: Stack, path: str, field: str, text: str) -> None:
    quoted = f'"{text}"'
    value = f"[{quoted}]" if field in LISTS else MAPS.get(field, "%s") % quoted
    response = httpx.post(
        stack.gateway.internal_url + path,
        content=f'{{"{field}": {value}}}'.encode(),
        headers=HEADERS,
    )

    # What nobody reads but a program may hold them, if PostgreSQL can.
    kept = field == "metadata" and "001b" in text
    assert response.status_code == (200 if kept else 400), response.text
    assert kept or field in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/user/info?user_id=a%00b",
        "/key/info?key=a%00b",
        "/user/list?user_email=a%00b",
        "/user/list?user_ids=a%00b",
        "/key/list?key_alias=a%00b",
        "/audit/logs?actor=a%00b",
        "/model/info?litellm_model_id=a%00b",
    ],
)
def test_control_characters_in_an_address(stack: Stack, path: str) -> None:
    response = httpx.get(stack.gateway.internal_url + path, headers=HEADERS)

    assert response.status_code == 400


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"max_budget": NaN}',
        b'{"metadata": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        b'{"rpm_limit": 1' + b"0" * 5000 + b"}",
    ],
    ids=["empty", "half", "list", "null", "text", "bytes", "nan", "deep", "long"],
)
def test_a_body_that_is_no_object_of_fields(stack: Stack, content: bytes) -> None:
    response = httpx.post(
        f"{stack.gateway.internal_url}/key/generate", content=content, headers=HEADERS
    )

    assert response.status_code == 400, response.text
    assert response.json()["error"]["message"]


def test_a_body_that_is_too_large(stack: Stack) -> None:
    response = httpx.post(
        f"{stack.gateway.internal_url}/key/generate", content=b" " * 1_000_001, headers=HEADERS
    )

    assert response.status_code == 413
