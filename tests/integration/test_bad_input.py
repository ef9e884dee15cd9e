"""What the endpoints say to requests that nobody should send."""

from typing import Any

import httpx
import pytest

from tests.support.stack import Stack

GOOD: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 20,
    "messages": [{"role": "user", "content": "hi"}],
}
ENDPOINTS = ("/v1/messages", "/v1/chat/completions")


def error_of(response: httpx.Response, path: str) -> tuple[str, str]:
    """The error's type and message; checks that the envelope is that of the path's API format."""
    body = response.json()
    assert "detail" not in body
    if path == "/v1/messages":
        assert body["type"] == "error"
        assert body["request_id"] == response.headers["request-id"]
    else:
        assert body.keys() == {"error"}
        assert body["error"].keys() == {"message", "type", "param", "code"}
    return body["error"]["type"], body["error"]["message"]


@pytest.fixture
def key(stack: Stack) -> str:
    return stack.gateway.new_key()


def post(stack: Stack, key: str, path: str, content: bytes) -> httpx.Response:
    return httpx.post(
        stack.gateway.public_url + path,
        content=content,
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
    )


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"model": "\xff"}',
        b'{"model": NaN}',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"max_tokens": 1' + b"0" * 400 + b"}",
    ],
    ids=[
        "empty",
        "cut",
        "a list",
        "null",
        "a string",
        "not UTF-8",
        "a string that is not UTF-8",
        "not a number",
        "very deep",
        "a huge number",
    ],
)
def test_a_body_that_is_no_json_object_is_a_400(
    stack: Stack, key: str, path: str, content: bytes
) -> None:
    response = post(stack, key, path, content)

    assert response.status_code == 400
    assert error_of(response, path)[0] == "invalid_request_error"


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", 7),
        ("model", None),
        ("max_tokens", "many"),
        ("max_tokens", -1),
        ("max_tokens", True),
        ("max_tokens", 1.5),
        ("messages", None),
        ("messages", "hi"),
        ("messages", []),
        ("messages", ["hi"]),
        ("messages", [{"content": "hi"}]),
        ("messages", [{"role": 5, "content": "hi"}]),
        ("messages", [{"role": "user", "content": 5}]),
        ("messages", [{"role": "user", "content": [5]}]),
        ("messages", [{"role": "user"}]),
        ("messages", [{"role": "robot", "content": "hi"}]),
        ("stream", "yes"),
        ("tools", "all"),
        ("tools", [7]),
        ("tools", [{"type": "function"}]),
    ],
)
def test_a_field_of_the_wrong_kind_is_a_400_that_names_it(
    stack: Stack, key: str, path: str, field: str, value: Any
) -> None:
    response = httpx.post(
        stack.gateway.public_url + path,
        json=GOOD | {field: value},
        headers={"authorization": f"Bearer {key}"},
    )

    kind, message = error_of(response, path)
    assert (response.status_code, kind) == (400, "invalid_request_error")
    assert field in message


@pytest.mark.parametrize("path", ENDPOINTS)
def test_unknown_fields_and_betas_do_no_harm(stack: Stack, key: str, path: str) -> None:
    response = httpx.post(
        stack.gateway.public_url + path,
        params={"beta": "true"},
        json=GOOD | {"favourite_colour": "blue", "tags": ["a"], "speed": "fast"},
        headers={
            "x-api-key": key,
            "anthropic-beta": "made-up-2031-01-01, fast-mode-2026-02-01,oauth-2025-04-20",
            "x-unheard-of": "yes",
        },
    )

    assert response.status_code == 200
    body = stack.emulator.received()[-1]["body"]
    assert body.keys() == {"anthropic_version", "max_tokens", "messages"}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_body_over_the_limit_is_a_413_whatever_it_declares(
    stack: Stack, key: str, path: str
) -> None:
    def unannounced() -> Any:
        for _ in range(31):
            yield b" " * 1_000_000

    for content in (b" " * 30_000_000, unannounced()):
        response = httpx.post(
            stack.gateway.public_url + path,
            content=content,
            headers={"authorization": f"Bearer {key}"},
        )
        assert response.status_code == 413
        assert "20,000,000 bytes" in error_of(response, path)[1]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_unknown_model_is_a_404_that_suggests_one(stack: Stack, key: str, path: str) -> None:
    response = httpx.post(
        stack.gateway.public_url + path,
        json=GOOD | {"model": "claude-hiku-4-5"},
        headers={"authorization": f"Bearer {key}"},
    )

    assert response.status_code == 404
    assert "claude-haiku-4-5" in error_of(response, path)[1]


def test_what_bedrock_refuses_keeps_its_words(stack: Stack, key: str) -> None:
    response = httpx.post(
        stack.gateway.public_url + "/v1/messages",
        json=GOOD | {"max_tokens": 10_000_000},
        headers={"authorization": f"Bearer {key}"},
    )

    kind, message = error_of(response, "/v1/messages")
    assert (response.status_code, kind) == (400, "invalid_request_error")
    assert "max_tokens" in message


@pytest.mark.parametrize(("kind", "status"), [("url", 400), ("file", 400)])
def test_sources_that_would_have_to_be_fetched_are_refused(
    stack: Stack, key: str, kind: str, status: int
) -> None:
    image = {"type": "image", "source": {"type": kind, "url": "http://169.254.169.254/"}}
    response = httpx.post(
        stack.gateway.public_url + "/v1/messages",
        json=GOOD | {"messages": [{"role": "user", "content": [image]}]},
        headers={"authorization": f"Bearer {key}"},
    )

    assert response.status_code == status
    assert "base64" in error_of(response, "/v1/messages")[1]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/messages", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/nothing/here", 404),
        ("POST", "/v1/responses", 404),
        ("POST", "/v1/embeddings", 404),
    ],
)
def test_unknown_paths_and_methods_are_errors_in_json(
    stack: Stack, method: str, path: str, status: int
) -> None:
    response = httpx.request(method, stack.gateway.public_url + path)

    assert response.status_code == status
    assert response.json()["error"]["message"]


def test_a_base_url_with_v1_twice_is_told_so(stack: Stack) -> None:
    response = httpx.post(f"{stack.gateway.public_url}/v1/v1/messages?beta=true", json=GOOD)

    assert response.status_code == 404
    assert "Remove /v1" in error_of(response, "/v1/messages")[1]
