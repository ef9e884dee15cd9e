"""Which keys are let in, and how they are sent."""

import httpx
import pytest

from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack
from tests.support.waiting import until


def models(stack: Stack, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(
        f"{stack.gateway.public_url}/v1/models", headers=named | {"anthropic-version": "2026-10-21"}
    )


def test_a_key_is_taken_from_either_header_or_both(stack: Stack) -> None:
    key = stack.gateway.new_key()

    for headers in (
        {"authorization": f"Bearer {key}"},
        {"authorization": f"bearer {key}"},
        {"x_api_key": key},
        {"authorization": f"Bearer {key}", "x_api_key": key},
        {"authorization": "Bearer sk-somebody-elses", "x_api_key": key},
        {"authorization": f"Bearer {key}", "x_api_key": "sk-somebody-elses"},
    ):
        assert models(stack, **headers).status_code == 200, headers


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"duration": "1s"}, "has expired"),
        ({"blocked": True}, "is blocked"),
    ],
)
def test_a_key_that_is_no_longer_good_says_why(
    own_stack: Stack, fields: dict[str, object], said: str
) -> None:
    key = own_stack.gateway.new_key(**fields)
    own_stack.execute("UPDATE api_key SET expires = now() - interval '1 min' WHERE expires > now()")

    response = models(own_stack, authorization=f"Bearer {key}")

    assert response.status_code == 401
    assert response.headers["x-should-retry"] == "false"
    assert response.json()["error"]["type"] == "authentication_error"
    assert said in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"Bearer",
        b"Bearer sk-unknown",
        b"Basic c2stOng=",
        b"Bearer " + b"x" * 10_000,
        "Bearer sk-\u00fcn\u00efcode".encode(),
        b"Bearer sk-' OR 1=1 --",
        b"Bearer %s" % MASTER_KEY.encode().upper(),
    ],
)
def test_anything_else_is_a_401_at_once(stack: Stack, sent: bytes) -> None:
    response = httpx.get(
        f"{stack.gateway.public_url}/v1/models", headers=[(b"authorization", sent)]
    )

    assert response.status_code == 401
    assert response.headers["x-should-retry"] == "false"


async def test_a_block_is_heard_by_a_running_gateway(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(key_alias="soon-blocked")
    assert models(own_stack, x_api_key=key).status_code == 200

    own_stack.execute("UPDATE api_key SET blocked = true WHERE key_alias = 'soon-blocked'")

    await until(lambda: models(own_stack, x_api_key=key).status_code == 401)


def test_keys_are_stored_as_hashes_alone(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(key_alias="secret", user_id=None)
    dump = str(own_stack.query("SELECT to_json(k)::text AS row FROM api_key k"))

    assert key not in dump
    assert key not in own_stack.gateway.written()
    assert own_stack.gateway.admin("GET", "/key/info", key=key)["info"]["key_alias"] == "secret"


def test_two_users_or_keys_of_one_name_are_a_conflict(stack: Stack) -> None:
    stack.gateway.admin("POST", "/user/new", user_id="twin", key_alias="twins-key")

    user = stack.gateway.try_admin("POST", "/user/new", user_id="twin")
    key = stack.gateway.try_admin("POST", "/key/generate", key_alias="twins-key")

    assert (user.status_code, key.status_code) == (409, 409)
    assert "twin already exists" in user.json()["error"]["message"]
    assert "twins-key" in key.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"max_budgte": 5}, "max_budgte"),
        ({"max_budget": -1}, "max_budget"),
        ({"max_budget": "lots"}, "max_budget"),
        ({"budget_duration": "fortnight"}, "budget_duration"),
        ({"duration": "3 days"}, "duration"),
        ({"models": "all"}, "models"),
        ({"key": "short"}, "key"),
        ({"user_id": "nobody"}, "nobody"),
    ],
)
def test_a_key_request_that_does_not_fit_is_refused_by_name(
    stack: Stack, body: dict[str, object], named: str
) -> None:
    response = stack.gateway.try_admin("POST", "/key/generate", **body)

    assert response.status_code in {400, 404}
    assert named in response.json()["error"]["message"]
