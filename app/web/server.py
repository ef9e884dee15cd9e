"""Several applications on a socket each, in one event loop, stopped together."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Generator, Sequence

import uvicorn
from starlette.types import ASGIApp

from app.web.connection import Connection, ConnectionTimeouts, look_after

KEEPALIVE_SECONDS = 75
"""Longer than the load balancer's idle time, so that it never finds a connection closed."""

BACKLOG = 2048

HAND_OVER_SECONDS = 5
"""For calls that were cut off: to tell their clients, read on, and settle."""


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, which has several of these to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises OSError."""
    return socket.create_server((host, port), backlog=BACKLOG)


async def serve(
    doors: Sequence[tuple[ASGIApp, socket.socket]],
    *,
    shutdown_seconds: float,
    patience: ConnectionTimeouts,
) -> None:
    """Serve until SIGTERM or SIGINT; then take no more, and let open answers end."""
    servers = [_server(app, shutdown_seconds) for app, _ in doors]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, servers)
    # What was imported stays for good; each search of it for garbage stops everybody for 50 ms.
    gc.freeze()
    # A request makes hundreds of objects and hardly a cycle: look for those less often.
    gc.set_threshold(20_000, 20, 20)
    watches = [
        asyncio.create_task(look_after(server.server_state.connections, patience))
        for server in servers
    ]
    await asyncio.gather(
        *(server.serve(sockets=[door]) for server, (_, door) in zip(servers, doors, strict=True))
    )
    for watch in watches:
        watch.cancel()
    # Requests that took too long were cancelled; let them hand over their bills.
    cut_off = set().union(*(server.server_state.tasks for server in servers))
    if cut_off:
        await asyncio.wait(cut_off, timeout=HAND_OVER_SECONDS)


def _server(app: ASGIApp, shutdown_seconds: float) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEPALIVE_SECONDS,
            timeout_graceful_shutdown=round(shutdown_seconds),
        )
    )


def _stop(servers: Sequence[_Server]) -> None:
    """A first signal asks; a second one insists."""
    for server in servers:
        server.force_exit = server.should_exit
        server.should_exit = True
