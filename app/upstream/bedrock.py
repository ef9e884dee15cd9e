"""Amazon's event stream as Anthropic events."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from io import BytesIO
from typing import Final
from urllib.parse import quote

import aiohttp
import orjson
from botocore.credentials import ReadOnlyCredentials
from yarl import URL

from app.core.text import repaired
from app.errors import (
    GatewayError,
    NotSupported,
    UpstreamBroke,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from app.upstream.aws import Signer, SigningCredentials
from app.upstream.errors import kind, refusal, upstream_error
from app.upstream.eventstream_reader import Message, MessageReader
from app.upstream.upstream import Call, Completion


class FrameReader:
    """Takes bytes as received, and returns complete events.

    After a frame that is an exception, or that is no frame at all, `failure` says which error the
    stream has ended with; events before it are still given back.
    """

    def __init__(self) -> None:
        self._messages = MessageReader()
        self.failure: GatewayError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The events, each Anthropic's JSON, that `data` completes."""
        events: list[bytes] = []
        try:
            for message in self._messages.feed(data):
                if (event := self._event(message)) is not None:
                    events.append(event)  # noqa: PERF401 - those before a broken one stay
        except (ValueError, KeyError, TypeError) as error:
            self.failure = UpstreamBroke("Bedrock's answer could not be read.")
            self.failure.__cause__ = error
        return events

    def _event(self, message: Message) -> bytes | None:
        """The event of a frame, if it is one."""
        headers = message.headers
        if headers.get(":message-type") == "event":
            if headers.get(":event-type") != "chunk":
                return None
            return binascii.a2b_base64(orjson.loads(message.payload)["bytes"])
        name = headers.get(":exception-type") or headers.get(":error-code") or "unknown"
        self.failure = upstream_error(name, _message(message.payload))
        return None


def _message(payload: bytes) -> str:
    try:
        return str(orjson.loads(payload).get("message", ""))
    except (ValueError, AttributeError):
        return ""


FREE_CONNECTION_SECONDS: Final = 30
"""How long a call waits for a place when as many as allowed are under way."""

END_SECONDS: Final = 1
"""How long the end of a response is waited for, so that its connection can be used again."""

LAST_EVENT: Final = b'{"type":"message_stop"'

KEEPALIVE_SECONDS: Final = 30

WRITTEN_AT_ONCE_BYTES: Final = 256 * 1024

UNREACHABLE = "Bedrock cannot be reached; try again in a moment."

LOST = "The connection to Bedrock was lost; try again."

SLOW = "Bedrock did not answer in time; try again."

STALE_CREDENTIALS: Final = frozenset(
    {"ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"}
)
"""Errors that other credentials may fix: they are reloaded, once."""

CANNOT_COUNT = "support counting tokens"
"""Bedrock's error for a model whose tokens it does not count."""


