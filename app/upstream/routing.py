"""One retry, before the first byte: elsewhere when Bedrock is full, without what it refused."""

import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import orjson

from app.catalog.model import Target
from app.core import exact_json
from app.core.guardrail import Guardrail
from app.core.ids import KeyId
from app.core.json_fields import JsonObject
from app.core.time import Clock
from app.errors import (
    GatewayError,
    UpstreamDenied,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamThrottled,
)
from app.upstream.unsupported import UnsupportedParam, UnsupportedParams, omission_for, without
from app.upstream.upstream import AttemptWatcher, Call

RETRY_WITHIN_SECONDS: Final = 5
"""A call that took longer to fail is not made again: the client waits, and has retries too."""

PAUSE_SECONDS: Final = (0.1, 0.4)
"""Before the same profile is asked again; random, so that a crowd spreads out."""

AVOIDED_SECONDS: Final = 10
"""How long a throttled inference profile is tried last."""

PROFILES_REMEMBERED: Final = 1_000

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to make a call."""

    target: Target
    encoded: bytes
    """The body as JSON; its tree is many times as large and is not kept during the call."""
    key: KeyId
    guardrail: Guardrail | None = None
    untouchable: bool = False
    """The client speaks Bedrock's own language: nothing may be left out of the body."""

    @property
    def call(self) -> Call:
        return Call(self.target.profile.bedrock_id, self.encoded, self.guardrail)

    def changed(self, change: Callable[[JsonObject], JsonObject]) -> "Attempt":
        """With a changed body; the same object where `change` returns the body itself."""
        body: JsonObject = exact_json.loads(self.encoded)
        changed = change(body)
        return self if changed is body else replace(self, encoded=orjson.dumps(changed))


class Router:
    """Makes each call at most twice. The retry goes to the next profile of the same model, if the
    operator named any; a throttled profile is tried last for a while, and still tried when it is
    the only one."""

    def __init__(
        self,
        omissions: UnsupportedParams,
        clock: Clock,
        *,
        failover: tuple[str, ...],
        watcher: AttemptWatcher,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._omissions = omissions
        self._clock = clock
        self._failover = failover
        self._pause = pause
        self._watcher = watcher
        self._full: OrderedDict[str, float] = OrderedDict()

    async def make(
        self,
        wanted: Attempt,
        once: Callable[[Call], Awaitable[Result]],
        note: Callable[[Target, float, GatewayError | None], None],
    ) -> tuple[Result, Target]:
        """Returns what `once` returns, and the profile; `note` is called for each attempt with its
        start and its error. Raises GatewayError."""
        started = self._clock.monotonic()
        line = self._line(wanted.target)
        first = self._without_known(replace(wanted, target=line[0]))
        try:
            return await self._noted(first, once, note)
        except GatewayError as error:
            late = self._clock.monotonic() - started > RETRY_WITHIN_SECONDS
            omission = None if first.untouchable else omission_for(error)
            second = None if late else self._second(first, line, error, omission)
            if second is None:
                raise
            self._watcher.tried_again(error.code)
        if second.target is first.target and second.encoded is first.encoded:
            await self._pause(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - no secret
        made = await self._noted(second, once, note)
        if omission is not None:
            model = first.target.model.name
            if self._omissions.learn(model, omission, first.key):
                self._watcher.left_out(model)
        return made

    def dearest(self, target: Target) -> Target:
        """Of the profiles that may answer, the one with the highest price."""
        return max(self._line(target), key=lambda t: t.profile.factor)

    def _without_known(self, attempt: Attempt) -> Attempt:
        """Without what the model was seen to refuse."""
        model = attempt.target.model.name
        known = () if attempt.untouchable else self._omissions.known(model, attempt.key)
        if not known:
            return attempt

        def stripped(body: JsonObject) -> JsonObject:
            for omission in known:
                body = without(body, omission)
            return body

        return attempt.changed(stripped)

    async def _noted(
        self,
        attempt: Attempt,
        once: Callable[[Call], Awaitable[Result]],
        note: Callable[[Target, float, GatewayError | None], None],
    ) -> tuple[Result, Target]:
        began = self._clock.monotonic()
        try:
            result = await once(attempt.call)
        except GatewayError as error:
            note(attempt.target, began, error)
            raise
        note(attempt.target, began, None)
        return result, attempt.target

    def _line(self, target: Target) -> list[Target]:
        """The profile that was resolved, then those to fall back on; full ones last. A client that
        names a profile by its Bedrock id gets that one."""
        if not self._failover or target.asked == target.profile.bedrock_id:
            return [target]
        profiles = {profile.name: profile for profile in target.model.profiles}
        others = [profiles[n] for n in self._failover if n in profiles and n != target.profile.name]
        line = [target, *(replace(target, profile=profile) for profile in others)]
        now = self._clock.monotonic()
        return sorted(line, key=lambda t: self._full.get(t.profile.bedrock_id, 0) > now)

    def _second(
        self,
        first: Attempt,
        line: list[Target],
        error: GatewayError,
        omission: UnsupportedParam | None,
    ) -> Attempt | None:
        if omission is not None:
            second = first.changed(lambda body: without(body, omission))
            return None if second is first else second
        if error.maybe_billed or isinstance(error, UpstreamDenied):
            return None
        if isinstance(error, UpstreamThrottled | UpstreamOverloaded):
            self._avoid(first.target)
        elif not isinstance(error, UpstreamFailed):
            return None
        return replace(first, target=line[1] if len(line) > 1 else first.target)

    def _avoid(self, target: Target) -> None:
        until = self._clock.monotonic() + AVOIDED_SECONDS
        self._full[target.profile.bedrock_id] = until
        while len(self._full) > PROFILES_REMEMBERED:
            self._full.popitem(last=False)
