"""Two sockets: one for everybody, one for the platform team."""

import httpx
import pytest

from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

ADMINISTRATION = [
    ("POST", "/user/new"),
    ("GET", "/user/info"),
    ("POST", "/key/generate"),
    ("GET", "/key/info"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/metrics"),
]
DISGUISES = ["{path}", "/{path}", "{path}/", "/v1/..{path}", "{path}?x=1", "/%2e{path}"]


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize(("method", "path"), ADMINISTRATION)
def test_administration_does_not_exist_on_the_public_port(
    stack: Stack, method: str, path: str, disguise: str
) -> None:
    response = httpx.request(
        method,
        stack.gateway.public_url + disguise.format(path=path),
        headers={
            "authorization": f"Bearer {MASTER_KEY}",
            "host": stack.gateway.internal_url.removeprefix("http://"),
            "x-forwarded-host": "internal",
            "x-forwarded-port": "4001",
        },
    )

    assert response.status_code == 404


@pytest.mark.parametrize("key", [None, "sk-wrong", MASTER_KEY[:-1]])
def test_administration_needs_the_master_key(stack: Stack, key: str | None) -> None:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    response = httpx.post(f"{stack.gateway.internal_url}/key/generate", json={}, headers=headers)

    assert response.status_code == 401


def test_an_ordinary_key_may_not_administer(stack: Stack) -> None:
    response = httpx.post(
        f"{stack.gateway.internal_url}/key/generate",
        json={},
        headers={"authorization": f"Bearer {stack.gateway.new_key()}"},
    )

    assert response.status_code == 403


def test_the_internal_port_answers_inference_too(stack: Stack) -> None:
    response = httpx.post(
        f"{stack.gateway.internal_url}/v1/messages",
        json={
            "model": "claude-haiku-4-5",
            "max_tokens": 5,
            "messages": [{"role": "user", "content": "hi"}],
        },
        headers={"x-api-key": stack.gateway.new_key()},
    )

    assert response.status_code == 200


def test_the_master_key_calls_no_model(stack: Stack) -> None:
    response = httpx.get(
        f"{stack.gateway.public_url}/v1/models", headers={"authorization": f"Bearer {MASTER_KEY}"}
    )

    assert response.status_code == 401


def test_readiness_tells_its_reasons_only_inside(stack: Stack) -> None:
    outside = httpx.get(f"{stack.gateway.public_url}/health/readiness")
    inside = httpx.get(f"{stack.gateway.internal_url}/health/readiness")

    assert (outside.status_code, outside.json()) == (200, {"status": "healthy"})
    assert (inside.status_code, inside.json()) == (200, {"status": "healthy", "db": "connected"})


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness"])
def test_liveness_is_open(stack: Stack, path: str) -> None:
    response = httpx.get(stack.gateway.public_url + path)

    assert (response.status_code, response.json()) == (200, "I'm alive!")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_claude_code_is_greeted(stack: Stack, method: str) -> None:
    assert httpx.request(method, f"{stack.gateway.public_url}/api/hello").status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_metrics_are_open_inside_and_not_there_outside(stack: Stack, path: str) -> None:
    inside = httpx.get(stack.gateway.internal_url + path)
    outside = httpx.get(stack.gateway.public_url + path)

    assert (inside.status_code, outside.status_code) == (200, 404)
    assert "# HELP gateway_upstream_retries_total" in inside.text
