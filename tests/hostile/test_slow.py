"""Clients that take their time: each loses its own connection, in bounded time, and no other."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from tests.hostile.wire import Answers, connection, until_closed
from tests.support.stack import Stack, running_stack
from tests.support.waiting import busy

HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n"
QUICK = {
    "GATEWAY_HEADER_TIMEOUT_SECONDS": "1",
    "GATEWAY_BODY_TIMEOUT_SECONDS": "1",
    "GATEWAY_WRITE_TIMEOUT_SECONDS": "1",
}
SOON_SECONDS = 8
"""Patience, the second between two looks, and a slow machine."""


@pytest.fixture(scope="module")
def slow(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A gateway with little patience."""
    directory: Path = tmp_path_factory.mktemp("slow")
    with running_stack(module_database_url, directory, **QUICK) as stack:
        yield stack


def trickle(url: str, start: bytes, piece: bytes) -> Answers:
    """After a start, send a little again and again, until the gateway has had enough."""
    pieces: list[bytes] = []
    deadline = time.monotonic() + SOON_SECONDS
    with connection(url) as opened:
        opened.sendall(start)
        opened.settimeout(0.1)
        while time.monotonic() < deadline:
            try:
                opened.sendall(piece)
                if not (found := opened.recv(65536)):
                    return Answers(b"".join(pieces))
                pieces.append(found)
            except TimeoutError:
                continue
            except ConnectionError:
                return Answers(b"".join(pieces))
    raise AssertionError("the connection is still open")


def test_whatever_part_of_a_request_trickles_it_is_a_408(slow: Stack) -> None:
    body = HEAD + f"x-api-key: {slow.gateway.new_key()}\r\n".encode()
    parts = {
        "the path": (b"POST /", b"a"),
        "a header's name": (HEAD, b"a"),
        "a header's value": (HEAD + b"X: ", b"b"),
        "headers": (HEAD, b"a: b\r\n"),
        "empty lines": (b"", b"\r\n"),
        "the body": (body + b"Content-Length: 1000\r\n\r\n", b" "),
        "chunks": (body + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    }
    with ThreadPoolExecutor(len(parts)) as at_once:
        answered = at_once.map(lambda part: trickle(slow.gateway.public_url, *part), parts.values())

        statuses = {name: one.statuses for name, one in zip(parts, answered, strict=True)}
    assert statuses == {name: [408] for name in parts}
    assert slow.reservations() == []


def test_a_body_that_trickles_after_its_answer_ends_too(slow: Stack) -> None:
    start = b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"

    assert trickle(slow.gateway.public_url, start, b" ").statuses == [404]


def test_a_body_that_comes_slowly_but_steadily_is_waited_for(slow: Stack) -> None:
    key, piece = slow.gateway.new_key(), b" " * 32_768
    size = len(piece) * 5
    with connection(slow.gateway.public_url) as opened:
        opened.sendall(HEAD + f"x-api-key: {key}\r\nContent-Length: {size}\r\n\r\n".encode())
        opened.settimeout(0.5)
        for _ in range(4):
            opened.sendall(piece)
            with pytest.raises(TimeoutError):
                opened.recv(1)
        opened.sendall(piece)
        opened.settimeout(SOON_SECONDS)

        assert Answers(opened.recv(65536)).statuses == [400]


@pytest.mark.parametrize(
    "request_before", [b"", b"GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_silence_is_ended_without_a_word(slow: Stack, request_before: bytes) -> None:
    with connection(slow.gateway.public_url) as opened:
        opened.sendall(request_before)
        if request_before:
            assert Answers(opened.recv(65536)).statuses == [200]
            opened.sendall(b"\r\n")
            assert until_closed(opened).statuses == [408]
        else:
            assert until_closed(opened).raw == b""


def test_an_answer_that_nobody_reads_is_cut_off(slow: Stack) -> None:
    path, process = "/openapi.json", psutil.Process(slow.gateway.process.pid)
    asked = 50_000_000 // len(httpx.get(slow.gateway.internal_url + path).content)
    with connection(slow.gateway.internal_url) as opened:
        opened.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * asked)
        port = opened.getsockname()[1]
        for connected in (True, False):
            deadline = time.monotonic() + SOON_SECONDS
            while _is_connected(process, port) is not connected:
                assert time.monotonic() < deadline, f"waiting for: connected is {connected}"

        assert len(until_closed(opened).statuses) < asked


def _is_connected(process: psutil.Process, port: int) -> bool:
    return any(c.raddr and c.raddr.port == port for c in process.net_connections("tcp"))


def test_many_slow_clients_hold_up_nobody_else(slow: Stack) -> None:
    process = psutil.Process(slow.gateway.process.pid)
    before = process.num_fds()
    with ExitStack() as many:
        opened = [many.enter_context(connection(slow.gateway.public_url)) for _ in range(300)]
        for one in opened:
            one.sendall(HEAD + os.urandom(8).hex().encode())
        started = time.monotonic()
        answered = httpx.get(f"{slow.gateway.public_url}/health/readiness")

        assert answered.status_code == 200
        assert time.monotonic() - started < busy(1)
        assert {tuple(until_closed(one).statuses) for one in opened} == {(408,)}
    assert process.num_fds() <= before + 3
