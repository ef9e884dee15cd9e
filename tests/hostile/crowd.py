"""Many requests at once, in every API and of every kind of content."""

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from tests.support.processes import GatewayProcess
from tests.support.stack import Stack

Body = dict[str, Any]

HAIKU, SONNET, OPUS = "claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-5-5"
HAIKU_OUTPUT, SONNET_OUTPUT, OPUS_OUTPUT = (
    Decimal(usd) for usd in ("0.0000055", "0.0000165", "0.000022")
)
"""USD per output token in the us profile."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: where to, and what."""

    path: str
    body: Body


def text(number: int, tokens: int, **fields: Any) -> Body:
    """Answered with so many tokens."""
    content = [{"type": "text", "text": f"{number} [[tokens={tokens}]]"}]
    return message(content, tokens, **fields)


def message(content: Any, max_tokens: int, **fields: Any) -> Body:
    return {
        "model": HAIKU,
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": content}],
        **fields,
    }


def pdf(size: int) -> Body:
    data = base64.b64encode(b"x" * (size * 3 // 4)).decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": data}
    return {"type": "document", "source": source}


def anthropic(body: Body) -> Ask:
    return Ask("/v1/messages", body)


def bedrock(body: Body) -> Ask:
    """The same in Bedrock's own API."""
    rest = {name: value for name, value in body.items() if name not in ("model", "stream")}
    operation = "invoke-with-response-stream" if body.get("stream") else "invoke"
    return Ask(
        f"/bedrock/model/{body['model']}/{operation}",
        {"anthropic_version": "bedrock-2023-05-31", **rest},
    )


def openai(body: Body) -> Ask:
    """The text of it as a chat completion."""
    content = body["messages"][0]["content"]
    words = [block for block in content if block["type"] == "text"]
    plain = [{"type": "text", "text": block["text"]} for block in words]
    return Ask(
        "/v1/chat/completions",
        {
            "model": body["model"],
            "max_tokens": body["max_tokens"],
            "stream": body.get("stream", False),
            "messages": [{"role": "user", "content": plain}],
        },
    )


APIS: Sequence[Callable[[Body], Ask]] = (anthropic, bedrock, openai)


async def crowd(
    gateways: Sequence[GatewayProcess], key: str, asks: Sequence[Ask]
) -> list[httpx.Response]:
    """All at once, spread over the gateways."""
    limits = httpx.Limits(max_connections=len(asks), max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=120, limits=limits) as client:
        return await asyncio.gather(
            *(
                client.post(
                    gateways[number % len(gateways)].public_url + ask.path,
                    content=json.dumps(ask.body),
                    headers={"x-api-key": key, "content-type": "application/json"},
                )
                for number, ask in enumerate(asks)
            )
        )


def spent(stack: Stack) -> Decimal:
    """What the spend log says."""
    return sum((row["cost"] for row in stack.spend_log()), Decimal(0))
