"""Gateways, their database and their Bedrock under load, and relays where something is to break."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from tests.chaos.account import audit
from tests.chaos.load import Load, running
from tests.chaos.relay import Relay, relay_to
from tests.chaos.story import Place, Report
from tests.support.processes import EmulatorProcess, GatewayProcess, gateway_process
from tests.support.stack import Queries
from tests.support.waiting import until

QUICK: Final = {
    "GATEWAY_DATABASE_TIMEOUT_SECONDS": "0.5",
    "GATEWAY_INSTANCE_TIMEOUT_SECONDS": "2",
    "GATEWAY_GLOBAL_MAX_BUDGET": "1000",
}
"""A gateway that gives up soon, so that a story is short."""

NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})

PACED: Final = {"kind": "slow", "seconds": 0.003}
"""Answers last long enough to be in the middle of something."""


@dataclass
class World:
    """`gateways` are those that a load balancer would send requests to."""

    place: Place
    database_url: str
    """The database itself, past the relay."""
    emulator: EmulatorProcess
    database: Relay
    bedrock: Relay
    settings: Mapping[str, str]
    module: str
    bedrock_host: str
    stack: ExitStack
    gateways: list[GatewayProcess] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    load: Load | None = None
    healthy_seconds: float = 0

    @property
    def queries(self) -> Queries:
        return Queries(self.database_url)

    async def start_gateway(self, **settings: str) -> GatewayProcess:
        """One more, to which requests go as soon as it serves."""
        gateway = await asyncio.to_thread(
            self.stack.enter_context,
            gateway_process(
                _by_way_of(self.database, self.place.database_url),
                f"http://{self.bedrock_host}:{self.bedrock.port}",
                self.place.directory,
                {**self.settings, **settings},
                module=self.module,
            ),
        )
        self.gateways.append(gateway)
        return gateway

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[Load]:
        """What is done inside is done to a gateway at work; it has to recover by itself after."""
        size = self.place.size
        load = self.load = Load(
            lambda: [gateway.public_url for gateway in self.gateways], self.keys, self.place.random
        )
        async with running(load, size.clients):
            await load.answers(size.answers)
            yield load
            await self.recovers()

    async def recovers(self) -> None:
        """What was broken has just been mended: wait until clients notice nothing of it."""
        assert self.load is not None
        mended = time.monotonic()
        last_failure = await self.load.well(self.place.size.answers)
        self.healthy_seconds = max(self.healthy_seconds, last_failure - mended)

    async def report(self, *notes: str) -> Report:
        """Once nothing is under way any more."""
        assert self.load is not None
        ended = time.monotonic()
        await until(self._at_rest)
        sights = self.load.sights
        return Report(
            seen=dict(self.load.counted),
            longest_seconds=max(sight.seconds for sight in sights),
            healthy_seconds=self.healthy_seconds,
            booked_seconds=time.monotonic() - ended,
            account=audit(self.queries, self.emulator.usage()),
            notes=notes,
        )

    def _at_rest(self) -> bool:
        spooled = list((self.place.directory / "spool").glob("*.json"))
        return not (spooled or self.queries.reservations())

    def new_keys(self) -> None:
        """One with a budget of its own and a limit, one of a user with a budget, one without."""
        gateway = self.gateways[0]
        user = str(gateway.admin("POST", "/user/new", max_budget=80)["user_id"])
        kinds: tuple[dict[str, Any], ...] = (
            {"max_budget": 50, "budget_duration": "1d", "max_parallel_requests": 500},
            {"user_id": user, "max_budget": 40},
            {},
        )
        self.keys = [gateway.new_key(**kind) for kind in kinds]


@asynccontextmanager
async def world(
    place: Place,
    *,
    gateways: int = 1,
    module: str = "app.main",
    bedrock_host: str = "127.0.0.1",
    settings: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[World]:
    """Everything freshly started; `settings` are environment variables of the gateways."""
    with ExitStack() as stack:
        place.emulator.forget_usage()
        place.emulator.scenario(PACED)
        found = World(
            place,
            place.database_url,
            place.emulator,
            stack.enter_context(relay_to(_port(place.database_url))),
            stack.enter_context(relay_to(_port(place.emulator.url))),
            {**QUICK, **settings},
            module,
            bedrock_host,
            stack,
        )
        for _ in range(gateways):
            await found.start_gateway()
        found.new_keys()
        yield found


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def _by_way_of(relay: Relay, url: str) -> str:
    return url.replace(f":{_port(url)}/", f":{relay.port}/")
