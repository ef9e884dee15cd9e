"""Counting the tokens of a prompt. It costs nothing, so no budget and no spend log is touched."""

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from app.catalog.loader import Catalog
from app.domain.keys import Credentials
from app.domain.models import Target
from app.errors import InvalidRequest, NotSupported
from app.ports import Call, UpstreamCounter
from app.service.authentication import Authenticator
from app.service.permission import check_model
from app.service.request import ReadBody
from app.translate import shape
from app.translate.anthropic_bedrock import to_bedrock
from app.wire.anthropic import JsonObject

COUNTS_REMEMBERED: Final = 10_000


class TokenCounter:
    """Asks Bedrock, but not twice for the same: counts are remembered, and those who ask for one
    that is being made wait for it. Claude Code's `/context` asks for some 35 at once."""

    def __init__(
        self,
        authenticator: Authenticator,
        catalog: Catalog,
        upstream: UpstreamCounter,
        *,
        at_once: int,
    ) -> None:
        self._authenticator = authenticator
        self._catalog = catalog
        self._upstream = upstream
        self._turns = asyncio.Semaphore(at_once)
        self._known: OrderedDict[bytes, int] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[int]] = {}
        self._unable: set[str] = set()
        """Models of which Bedrock said so itself."""

    async def count_messages(
        self, credentials: Credentials, betas: Sequence[str], read: ReadBody
    ) -> int:
        """Input tokens of a Messages request. Raises NotSupported and the other GatewayErrors."""
        caller = await self._authenticator.caller(credentials)
        asked = shape.json_object(await read())
        target = self._catalog.resolve(shape.text(asked.get("model"), "model"))
        check_model(caller, target)
        asked["max_tokens"] = _least_max_tokens(asked.get("thinking"))
        return await self._count(target, shape.encoded(to_bedrock(asked, betas, target.model)))

    async def count_bedrock(self, credentials: Credentials, model_id: str, read: ReadBody) -> int:
        """Input tokens of an InvokeModel body, as Bedrock's CountTokens takes it."""
        caller = await self._authenticator.caller(credentials)
        target = self._catalog.resolve(model_id)
        check_model(caller, target)
        return await self._count(target, _invoke_body(shape.json_object(await read())))

    async def _count(self, target: Target, body: bytes) -> int:
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
            asking = self._asking[key] = asyncio.create_task(self._ask(key, call))
            asking.add_done_callback(lambda done: self._asked(key, done))
        try:
            return await asyncio.shield(asking)
        except NotSupported:
            self._unable.add(model.name)
            raise _cannot(target) from None

    async def _ask(self, key: bytes, call: Call) -> int:
        async with self._turns:
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
