"""What goes wrong in the middle of an answer, and how long."""

import asyncio
import socket
import struct

from aiohttp import web

from app.local.emulator.frames import exception
from app.local.emulator.scenarios import (
    BreakMidStream,
    ExceptionMidStream,
    Garbage,
    Scenario,
    Slow,
    StallMidStream,
)

GARBAGE = b"\x00\x00\x00\x20these bytes are no frame of an event stream"


async def disturb(request: web.BaseRequest, scenario: Scenario, deltas: int) -> bytes | None:
    """What happens before the next delta; bytes are the last that are sent."""
    match scenario:
        case Slow() if deltas:
            await asyncio.sleep(scenario.seconds)
        case StallMidStream() if deltas == scenario.after:
            await pause(scenario.seconds)
        case BreakMidStream() if deltas == scenario.after:
            await reset(request)
        case ExceptionMidStream() if deltas == scenario.after:
            return exception(scenario.exception)
        case Garbage() if deltas == scenario.after:
            return GARBAGE
        case _:
            pass
    return None


async def pause(seconds: float | None) -> None:
    """Waits so long, or until the call is cancelled."""
    if seconds is None:
        await asyncio.Event().wait()
    else:
        await asyncio.sleep(seconds)


async def reset(request: web.BaseRequest) -> None:
    """Closes the connection with a TCP reset; the loss of it then cancels this call."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    await asyncio.Event().wait()
