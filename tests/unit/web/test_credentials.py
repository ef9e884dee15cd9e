"""Where a request came from is what our own proxies say, and nobody else."""

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from app.core.ids import Credentials
from app.web.headers import address, credentials


def request(proxies: int, *headers: tuple[str, str], peer: str | None = "10.0.0.9") -> Request:
    app = FastAPI()
    app.state.proxies = proxies
    return Request(
        {
            "type": "http",
            "app": app,
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "client": None if peer is None else (peer, 50_000),
        }
    )


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, ["203.0.113.7"], "10.0.0.9"),
        (1, ["203.0.113.7"], "203.0.113.7"),
        (1, ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (2, ["198.51.100.1, 203.0.113.7, 10.0.0.1"], "203.0.113.7"),
        (2, ["198.51.100.1", "203.0.113.7,10.0.0.1"], "203.0.113.7"),
        (2, ["203.0.113.7"], "10.0.0.9"),
        (2, [], "10.0.0.9"),
        (1, [""], "10.0.0.9"),
        (1, ["198.51.100.1, "], "10.0.0.9"),
        (1, ["x" * 10_000], "x" * 45),
    ],
)
def test_only_what_a_proxy_of_ours_added_is_believed(
    proxies: int, forwarded: list[str], found: str
) -> None:
    said = [("x-forwarded-for", value) for value in forwarded]

    assert address(request(proxies, *said)) == found


def test_a_peer_without_an_address_has_none() -> None:
    assert address(request(0, peer=None)) == ""


def test_the_key_in_authorization_comes_first() -> None:
    asked = request(0, ("x-api-key", "sk-2"), ("authorization", "Bearer sk-1"))

    assert credentials(asked) == Credentials(("sk-1", "sk-2"), "10.0.0.9")


def test_keys_are_not_shown_where_credentials_are_printed() -> None:
    assert "sk-1" not in repr(Credentials(("sk-1",), "10.0.0.9"))
