"""A gateway with a resolver and a clock that tests can break: `python -m tests.chaos.standins`.

It proves what the gateway does when a name cannot be resolved, or when the time of day jumps. It
does not prove what the system's resolver does, nor what a jump does to the kernel's own timers.
"""

import functools
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from app import main
from app.core.time import Clock
from app.upstream import bedrock as client
from app.upstream.aws import Signer

HOST = "bedrock.test"


class Loop(uvloop.Loop):
    """Resolves one name by itself: to this machine, or not at all while a file is there."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Any:
        if host != HOST:
            return await super().getaddrinfo(host, port, **hints)
        if os.path.exists(os.environ["CHAOS_NO_NAMES"]):  # noqa: ASYNC240 - it is near
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return await super().getaddrinfo("127.0.0.1", port, **hints)


def shifted() -> datetime:
    """The time of day, so many seconds off as a file says."""
    file = Path(os.environ.get("CHAOS_SHIFT", "none"))
    seconds = float(file.read_text()) if file.exists() else 0
    return datetime.now(UTC) + timedelta(seconds=seconds)


if __name__ == "__main__":
    uvloop.Loop = Loop  # type: ignore[misc]
    main.create_app = functools.partial(main.create_app, clock=Clock(now=shifted))
    client.Signer = functools.partial(Signer, now=shifted)  # type: ignore[attr-defined,assignment]
    main.main()
