"""Gateways that end, in order or not."""

import asyncio
import re
import time
from typing import Final

from tests.chaos.load import CUT_OFF, ERROR_EVENT, NO_CONNECTION
from tests.chaos.story import Place, Report, story
from tests.chaos.world import PACED, world
from tests.support.processes import GatewayProcess
from tests.support.waiting import until


async def killed(place: Place) -> Report:
    """One of two dies at any moment; what it held is settled by the other, at what was seen."""
    async with world(place, gateways=2) as w:
        async with w.under_load() as load:
            for _ in range(place.size.times):
                await load.answers(place.random.randrange(5, 30))
                victim = w.gateways.pop(place.random.randrange(2))
                await asyncio.to_thread(victim.kill)
                await w.start_gateway()
        return await w.report()


async def stopped(place: Place) -> Report:
    """One of two gets no more requests, then SIGTERM, as in a deployment: its answers end."""
    async with world(place, gateways=2) as w:
        took = 0.0
        async with w.under_load() as load:
            for _ in range(place.size.times):
                leaving = w.gateways.pop(0)
                await load.answers(2 * place.size.clients)
                began = time.monotonic()
                assert await asyncio.to_thread(leaving.stop) == 0
                took = max(took, time.monotonic() - began)
                await w.start_gateway()
        return await w.report(f"the longest end took {took:.1f} s")


async def out_of_time(place: Place) -> Report:
    """Answers that outlast the shutdown end before the kill, and are billed at what was held."""
    async with world(place, gateways=2, settings={"GATEWAY_SHUTDOWN_SECONDS": "0"}) as w:
        async with w.under_load() as load:
            w.emulator.scenario({"kind": "stall_mid_stream", "seconds": 1.5})
            await load.answers(place.size.clients)
            await until(lambda: _in_flight(w.gateways[0]) >= place.size.clients // 3)
            leaving = w.gateways.pop(0)
            began = time.monotonic()
            assert await asyncio.to_thread(leaving.stop) == 0
            took = time.monotonic() - began
            w.emulator.scenario(PACED)
        return await w.report(f"the end took {took:.1f} s")


def _in_flight(gateway: GatewayProcess) -> float:
    found = re.search(r"^gateway_requests_in_flight (\S+)$", gateway.metrics(), re.MULTILINE)
    assert found
    return float(found[1])


STORIES: Final = (
    story("kill", "a gateway of two is killed (`kill -9`)", killed, CUT_OFF, NO_CONNECTION),
    story("stop", "a gateway of two gets SIGTERM", stopped),
    story(
        "stop-late",
        "answers outlast the time after SIGTERM",
        out_of_time,
        ERROR_EVENT,
        "529",
        "503",
    ),
)
