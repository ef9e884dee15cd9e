"""The load generator counts what there is, and takes nothing wrong for right."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from benchmarks.load import Load, Order, decoded, encoded, percentiles

ORDER = Order(
    addresses=[],
    path="/v1/messages",
    headers={"x-more": "yes"},
    keys=["sk-one", "sk-two"],
    body='{"stream": true}',
    connections=2,
    seconds=30,
    warm_up_seconds=0,
    ending="message_stop",
    requests=6,
)


def chunked(*parts: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


@asynccontextmanager
async def server(
    answer: bytes, seen: list[bytes] | None = None, *, breaks_off: bool = False
) -> AsyncIterator[Order]:
    """Answers every request with the same bytes, in two writes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(len(ORDER.body))
            if seen is not None:
                seen.append(head)
            writer.write(answer[:70])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(answer[70:])
            if breaks_off:
                writer.close()
                return

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    running = await asyncio.start_server(until_closed, "127.0.0.1", 0)
    async with running:
        yield replace(ORDER, addresses=[running.sockets[0].getsockname()[:2]])


async def test_events_are_counted_however_they_are_cut() -> None:
    answer = chunked(b"da", b"ta: one\n\nd", b"ata: two\n\ndata: message_stop\n\n")
    async with server(answer) as order:
        found = await Load(order).run()

    assert found["requests"] == 6
    assert found["events"] == 18
    assert found["errors"] == {}
    assert found["latency_ms"]["p50"] >= found["first_byte_ms"]["p50"] > 0


async def test_no_more_requests_are_sent_than_were_ordered() -> None:
    seen: list[bytes] = []
    async with server(chunked(b"data: message_stop"), seen) as order:
        found = await Load(replace(order, requests=7, connections=3)).run()

    assert (len(seen), found["requests"]) == (7, 7)


async def test_every_key_has_its_turn() -> None:
    seen: list[bytes] = []
    async with server(chunked(b"data: message_stop"), seen) as order:
        await Load(order).run()

    assert sum(b"Bearer sk-one" in head for head in seen) == 3
    assert sum(b"Bearer sk-two" in head for head in seen) == 3
    assert all(b"x-more: yes" in head for head in seen)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (chunked(b"data: one", b"data: two"), "no message_stop at its end"),
        (b"HTTP/1.1 529 Busy\r\ncontent-length: 4\r\n\r\nbusy", "status 529: busy"),
    ],
)
async def test_a_wrong_answer_is_counted_as_such(answer: bytes, complaint: str) -> None:
    async with server(answer) as order:
        found = await Load(replace(order, requests=None, seconds=0.2)).run()

    assert found["requests"] == 0
    assert list(found["errors"]) == [complaint]


async def test_an_answer_that_breaks_off_is_an_error() -> None:
    async with server(chunked(b"data: message_stop")[:-3], breaks_off=True) as order:
        found = await Load(replace(order, requests=None, seconds=0.2)).run()

    assert found["requests"] == 0
    assert list(found["errors"]) == ["ConnectionResetError"]


async def test_a_server_that_is_gone_is_an_error_and_no_crash() -> None:
    async with server(b"") as order:
        pass

    found = await Load(replace(order, requests=None, seconds=0.1)).run()

    assert found["errors"].keys() == {"ConnectionRefusedError"}
    assert found["latency_ms"] == {}


def test_percentiles_are_those_of_all_samples() -> None:
    samples = [number / 1000 for number in range(1000, 0, -1)]

    assert percentiles(samples) == {"p50": 501, "p95": 951, "p99": 991, "max": 1000}


def test_an_order_survives_its_way_to_the_process() -> None:
    order = replace(ORDER, addresses=[("127.0.0.1", 1)], watched={"target": [1, 2]})

    assert decoded(encoded(order)) == order
