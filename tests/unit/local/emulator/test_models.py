from base64 import b64encode
from typing import Any

import orjson
import pytest

from tests.unit.local.emulator.client import Client, body

UNKNOWN = "The provided model identifier is invalid."
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile%2F"


def counting(**changes: Any) -> dict[str, Any]:
    encoded = b64encode(orjson.dumps(body(max_tokens=1, **changes))).decode()
    return {"input": {"invokeModel": {"body": encoded}}}


@pytest.mark.parametrize(
    "model",
    [
        "claude-haiku-4-5",
        "us.anthropic.claude-haiku-4-5",
        "mars.anthropic.claude-opus-4-8",
        "jp.anthropic.claude-opus-4-5-20251101-v1:0",
        "us.anthropic.claude-opus-4-8-v1:0",
        f"{ARN}us.anthropic.claude-nothing",
        f"{ARN}anthropic.claude-3-5-haiku-20241022-v1:0",
    ],
)
async def test_ids_that_do_not_exist_are_invalid(client: Client, model: str) -> None:
    reply = await client.invoke(body(), model)

    assert reply.error == (400, "ValidationException", UNKNOWN)


@pytest.mark.parametrize(
    "model", ["anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-opus-4-8"]
)
async def test_bare_ids_of_recent_models_want_an_inference_profile(
    client: Client, model: str
) -> None:
    status, name, message = (await client.invoke(body(), model)).error

    assert (status, name) == (400, "ValidationException")
    assert message.startswith(f"Invocation of model ID {model} with on-demand throughput isn")
    assert "Retry your request with the ID or ARN of an inference profile" in message


@pytest.mark.parametrize(
    "model",
    [
        "global.anthropic.claude-opus-5-5",
        "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "anthropic.claude-3-5-haiku-20241022-v1:0",
        f"{ARN}us.anthropic.claude-opus-4-8",
        "arn:aws:bedrock:us-west-2::foundation-model%2Fanthropic.claude-3-5-haiku-20241022-v1:0",
    ],
)
async def test_profiles_and_old_bare_ids_are_invoked(client: Client, model: str) -> None:
    assert (await client.invoke(body(), model)).status == 200


@pytest.mark.parametrize(
    "path", ["/", "/model/x", "/model/x/converse", "/model/a/b/invoke", "/model/x/invoke/"]
)
async def test_other_paths_are_unknown_operations(client: Client, path: str) -> None:
    reply = await client.post(path, body())

    assert reply.error[:2] == (404, "UnknownOperationException")


async def test_tokens_are_counted_as_an_invocation_bills_them(client: Client) -> None:
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"

    counted = await client.post(f"/model/{model}/count-tokens", counting())
    invoked = await client.invoke(body())

    assert counted.json() == {"inputTokens": invoked.json()["usage"]["input_tokens"]}
    assert len(client.emulator.usage()) == 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", UNKNOWN),
        ("anthropic.claude-opus-4-8", "The provided model doesn't support counting tokens."),
        ("anthropic.claude-fable-5", "The provided model doesn't support counting tokens."),
    ],
)
async def test_only_foundation_ids_that_can_count_are_counted(
    client: Client, model: str, message: str
) -> None:
    reply = await client.post(f"/model/{model}/count-tokens", counting())

    assert reply.error == (400, "ValidationException", message)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (counting(tools=[]), "tools: List should have at least 1 item after validation, not 0"),
        (counting(anthropic_version=...), "anthropic_version: Field required"),
        ({"input": {"invokeModel": {"body": "%"}}}, "Malformed input request"),
        ({"input": {"converse": {}}}, "input.invokeModel.body alone"),
    ],
)
async def test_what_is_counted_must_be_valid(
    client: Client, document: object, message: str
) -> None:
    path = "/model/anthropic.claude-haiku-4-5-20251001-v1:0/count-tokens"

    assert message in (await client.post(path, document)).error[2]
