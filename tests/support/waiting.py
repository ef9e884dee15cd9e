"""Waiting for what another process does."""

import asyncio
from collections.abc import Callable

import anyio

SECONDS = 30


async def until(holds: Callable[[], object]) -> None:
    """Return as soon as the condition holds; fail if it never does."""
    with anyio.fail_after(SECONDS):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - processes have no events
            await asyncio.sleep(0.02)
