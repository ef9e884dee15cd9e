"""Bedrock, and the way to it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tests.chaos.faults.credentials import credentials
from tests.chaos.load import ERROR_EVENT
from tests.chaos.story import Place, Report, story
from tests.chaos.world import PACED, world

FAILED: Final = 10
"""So many requests are to meet a fault before it is mended."""


def misbehaving(
    *scenarios: Mapping[str, Any], **settings: str
) -> Callable[[Place], Awaitable[Report]]:
    """The emulator does that to every call for a while."""

    async def tell(place: Place) -> Report:
        async with world(place, settings=settings) as w:
            async with w.under_load() as load:
                for scenario in scenarios * place.size.times:
                    w.emulator.scenario(scenario)
                    await load.answers(FAILED)
                w.emulator.scenario(PACED)
            return await w.report()

    return tell


async def unreachable(place: Place) -> Report:
    """Connections to Bedrock are reset, and none is let in."""
    async with world(place) as w:
        async with w.under_load() as load:
            for _ in range(place.size.times):
                await asyncio.to_thread(w.bedrock.cut)
                await load.answers(FAILED, "502")
                w.bedrock.mend()
                await w.recovers()
        return await w.report()


async def unnamed(place: Place) -> Report:
    """The host's name cannot be resolved, from the start: later, open connections would hide it.
    The resolver is a stand-in; all above it is real."""
    fails = place.directory / "no-names"
    fails.touch()
    async with world(
        place,
        module="tests.chaos.standins",
        bedrock_host="bedrock.test",
        settings={"CHAOS_NO_NAMES": str(fails)},
    ) as w:
        async with w.under_load() as load:
            assert load.counted.keys() == {"502"}
            fails.unlink()
        return await w.report()


async def expired(place: Place) -> Report:
    """AWS takes the credentials no more, and their source fails for a while."""
    with credentials() as source:
        async with world(place, settings=source.settings()) as w:
            async with w.under_load() as load:
                source.working = False
                w.emulator.scenario({"kind": "error", "exception": "ExpiredTokenException"})
                await load.answers(place.size.clients, "502")
                source.working = True
                w.emulator.scenario(PACED)
            return await w.report(f"credentials were asked for {source.asked} times")


STALLS: Final = {
    "GATEWAY_BEDROCK_READ_TIMEOUT_SECONDS": "0.5",
    "GATEWAY_PING_INTERVAL_SECONDS": "0.2",
}

THROTTLED: Final = misbehaving({"kind": "throttle"}, {"kind": "unavailable"})
STALLED: Final = misbehaving({"kind": "stall"}, {"kind": "stall_mid_stream"}, **STALLS)
RESET: Final = misbehaving({"kind": "break_mid_stream"})
FAILING: Final = misbehaving(
    {"kind": "exception_first", "exception": "internalServerException"},
    {"kind": "exception_mid_stream"},
)
GARBAGE: Final = misbehaving({"kind": "garbage"}, {"kind": "garbage", "after": 2})
LYING: Final = misbehaving(
    *({"kind": "lie", "about": about} for about in ("missing", "shrinking", "negative", "absurd"))
)

STORIES: Final = (
    story(
        "bedrock-throttles",
        "Bedrock throttles, then has no capacity",
        THROTTLED,
        "429",
        "529",
        "503",
    ),
    story("bedrock-stalls", "Bedrock falls silent", STALLED, "504", ERROR_EVENT),
    story("bedrock-resets", "Bedrock breaks off", RESET, "502", ERROR_EVENT),
    story(
        "bedrock-fails",
        "Bedrock fails at the start, and in the middle",
        FAILING,
        "502",
        ERROR_EVENT,
    ),
    story("bedrock-garbles", "Bedrock sends bytes that are no answer", GARBAGE, "502", ERROR_EVENT),
    story(
        "bedrock-lies",
        "Bedrock's usage is missing, shrinks, is negative, is absurd",
        LYING,
    ),
    story(
        "bedrock-unreachable", "connections to Bedrock are reset", unreachable, "502", ERROR_EVENT
    ),
    story("bedrock-unnamed", "Bedrock's name cannot be resolved", unnamed, "502", ERROR_EVENT),
    story("credentials", "AWS credentials expire, and their source fails", expired, "502"),
)
