"""Counting the tokens of a prompt. It costs nothing, so no budget and no spend log is touched."""

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from app.catalog.catalog import Catalog
from app.catalog.model import Target
from app.core import json_fields
from app.core.fairness import FairShare
from app.core.ids import Credentials
from app.core.json_fields import JsonObject
from app.errors import GatewayError, InvalidRequest, NotSupported, RateLimited
from app.formats.anthropic_bedrock import to_bedrock
from app.identity.authentication import Authenticator
from app.identity.policy import Caller, check_model
from app.inference.intake import Intake
from app.inference.request import ReadBody
from app.upstream.upstream import Call, UpstreamCounter

COUNTS_REMEMBERED: Final = 10_000

SHARE: Final = 2
"""One caller may have half of the counts that are made at the same time."""

WAIT_SECONDS: Final = 30

ADMISSION_SECONDS: Final = 5
"""How long the admission of a request waits for a count."""


@dataclass(frozen=True, slots=True)
class CountRequest:
    """A body to be read, of at most `body_bytes`."""

    credentials: Credentials
    read: ReadBody
    body_bytes: int


class TokenCounter:
    """Asks Bedrock, but not twice for the same: counts are remembered, and those who ask for one
    that is being made wait for it. Claude Code's `/context` asks for some 35 at once."""

    def __init__(
        self,
        authenticator: Authenticator,
        catalog: Catalog,
        intake: Intake,
        upstream: UpstreamCounter,
        *,
        at_once: int,
    ) -> None:
        self._authenticator = authenticator
        self._catalog = catalog
        self._intake = intake
        self._upstream = upstream
        self._places = FairShare(at_once, max(1, at_once // SHARE))
        self._known: OrderedDict[bytes, int] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[int]] = {}
        self._unable: set[str] = set()
        """Models of which Bedrock said so itself."""

    async def count_messages(self, request: CountRequest, betas: Sequence[str]) -> int:
        """Input tokens of a Messages request. Raises NotSupported and the other GatewayErrors."""
        caller = await self._authenticator.caller(request.credentials)
        return await self._counted(request, caller, partial(self._messages, caller, betas))

    async def count_bedrock(self, request: CountRequest, model_id: str) -> int:
        """Input tokens of an InvokeModel body, as Bedrock's CountTokens takes it."""
        caller = await self._authenticator.caller(request.credentials)
        target = self._catalog.resolve(model_id)
        check_model(caller, target)
        return await self._counted(
            request, caller, lambda body: (target, _invoke_body(json_fields.json_object(body)))
        )

    async def tokens(self, owner: str, target: Target, body: bytes) -> int | None:
        """Input tokens of an InvokeModel body; None where Bedrock does not count them soon."""
        try:
            async with asyncio.timeout(ADMISSION_SECONDS):
                return await self._count(owner, target, body)
        except (GatewayError, TimeoutError):
            return None

    async def _counted(
        self,
        request: CountRequest,
        caller: Caller,
        prepare: Callable[[bytes], tuple[Target, bytes]],
    ) -> int:
        with await self._intake.room(caller.owner, request.body_bytes) as room:
            body = await request.read()
            room.give_back(keep=len(body))
            target, encoded = await self._intake.read(caller.owner, body, partial(prepare, body))
            del body
            return await self._count(caller.owner, target, encoded)

    def _messages(self, caller: Caller, betas: Sequence[str], body: bytes) -> tuple[Target, bytes]:
        asked = json_fields.json_object(body)
        target = self._catalog.resolve(json_fields.text(asked.get("model"), "model"))
        check_model(caller, target)
        asked["max_tokens"] = _least_max_tokens(asked.get("thinking"))
        return target, json_fields.encoded(to_bedrock(asked, betas, target.model))

    async def _count(self, owner: str, target: Target, body: bytes) -> int:
        model = target.model
        if not model.capabilities.count_tokens or model.name in self._unable:
            raise _cannot(target)
        # Bedrock counts by the model itself: its inference profiles are refused.
        call = Call(model.bedrock_id, body)
        key = hashlib.sha256(call.bedrock_id.encode() + b"\0" + body).digest()
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(owner, key, call))
            asking.add_done_callback(lambda done: self._asked(key, done))
        try:
            return await asyncio.shield(asking)
        except NotSupported:
            self._unable.add(model.name)
            raise _cannot(target) from None

    async def _ask(self, owner: str, key: bytes, call: Call) -> int:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                place = await self._places.take(owner)
        except TimeoutError as error:
            raise RateLimited(
                "Too many token counts are being made. Send fewer at the same time; try again in a "
                "moment.",
                {"retry-after": "2"},
            ) from error
        with place:
            count = await self._upstream.count(call)
        self._known[key] = count
        if len(self._known) > COUNTS_REMEMBERED:
            self._known.popitem(last=False)
        return count

    def _asked(self, key: bytes, done: asyncio.Task[int]) -> None:
        del self._asking[key]
        if not done.cancelled():
            done.exception()  # those who wait have it; there may be none left


def _cannot(target: Target) -> NotSupported:
    return NotSupported(f"Bedrock does not count tokens for {target.model.name}.")


def _least_max_tokens(thinking: Any) -> int:
    """A count has no limit of its own, but the body needs one, above the thinking budget."""
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return budget + 1 if isinstance(budget, int) and budget > 0 else 1


def _invoke_body(asked: JsonObject) -> bytes:
    match asked:
        case {"input": {"invokeModel": {"body": str(encoded)}}}:
            try:
                return base64.b64decode(encoded, validate=True)
            except ValueError as error:
                raise InvalidRequest("input.invokeModel.body: must be base64") from error
        case _:
            raise InvalidRequest("input.invokeModel.body: must hold the body, as base64")
