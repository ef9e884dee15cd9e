"""Against guessing: how often an address may send keys that nobody has.

A key is 128 random bits, so this is not what keeps it from being guessed. It keeps those who try
from the database, and it says who they are. Nobody else behind the same address is locked out: keys
that were looked up lately are not looked up again, and all others from there are looked up
together, a few times a second.
"""

import ipaddress
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

ADDRESSES_REMEMBERED: Final = 10_000

NETWORK_V6: Final = 64
"""Bits. A client that has one address of such a network has all of them."""

WARN_SECONDS: Final = 60


def network(address: str) -> str:
    """Whom an address stands for: itself, or its network where addresses are not scarce."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network(f"{address}/{NETWORK_V6}", strict=False))
    except ValueError:
        return address


@dataclass(slots=True)
class _Bucket:
    """How many unknown keys may still come, when that was so, and when it was last warned of; in
    seconds."""

    left: float
    at: float
    warned: float = -math.inf


class FailedAuthLimiter:
    """Limits unknown keys by source address: a number per minute, and as many in a burst.

    Those who were quiet for longest are forgotten first, when there are too many addresses.
    """

    def __init__(self, per_minute: int, monotonic: Callable[[], float]) -> None:
        """`per_minute` 0: as many as anybody likes."""
        self._per_minute = per_minute
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def exhausted(self, address: str) -> bool:
        """Whether keys from there are to wait for their turn."""
        bucket = self._buckets.get(network(address))
        return bucket is not None and self._left(bucket) < 1

    def note(self, address: str) -> None:
        """A key from there was unknown."""
        if not self._per_minute:
            return
        name, now = network(address), self._monotonic()
        bucket = self._buckets.pop(name, None) or _Bucket(self._per_minute, now)
        left, warned = max(0, self._left(bucket) - 1), bucket.warned
        if left < 1 and now - warned >= WARN_SECONDS:
            log.warning("many unknown keys from one address", extra={"address": name})
            warned = now
        self._buckets[name] = _Bucket(left, now, warned)
        if len(self._buckets) > ADDRESSES_REMEMBERED:
            self._buckets.popitem(last=False)

    @property
    def wait_seconds(self) -> int:
        """Until an address that has used up all may send one more."""
        return math.ceil(60 / self._per_minute)

    def _left(self, bucket: _Bucket) -> float:
        gained = (self._monotonic() - bucket.at) * self._per_minute / 60
        return min(self._per_minute, bucket.left + gained)
