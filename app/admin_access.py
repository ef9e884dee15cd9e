"""Who is let in to administer, and how their requests are read."""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import Depends, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.requests import Request
from starlette.responses import Response

from app.core.ids import Author
from app.errors import InvalidRequest
from app.identity.administrators import Administrator
from app.services import services
from app.web.body import read_body
from app.web.errors import request_id
from app.web.headers import credentials
from app.web.numbers import parse_integer

LARGEST_BODY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """Somebody who was let in, and how the audit log calls them."""

    who: Administrator
    author: Author


async def reader(request: Request) -> AdminRequest:
    """Lets in who may read: the master key, and users with a role of administration."""
    who = await services(request).administrators.reader(credentials(request))
    return AdminRequest(who, who.author(request_id(request)))


async def changer(request: Request) -> AdminRequest:
    """Lets in who may change: the master key, and users with the role `proxy_admin`."""
    who = await services(request).administrators.changer(credentials(request))
    return AdminRequest(who, who.author(request_id(request)))


AdminRead = Annotated[AdminRequest, Depends(reader)]

AdminWrite = Annotated[AdminRequest, Depends(changer)]

DOCUMENTED_KEYS: Final = [
    Security(HTTPBearer(auto_error=False, description="The master key, or an administrator's.")),
    Security(APIKeyHeader(name="x-api-key", auto_error=False)),
]
"""For the OpenAPI document; `reader` and `changer` are what lets somebody in."""


class _ExactRequest(Request):
    """Its JSON keeps every digit of a number, and is not larger than allowed."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await read_body(self, LARGEST_BODY)
        return self._body

    async def json(self) -> Any:
        try:
            return json.loads(await self.body(), parse_float=Decimal, parse_int=parse_integer)
        except (RecursionError, UnicodeDecodeError) as error:
            raise InvalidRequest("The body is no JSON that can be read.") from error


class AdminRoute(APIRoute):
    """A route whose body is read with care, and as JSON whatever it is said to be: curl says that
    it is a form by default."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def exactly(request: Request) -> Response:
            # Nobody else's body is read.
            await reader(request)
            kept = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
            scope = {**request.scope, "headers": [*kept, (b"content-type", b"application/json")]}
            return await handle(_ExactRequest(scope, request.receive))

        return exactly