class BedrockClient:
    """Implements the ports Upstream and UpstreamCounter.

    Makes each call once: retrying is the service's business.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: SigningCredentials,
        *,
        endpoint: str,
        region: str,
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._endpoint = endpoint.rstrip("/")
        self._signer = Signer(region)

    async def invoke(self, call: Call) -> Completion:
        response = await self._post(call, "invoke", {"Accept": "application/json"})
        try:
            body = await response.read()
        except TimeoutError as error:
            raise UpstreamTimeout(SLOW) from error
        except aiohttp.ClientError as error:
            raise UpstreamBroke(LOST) from error
        return Completion(
            repaired(body), response.headers.get("x-amzn-requestid"), response.headers
        )

    async def stream(self, call: Call) -> "BedrockStream":
        response = await self._post(
            call,
            "invoke-with-response-stream",
            {"X-Amzn-Bedrock-Accept": "application/json"},
        )
        return BedrockStream(response)

    async def count(self, call: Call) -> int:
        wrapped = {"input": {"invokeModel": {"body": base64.b64encode(call.body).decode()}}}
        asked = Call(call.bedrock_id, orjson.dumps(wrapped))
        try:
            response = await self._post(asked, "count-tokens", {"Accept": "application/json"})
        except UpstreamRejected as error:
            if CANNOT_COUNT in error.message:
                raise NotSupported(error.message) from error
            raise
        try:
            return int(orjson.loads(await response.read())["inputTokens"])
        except TimeoutError as error:
            raise UpstreamTimeout(SLOW) from error
        except (aiohttp.ClientError, ValueError, KeyError, TypeError) as error:
            raise UpstreamFailed("Bedrock's count of tokens cannot be read.") from error

    async def _post(
        self, call: Call, action: str, accept: dict[str, str]
    ) -> aiohttp.ClientResponse:
        """A response with status 200. Raises GatewayError for any other."""
        url = _url(self._endpoint, call.bedrock_id, action)
        headers = {"Content-Type": "application/json", **accept, **_guardrail(call)}
        credentials = await self._credentials.frozen()
        response = await self._signed(url, headers, call.body, credentials)
        if response.status == 403 and kind(response) in STALE_CREDENTIALS:
            if not await self._renewed(credentials, response):
                raise await refusal(response, guarded=call.guardrail is not None)
            response.release()
            credentials = await self._credentials.frozen()
            response = await self._signed(url, headers, call.body, credentials)
        if response.status != 200:
            raise await refusal(response, guarded=call.guardrail is not None)
        return response

    async def _renewed(
        self, refused: ReadOnlyCredentials, response: aiohttp.ClientResponse
    ) -> bool:
        """Whether there are other credentials; where asking fails, the connection is given back."""
        try:
            return await self._credentials.renew(refused)
        except BaseException:
            response.release()
            raise

    async def _signed(
        self, url: URL, headers: dict[str, str], body: bytes, credentials: ReadOnlyCredentials
    ) -> aiohttp.ClientResponse:
        signed = self._signer.sign(
            url.host_port_subcomponent or "", url.raw_path, headers, body, credentials
        )
        try:
            return await self._session.post(
                url, data=_data(body), headers=signed, allow_redirects=False
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise UpstreamFailed(UNREACHABLE) from error
        except TimeoutError as error:
            raise UpstreamTimeout(SLOW) from error
        except aiohttp.ClientError as error:
            raise UpstreamBroke(LOST) from error


@lru_cache(maxsize=256)
def _url(endpoint: str, bedrock_id: str, action: str) -> URL:
    return URL(f"{endpoint}/model/{quote(bedrock_id, safe='')}/{action}", encoded=True)


def _data(body: bytes) -> bytes | BytesIO:
    """A large body is written piece by piece, so that other responses continue meanwhile."""
    return body if len(body) <= WRITTEN_AT_ONCE_BYTES else BytesIO(body)


class BedrockStream:
    """Implements the port UpstreamStream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._reader = FrameReader()
        self._complete = False

    @property
    def upstream_request_id(self) -> str | None:
        return self._response.headers.get("x-amzn-requestid")

    async def read(self) -> list[bytes]:
        while self._reader.failure is None:
            try:
                data = await self._response.content.readany()
            except TimeoutError as error:
                raise UpstreamTimeout(SLOW) from error
            except aiohttp.ClientError as error:
                raise UpstreamBroke(LOST) from error
            if not data:
                return []
            if events := self._reader.feed(data):
                self._complete = events[-1].startswith(LAST_EVENT)
                return events
        raise self._reader.failure

    async def close(self) -> None:
        if self._complete:
            await self._read_end()
        self._response.close()

    async def _read_end(self) -> None:
        """A response that is read to its end gives its connection back to the pool."""
        try:
            async with asyncio.timeout(END_SECONDS):
                while await self._response.content.readany():
                    pass
        except (TimeoutError, aiohttp.ClientError):
            return


def _guardrail(call: Call) -> dict[str, str]:
    if call.guardrail is None:
        return {}
    return {
        "X-Amzn-Bedrock-GuardrailIdentifier": call.guardrail.id,
        "X-Amzn-Bedrock-GuardrailVersion": call.guardrail.version,
        # The trace tells what the guardrail went through, which is billed.
        "X-Amzn-Bedrock-Trace": "ENABLED",
    }


@asynccontextmanager
async def open_bedrock(
    *,
    endpoint: str,
    region: str,
    connect_timeout_seconds: float,
    read_timeout_seconds: float,
    max_connections: int,
    credentials: SigningCredentials,
) -> AsyncIterator[BedrockClient]:
    """A client with a connection pool of its own."""
    connector = aiohttp.TCPConnector(limit=max_connections, keepalive_timeout=KEEPALIVE_SECONDS)
    timeout = aiohttp.ClientTimeout(
        total=None,
        connect=connect_timeout_seconds + FREE_CONNECTION_SECONDS,
        sock_connect=connect_timeout_seconds,
        sock_read=read_timeout_seconds,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent",),
        headers={"Accept-Encoding": "identity"},
    ) as session:
        yield BedrockClient(session, credentials, endpoint=endpoint, region=region)
