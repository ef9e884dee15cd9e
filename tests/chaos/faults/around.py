"""What stands around the gateway: its clock, its traces, who scrapes it."""

import socket
from contextlib import closing
from typing import Final
from urllib.parse import urlsplit

from tests.chaos.story import Place, Report, story
from tests.chaos.world import world
from tests.support.langfuse import langfuse_server

MINUTES, HOUR, DAY = 240, 3600, 86_400


async def clock_jumps(place: Place) -> Report:
    """Forward and back: by minutes, which AWS lets pass, by an hour, and by days."""
    shift, partial = place.directory / "shift", place.directory / "shift.new"
    async with world(
        place, module="tests.chaos.standins", settings={"CHAOS_SHIFT": str(shift)}
    ) as w:
        async with w.under_load() as load:
            for seconds in (MINUTES, -MINUTES, HOUR, -HOUR, 2 * DAY, -2 * DAY) * place.size.times:
                partial.write_text(str(seconds))
                partial.replace(shift)
                await load.answers(10)
            shift.unlink()
        return await w.report()


async def no_traces(place: Place) -> Report:
    """Langfuse hangs, then answers 500."""
    with langfuse_server() as langfuse:
        async with world(place, settings=langfuse.settings()) as w:
            async with w.under_load() as load:
                langfuse.go.clear()
                await load.answers(place.size.answers)
                langfuse.status = 500
                langfuse.go.set()
                await load.answers(place.size.answers)
            return await w.report()


async def nobody_scrapes(place: Place) -> Report:
    """VictoriaMetrics is gone in the middle of scrapes that it never reads."""
    async with world(place) as w:
        async with w.under_load() as load:
            address = urlsplit(w.gateways[0].internal_url)
            for _ in range(20 * place.size.times):
                with closing(socket.create_connection((address.hostname, address.port))) as scrape:
                    scrape.sendall(b"GET /metrics HTTP/1.1\r\nhost: gateway\r\n\r\n")
                    await load.answers(1)
        return await w.report()


STORIES: Final = (
    story("clock", "the clock jumps by minutes, an hour, two days", clock_jumps, "502"),
    story("langfuse", "Langfuse hangs, then fails", no_traces),
    story("scrapes", "scrapes of metrics hang, and end unread", nobody_scrapes),
)
