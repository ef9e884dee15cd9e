"""How an emulator is started."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

from app.local.emulator.scenarios import OnDisconnect


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """The credentials are no secrets: they open nothing but the emulator."""

    access_key: str = "AKIDLOCALEMULATOR"
    secret_key: str = "local-emulator-secret-key"  # noqa: S105
    session_token: str | None = None
    bearer_token: str = "local-emulator-bearer-token"  # noqa: S105
    region: str | None = None
    """The only region that calls may be signed for; None takes any."""
    on_disconnect: OnDisconnect = "stop"
    tokens_per_delta: int = 4
    now: Callable[[], datetime] = field(default=_now)
    """The clock that signatures are checked by."""
    monotonic: Callable[[], float] = field(default=time.monotonic)
    """The clock that the prompt cache goes by."""


class OptionChanges(TypedDict, total=False):
    """The fields of `EmulatorOptions`, as keyword arguments."""

    access_key: str
    secret_key: str
    session_token: str | None
    bearer_token: str
    region: str | None
    on_disconnect: OnDisconnect
    tokens_per_delta: int
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
