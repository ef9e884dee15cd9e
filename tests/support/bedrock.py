"""Bedrock's own client, botocore, with the gateway for Bedrock."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.stack import Stack

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


def body(text: str, **changes: Any) -> bytes:
    return json.dumps(
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": text}],
            **changes,
        },
        indent=1,
    ).encode()


@contextmanager
def botocore_client(
    stack: Stack, key: str, service: str = "bedrock-runtime", port: str = "public"
) -> Iterator[Any]:
    """Unsigned: botocore sends bearer tokens over HTTPS alone, so the key is put in by hand."""
    client = botocore.session.Session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=getattr(stack.gateway, f"{port}_url") + "/bedrock",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )

    def authorize(request: AWSPreparedRequest, **_: Any) -> None:
        request.headers["Authorization"] = f"Bearer {key}"

    client.meta.events.register(f"before-send.{service}", authorize)
    with closing(client):
        yield client


def invoke(stack: Stack, key: str, text: str, model: str = HAIKU, **changes: Any) -> Any:
    with botocore_client(stack, key) as client:
        answer = client.invoke_model(modelId=model, body=body(text, **changes))
        with closing(answer["body"]) as content:
            return json.loads(content.read())


def stream(stack: Stack, key: str, text: str, model: str = HAIKU) -> list[dict[str, Any]]:
    with botocore_client(stack, key) as client:
        answer = client.invoke_model_with_response_stream(modelId=model, body=body(text))
        with closing(answer["body"]) as events:
            return [json.loads(event["chunk"]["bytes"]) for event in events]


def refusal(stack: Stack, key: str, **arguments: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as refused:
        invoke(stack, key, **{"text": "hi", **arguments})
    response: dict[str, Any] = refused.value.response
    return response
