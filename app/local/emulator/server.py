"""The emulator as a listening server."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Unpack

from aiohttp import web

from app.local.emulator.options import EmulatorOptions, OptionChanges
from app.local.emulator.runtime import Emulator
from app.local.emulator.scenarios import parse

SHUTDOWN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class RunningEmulator:
    """A handle on an emulator in this process."""

    url: str
    options: EmulatorOptions
    _emulator: Emulator

    @property
    def access_key(self) -> str:
        return self.options.access_key

    @property
    def secret_key(self) -> str:
        return self.options.secret_key

    @property
    def bearer_token(self) -> str:
        return self.options.bearer_token

    def usage(self) -> Sequence[Mapping[str, Any]]:
        """The rows of `GET /__emulator__/usage`."""
        return self._emulator.tokens.rows()

    def clear_usage(self) -> None:
        self._emulator.tokens.clear()

    def received(self) -> Sequence[Mapping[str, Any]]:
        """The rows of `GET /__emulator__/requests`."""
        return self._emulator.requests.rows()

    def set_scenario(self, *scenarios: Mapping[str, Any]) -> None:
        """Replaces what is queued; none at all means normal answers. Raises `UnknownScenario`."""
        self._emulator.queue.replace(parse(list(scenarios)))


@asynccontextmanager
async def running_emulator(
    *, host: str = "127.0.0.1", port: int = 0, **options: Unpack[OptionChanges]
) -> AsyncIterator[RunningEmulator]:
    """An emulator that listens while the block runs; port 0 takes a free one."""
    chosen = EmulatorOptions(**options)
    emulator = Emulator(chosen)
    # A client that leaves cancels its call at once: that is how generation learns of it.
    server = web.Server(emulator.handle, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        yield RunningEmulator(f"http://{host}:{bound}", chosen, emulator)
    finally:
        await runner.cleanup()
