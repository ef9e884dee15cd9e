"""Waiting for what another process does."""

import asyncio
from collections.abc import Callable

import anyio

SECONDS = 30


async def until(holds: Callable[[], object], *, seconds: float = SECONDS) -> None:
    """Return as soon as the condition holds; fail if it does not within so many seconds."""
    with anyio.fail_after(seconds):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - processes have no events
            await asyncio.sleep(0.02)
