"""Keys that nobody has: refused before a byte of the body is read, and slowed down together."""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.support.stack import Stack, running_stack

LIMIT = 5
QUESTION = {
    "model": "claude-haiku-4-5",
    "max_tokens": 5,
    "messages": [{"role": "user", "content": "hi"}],
}
FROM_OFFICE = {"x-forwarded-for": "203.0.113.7"}
FROM_ELSEWHERE = {"x-forwarded-for": "198.51.100.1"}


@pytest.fixture(scope="module")
def strict(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One behind a proxy, that bears a few unknown keys a minute and remembers no good ones."""
    with running_stack(
        module_database_url,
        tmp_path_factory.mktemp("strict"),
        GATEWAY_FAILED_AUTH_PER_MINUTE=str(LIMIT),
        GATEWAY_PUBLIC_TRUSTED_PROXIES="1",
        GATEWAY_KEY_CACHE_TTL_SECONDS="0",
    ) as stack:
        yield stack


def ask(stack: Stack, key: str, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(
        f"{stack.gateway.public_url}/v1/messages",
        json=QUESTION,
        headers={"x-api-key": key, **headers},
    )


def test_guesses_are_refused_with_429_and_the_office_goes_on_working(strict: Stack) -> None:
    good = strict.gateway.new_key()
    refused = [ask(strict, f"sk-guess-{number}", FROM_OFFICE) for number in range(LIMIT + 3)]

    assert [one.status_code for one in refused] == [401] * LIMIT + [429] * 3
    assert refused[-1].json()["error"]["type"] == "rate_limit_error"
    assert refused[-1].headers["retry-after"] == "12"
    assert ask(strict, good, FROM_OFFICE).status_code == 200
    assert ask(strict, strict.gateway.new_key(), FROM_OFFICE).status_code == 200
    assert ask(strict, "sk-guess", FROM_ELSEWHERE).status_code == 401


def test_an_address_that_a_client_made_up_is_not_believed(strict: Stack) -> None:
    made_up = ({"x-forwarded-for": f"10.0.0.{number}, 203.0.113.8"} for number in range(LIMIT + 1))

    statuses = [ask(strict, "sk-guess", headers).status_code for headers in made_up]

    assert statuses == [401] * LIMIT + [429]


def test_the_operator_learns_the_address_and_no_key(strict: Stack) -> None:
    for number in range(LIMIT + 1):
        ask(strict, f"sk-guess-{number}", {"x-forwarded-for": "203.0.113.9"})

    told = [one for one in strict.gateway.log() if one.get("address") == "203.0.113.9"]
    assert [one["message"] for one in told] == ["many unknown keys from one address"]
    assert "sk-guess" not in strict.gateway.written()


async def test_in_a_flood_of_guesses_a_key_that_was_never_seen_before_gets_in(
    strict: Stack,
) -> None:
    good = strict.gateway.new_key()
    keys = [f"sk-flood-{number}" for number in range(60)]
    async with httpx.AsyncClient(base_url=strict.gateway.public_url) as client:

        async def status(key: str) -> int:
            headers = {"x-api-key": key, "x-forwarded-for": "203.0.113.10"}
            return (await client.post("/v1/messages", json=QUESTION, headers=headers)).status_code

        for key in keys[:LIMIT]:
            await status(key)
        *refused, answered = await asyncio.gather(*map(status, [*keys[LIMIT:], good]))

    assert set(refused) == {429}
    assert answered == 200


@pytest.mark.parametrize("door", ["public", "internal"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages",
        "/v1/chat/completions",
        "/v1/messages/count_tokens",
        "/bedrock/model/claude-haiku-4-5/invoke",
        "/bedrock/model/claude-haiku-4-5/count-tokens",
    ],
)
@pytest.mark.parametrize("key", ["", "x-api-key: sk-guess\r\n"], ids=["no key", "unknown key"])
def test_nobody_is_read_before_it_is_known_who_asks(
    stack: Stack, door: str, path: str, key: str
) -> None:
    assert _refusal_before_the_body(stack, door, path, key).startswith("HTTP/1.1 401 ")


@pytest.mark.parametrize("path", ["/user/new", "/key/generate", "/budget/new", "/model/new"])
def test_nor_is_whoever_asks_to_administer(stack: Stack, path: str) -> None:
    key = f"x-api-key: {stack.gateway.new_key()}\r\n"

    assert _refusal_before_the_body(stack, "internal", path, key).startswith("HTTP/1.1 403 ")


def _refusal_before_the_body(stack: Stack, door: str, path: str, key: str) -> str:
    """The first line of the answer to a request that announces a body and sends none of it."""
    gateway = stack.gateway
    url = httpx.URL(gateway.public_url if door == "public" else gateway.internal_url)
    with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
        head = f"POST {path} HTTP/1.1\r\nhost: gateway\r\n{key}content-length: 1000\r\n\r\n"
        connection.sendall(head.encode())
        return connection.recv(1000).decode().splitlines()[0]
