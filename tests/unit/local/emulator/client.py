"""A small client of the emulator: signs with botocore, decodes with botocore."""

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from yarl import URL

from app.local.emulator import RunningEmulator

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OPUS = "us.anthropic.claude-opus-4-8"


def body(text: str = "Hello", **changes: Any) -> dict[str, Any]:
    """A valid body with the fields in `changes` replaced, or left out where they are `...`."""
    whole = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": text}],
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not ...}


def signed_headers(
    url: str,
    data: bytes,
    *,
    access_key: str,
    secret_key: str,
    token: str | None = None,
    region: str = "us-east-1",
    service: str = "bedrock",
) -> dict[str, str]:
    request = AWSRequest(
        "POST", url, headers={"content-type": "application/json", "x-amzn-note": "a  b"}, data=data
    )
    SigV4Auth(Credentials(access_key, secret_key, token), service, region).add_auth(request)
    return dict(request.headers)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> tuple[int, str, str]:
        return self.status, self.headers["x-amzn-errortype"], self.json()["message"]


@dataclass(frozen=True, slots=True)
class Client:
    emulator: RunningEmulator
    http: aiohttp.ClientSession

    def request(self, path: str, document: object) -> "aiohttp.client._RequestContextManager":
        """A signed call that is not yet sent."""
        url = self.emulator.url + path
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = signed_headers(
            url,
            data,
            access_key=self.emulator.access_key,
            secret_key=self.emulator.secret_key,
        )
        return self.http.post(URL(url, encoded=True), data=BytesIO(data), headers=headers)

    async def post(self, path: str, document: object) -> Reply:
        async with self.request(path, document) as response:
            return Reply(response.status, response.headers, await response.read())

    async def invoke(self, document: object, model: str = HAIKU) -> Reply:
        return await self.post(f"/model/{model}/invoke", document)

    async def stream(self, document: object, model: str = HAIKU) -> Sequence[dict[str, Any]]:
        """The model's events."""
        reply = await self.post(f"/model/{model}/invoke-with-response-stream", document)
        assert reply.status == 200, reply.raw
        return events(reply.raw)


def frames(raw: bytes) -> list[Any]:
    """Messages of an event stream; botocore checks both checksums."""
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    return list(buffer)


def events(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(b64decode(json.loads(m.payload)["bytes"])) for m in frames(raw)]


def text_of(stream: Sequence[Mapping[str, Any]]) -> str:
    return "".join(e["delta"].get("text", "") for e in stream if "delta" in e)
