"""A TCP relay between two parts, which can be slow, silent, cut, or lead elsewhere."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LOOK_SECONDS = 0.01
PIECE_BYTES = 65_536


@dataclass
class Relay:
    """Runs in a thread of its own, so that a test that waits does not hold it up."""

    target_port: int
    port: int = 0
    delay_seconds: float = 0
    """Before each piece is passed on, either way."""
    silent: bool = False
    """Whether everything that arrives is kept back: nobody is told that nobody listens."""
    closed: bool = False
    """Whether connections end as soon as they begin."""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _ending: threading.Event = field(default_factory=threading.Event)
    _listening: threading.Event = field(default_factory=threading.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def cut(self) -> None:
        """Reset all connections, and let none in."""
        self.closed = True
        self.drop()

    def mend(self) -> None:
        self.closed = self.silent = False
        self.delay_seconds = 0

    def lead_to(self, port: int) -> None:
        """From now on another one answers at this address; connections to the first are reset."""
        self.target_port = port
        self.drop()

    def drop(self) -> None:
        """Reset all connections."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result()

    async def _drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        while not self._ending.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(LOOK_SECONDS)
        server.close()
        self.mend()
        while self._writers:
            await self._drop()
            await asyncio.sleep(LOOK_SECONDS)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self.closed:
                await self._connect(reader, writer)
        except OSError:
            pass  # a side is gone: that is what the relay is for
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        self._writers.add(far_writer)
        try:
            ways = [
                asyncio.create_task(self._pass_on(reader, far_writer)),
                asyncio.create_task(self._pass_on(far_reader, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            far_writer.transport.abort()
            self._writers.discard(far_writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            await asyncio.sleep(self.delay_seconds)
            while self.silent:  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(LOOK_SECONDS)
            writer.write(piece)
            await writer.drain()


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """A relay in front of that port of this machine."""
    relay = Relay(port)
    thread = threading.Thread(target=asyncio.run, args=(relay._serve(),), daemon=True)
    thread.start()
    relay._listening.wait(30)
    try:
        yield relay
    finally:
        relay._ending.set()
        with contextlib.suppress(RuntimeError):
            thread.join(10)
