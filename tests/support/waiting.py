"""Waiting for what another process does."""

import asyncio
import os
from collections.abc import Callable

import anyio

SECONDS = 30


def busy(seconds: float) -> float:
    """What takes so long on an idle machine, on this one: its load is how many others wait."""
    return seconds * (1 + os.getloadavg()[0] / (os.cpu_count() or 1))


async def until(holds: Callable[[], object], *, seconds: float = SECONDS) -> None:
    """Return as soon as the condition holds; fail if it does not within so many seconds."""
    with anyio.fail_after(seconds):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - processes have no events
            await asyncio.sleep(0.02)
