"""Clients that ask without a pause, and what each of their requests came to."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from tests.support.waiting import until

ANSWERED: Final = "answered"
ERROR_EVENT: Final = "error event"
"""A stream that began, and says itself that it ends too early."""
CUT_OFF: Final = "cut off"
"""The connection broke before the answer's end."""
NO_CONNECTION: Final = "no connection"
TOO_LATE: Final = "no answer"

PATIENCE_SECONDS: Final = 30
PAUSE_SECONDS: Final = 0.05
"""After a refusal; clients that do not pause are not what is tested."""
FEWEST_TOKENS, MOST_TOKENS = 10, 160

MESSAGES, CHAT = "/v1/messages", "/v1/chat/completions"
LAST: Final = {MESSAGES: '"message_stop"', CHAT: "data: [DONE]"}
ERROR: Final = {MESSAGES: "event: error", CHAT: 'data: {"error"'}


@dataclass(frozen=True, slots=True)
class Sight:
    """How one request went: `what` is one of the words above, or a status."""

    what: str
    seconds: float
    ended: float
    """On the monotonic clock."""


@dataclass
class Load:
    """`addresses` are asked for anew at each request, as a load balancer's targets change."""

    addresses: Callable[[], Sequence[str]]
    keys: Sequence[str]
    random: Random
    sights: list[Sight] = field(default_factory=list)
    stopping: bool = False

    @property
    def counted(self) -> Counter[str]:
        return Counter(sight.what for sight in self.sights)

    async def answers(self, count: int, what: str | None = None) -> None:
        """Wait for so many more, of any kind or of one."""

        def seen() -> int:
            return len(self.sights) if what is None else self.counted[what]

        wanted = seen() + count
        await until(lambda: seen() >= wanted)

    async def well(self, count: int) -> float:
        """Wait until so many in a row were answered; when the last that was not had ended."""
        first = len(self.sights)
        await until(
            lambda: (
                len(self.sights) >= first + count
                and all(sight.what == ANSWERED for sight in self.sights[-count:])
            )
        )
        return max((s.ended for s in self.sights if s.what != ANSWERED), default=0)

    async def client(self, http: httpx.AsyncClient) -> None:
        """Ask, read the whole answer, ask again."""
        while not self.stopping:
            began = time.monotonic()
            what = await self._ask(http)
            ended = time.monotonic()
            self.sights.append(Sight(what, ended - began, ended))
            if what != ANSWERED:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, http: httpx.AsyncClient) -> str:
        path = self.random.choice([MESSAGES, CHAT])
        body = question(self.random.randint(FEWEST_TOKENS, MOST_TOKENS), self.random)
        url = self.random.choice(self.addresses()) + path
        headers = {"authorization": f"Bearer {self.random.choice(self.keys)}"}
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await http.post(url, json=body, headers=headers)
        except httpx.ConnectError:
            return NO_CONNECTION
        except TimeoutError:
            return TOO_LATE
        except httpx.TransportError:
            return CUT_OFF
        if answer.status_code != 200:
            return str(answer.status_code)
        if not body["stream"] or LAST[path] in answer.text[-60:]:
            return ANSWERED
        return ERROR_EVENT if ERROR[path] in answer.text else CUT_OFF


def question(tokens: int, random: Random) -> dict[str, Any]:
    """That many tokens are wanted, streamed or whole."""
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 4000,
        "stream": random.random() < 0.5,
        "messages": [{"role": "user", "content": f"[[tokens={tokens}]]"}],
    }


@asynccontextmanager
async def running(load: Load, clients: int) -> AsyncIterator[Load]:
    """So many clients at work; at the end each has its last answer."""
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=None, limits=limits, trust_env=False) as http:
        asking = [asyncio.create_task(load.client(http)) for _ in range(clients)]
        try:
            yield load
        finally:
            load.stopping = True
            await asyncio.gather(*asking)
