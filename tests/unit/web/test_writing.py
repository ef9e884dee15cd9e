"""A head goes out with what follows it, and is never left behind."""

import asyncio

from app.web.connection import BufferedHead

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what is written, and when it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.writes.append(b"closed")

    def is_closing(self) -> bool:
        return b"closed" in self.writes


def held() -> tuple[BufferedHead, Wire]:
    wire = Wire()
    return BufferedHead(wire, asyncio.get_running_loop()), wire


async def test_a_head_and_a_body_are_one_write() -> None:
    transport, wire = held()

    transport.write(HEAD)
    transport.write(b"body")
    transport.write(b"more")

    assert wire.writes == [HEAD + b"body", b"more"]


async def test_a_head_without_a_body_does_not_wait_for_one() -> None:
    transport, wire = held()

    transport.write(HEAD)
    await asyncio.sleep(0)
    transport.write(b"late")

    assert wire.writes == [HEAD, b"late"]


async def test_an_empty_body_lets_the_head_go() -> None:
    transport, wire = held()

    transport.write(HEAD)
    transport.write(b"")
    await asyncio.sleep(0)

    assert wire.writes == [HEAD]


async def test_a_head_goes_out_before_the_connection_is_closed() -> None:
    transport, wire = held()

    transport.write(HEAD)
    transport.close()
    await asyncio.sleep(0)

    assert wire.writes == [HEAD, b"closed"]


async def test_a_second_head_stays_behind_the_first() -> None:
    transport, wire = held()

    transport.write(HEAD)
    transport.write(HEAD)
    await asyncio.sleep(0)

    assert b"".join(wire.writes) == HEAD + HEAD


async def test_everything_else_is_the_transports_own() -> None:
    transport, wire = held()

    transport.close()

    assert transport.is_closing()
    assert wire.writes == [b"closed"]
