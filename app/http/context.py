"""The outermost layer: names each request, and lets no failure out unnamed."""

import logging
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.paths import speaks_bedrock

log = logging.getLogger(__name__)


class RequestContext:
    """Pure ASGI. Puts `request_id` into the scope and `request-id` on the response; for clients
    of Bedrock also under the name that they know."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{token_hex(12)}"
        scope["request_id"] = request_id
        named = [(b"request-id", request_id.encode())]
        if speaks_bedrock(scope["path"]):
            named.append((b"x-amzn-requestid", request_id.encode()))

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *named]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception:
            log.exception("a request failed unexpectedly", extra={"request_id": request_id})
            raise
