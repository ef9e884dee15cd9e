"""A key, and a client that sends it, for all tests of a file."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.stack import Stack


@pytest.fixture(scope="module")
def key(_shared_stack: Stack) -> str:
    return _shared_stack.gateway.new_key()


@pytest.fixture(scope="module")
def client(_shared_stack: Stack, key: str) -> Iterator[httpx.Client]:
    """To the public port, with a key."""
    with httpx.Client(
        base_url=_shared_stack.gateway.public_url, headers={"x-api-key": key}, timeout=30
    ) as opened:
        yield opened
