"""Bytes on a socket: what no HTTP client would send."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SECONDS = 20
AGAIN = b"GET /health/liveness HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""A request that would be answered by 200 if it were read as one."""

GOOD: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 20,
    "messages": [{"role": "user", "content": "hi"}],
}
"""A body that is answered, in either API format."""


@dataclass(frozen=True, slots=True)
class Answers:
    """All that came until the gateway closed the connection."""

    raw: bytes

    @property
    def statuses(self) -> list[int]:
        lines = self.raw.split(b"HTTP/1.1 ")[1:]
        return [int(line[:3]) for line in lines if line[:3].isdigit()]


@contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection(
        (str(address.hostname), int(address.port or 0)), timeout=SECONDS
    ) as opened:
        yield opened


def until_closed(opened: socket.socket) -> Answers:
    """Fails if the gateway leaves the connection open."""
    pieces = []
    try:
        while piece := opened.recv(65536):
            pieces.append(piece)
    except ConnectionError:
        pass  # what was sent and not read makes it a reset
    return Answers(b"".join(pieces))


def answers(url: str, raw: bytes) -> Answers:
    with connection(url) as opened:
        with suppress(ConnectionError):  # it may be refused before its end
            opened.sendall(raw)
        return until_closed(opened)
