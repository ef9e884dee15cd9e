"""Reads request bodies, so that no caller's delay another's.

Bodies of all callers together hold a bounded number of bytes, and each caller a share of them. What
takes long to read as JSON is read in a thread, one at a time, and a caller who sends one after the
other waits between them (ADR 39).
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from app.core.fairness import FairShare, Taken
from app.errors import RateLimited, RequestTooLarge

SHARE: Final = 4
"""One caller may have a quarter of the bytes in flight."""

WAIT_SECONDS: Final = 30
"""For room; a client waits about as long for a slow answer."""

MOST_VALUES: Final = 250_000
"""JSON values of a body. A conversation of a million tokens has some ten thousands."""

SMALL_BYTES: Final = 256_000
"""Such a body is read within some 20 ms, whatever it holds."""

MEDIUM_BYTES: Final = 1_000_000

FEW_VALUES: Final = 10_000
"""So many are read within a few milliseconds."""

REST: Final = 3
"""A caller rests this many times as long as their last large body took."""

CALLERS_REMEMBERED: Final = 1_000

_STRUCTURE: Final = b'",[{'

_OTHER: Final = bytes(byte for byte in range(256) if byte not in _STRUCTURE)

Result = TypeVar("Result")


class Intake:
    """Room for bodies, and turns to read large ones."""

    def __init__(self, most_bytes: int, monotonic: Callable[[], float]) -> None:
        """`most_bytes` of bodies may be in flight."""
        self._room = FairShare(most_bytes, most_bytes // SHARE)
        self._monotonic = monotonic
        self._turn = asyncio.Semaphore(1)
        self._alone = FairShare(CALLERS_REMEMBERED, 1)
        self._rests: dict[str, float] = {}

    @property
    def bytes_in_flight(self) -> int:
        return self._room.taken

    async def room(self, owner: str, size: int) -> Taken:
        """Room for a body of `size` bytes. Raises RateLimited when there is none for long."""
        if (taken := self._room.take_now(owner, size)) is not None:
            return taken
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await self._room.take(owner, size)
        except TimeoutError as error:
            raise RateLimited(
                "Too many bytes of other requests are being processed. Send fewer large requests "
                "at the same time; try again in a moment.",
                {"retry-after": "2"},
            ) from error

    async def read(self, owner: str, body: bytes, work: Callable[[], Result]) -> Result:
        """The result of `work`, which reads `body`. Raises what it raises, and RequestTooLarge."""
        size = len(body)
        if size <= SMALL_BYTES or (size <= MEDIUM_BYTES and _bound(body) <= FEW_VALUES):
            return work()
        with await self._alone.take(owner):
            await asyncio.sleep(self._rests.pop(owner, 0) - self._monotonic())
            async with self._turn:
                began = self._monotonic()
                try:
                    return await asyncio.to_thread(_checked, body, work)
                finally:
                    now = self._monotonic()
                    self._rest(owner, now + REST * (now - began))

    def _rest(self, owner: str, until: float) -> None:
        if len(self._rests) >= CALLERS_REMEMBERED:
            del self._rests[next(iter(self._rests))]
        self._rests[owner] = until


def _checked(body: bytes, work: Callable[[], Result]) -> Result:
    if _bound(body) > MOST_VALUES and count_values(body) > MOST_VALUES:
        raise RequestTooLarge(
            f"The body holds more than {MOST_VALUES:,} JSON values, the most that is taken."
        )
    return work()


def _bound(body: bytes) -> int:
    """No fewer than the body's values, keys among them: what stands in texts counts as well."""
    return body.count(b",") + body.count(b"[") + body.count(b"{") + body.count(b'"') // 2


def count_values(body: bytes) -> int:
    """About the JSON values of a body, keys among them: its texts, and what stands between them."""
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    texts = plain.count(b'"') // 2
    if texts > MOST_VALUES:
        return texts
    between = plain.translate(None, _OTHER).split(b'"')[::2]
    return texts + sum(map(len, between))
