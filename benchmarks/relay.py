"""The floor of the stack: a relay that signs and passes on, and knows no key, budget or metric.

`python -m benchmarks.relay --port 4000 --bedrock http://127.0.0.1:9100`. Whatever the gateway
takes beyond this is the price of what it does.
"""

import argparse
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import uvicorn
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from yarl import URL

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1%3A0"
SIGNER = SigV4Auth(Credentials("AKIDOFTHERELAY", "secret-of-the-relay"), "bedrock", "us-east-1")


def relay(bedrock: str) -> FastAPI:
    """POST /v1/messages, whole and streamed."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            app.state.session = session
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/messages")
    async def messages(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        asked.pop("model")
        streamed = asked.pop("stream", False)
        action = "invoke-with-response-stream" if streamed else "invoke"
        url = f"{bedrock}/model/{MODEL}/{action}"
        body = orjson.dumps({**asked, "anthropic_version": "bedrock-2023-05-31"})
        signed = AWSRequest("POST", url, {"Content-Type": "application/json"}, body)
        SIGNER.add_auth(signed)
        session: aiohttp.ClientSession = request.app.state.session
        upstream = await session.post(
            URL(url, encoded=True), data=body, headers=dict(signed.headers.items())
        )
        if streamed:
            return StreamingResponse(_events(upstream), media_type="text/event-stream")
        return Response(await upstream.read(), upstream.status, media_type="application/json")

    return app


async def _events(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """All events of one read as one piece."""
    buffer = EventStreamBuffer()
    async with upstream:
        async for data in upstream.content.iter_any():
            buffer.add_data(data)
            events = [b64decode(orjson.loads(message.payload)["bytes"]) for message in buffer]
            if events:
                yield b"".join(
                    b"event: %b\ndata: %b\n\n" % (orjson.loads(event)["type"].encode(), event)
                    for event in events
                )


def main() -> None:
    parser = argparse.ArgumentParser(description="The bare relay.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bedrock", required=True)
    chosen = parser.parse_args()
    uvicorn.run(
        relay(chosen.bedrock),
        port=chosen.port,
        log_level="warning",
        loop="uvloop",
        http="httptools",
    )


if __name__ == "__main__":
    main()
