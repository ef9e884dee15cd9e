from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.local.emulator import RunningEmulator, running_emulator
from tests.unit.local.emulator.client import Client


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


@pytest.fixture
async def client(emulator: RunningEmulator) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(emulator, http)
