"""AWS's own client takes the emulator for Bedrock."""

import json
from base64 import b64decode
from contextlib import closing
from typing import Any

import anyio.to_thread
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from app.local.emulator import RunningEmulator
from tests.unit.local.emulator.client import HAIKU, body


def runtime(emulator: RunningEmulator) -> Any:
    return botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=emulator.url,
        aws_access_key_id=emulator.access_key,
        aws_secret_access_key=emulator.secret_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


def read(answer: Any) -> Any:
    if "body" not in answer:
        return answer
    with closing(answer["body"]) as content:
        if hasattr(content, "read"):
            return json.loads(content.read())
        return [json.loads(event["chunk"]["bytes"]) for event in content]


async def run(emulator: RunningEmulator, operation: str, **parameters: Any) -> Any:
    def call() -> Any:
        with closing(runtime(emulator)) as client:
            return read(getattr(client, operation)(**parameters))

    return await anyio.to_thread.run_sync(call)


async def test_it_invokes_and_streams(emulator: RunningEmulator) -> None:
    document = json.dumps(body("[[tokens=9]]"))

    whole = await run(emulator, "invoke_model", modelId=HAIKU, body=document)
    events = await run(emulator, "invoke_model_with_response_stream", modelId=HAIKU, body=document)

    assert whole["usage"]["output_tokens"] == 9
    assert events[0]["type"] == "message_start"
    assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 9


async def test_it_signs_arns(emulator: RunningEmulator) -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{HAIKU}"

    whole = await run(emulator, "invoke_model", modelId=arn, body=json.dumps(body()))

    assert whole["type"] == "message"
    assert "%2F" in emulator.received()[0]["path"]


async def test_it_counts_tokens(emulator: RunningEmulator) -> None:
    answer = await run(
        emulator,
        "count_tokens",
        modelId=HAIKU.removeprefix("us."),
        input={"invokeModel": {"body": json.dumps(body())}},
    )

    assert answer["inputTokens"] > 0
    sent = emulator.received()[0]["body"]["input"]["invokeModel"]["body"]
    assert json.loads(b64decode(sent)) == body()


async def test_it_knows_the_exceptions_by_their_names(emulator: RunningEmulator) -> None:
    emulator.set_scenario({"kind": "throttle"})

    with pytest.raises(ClientError) as refusal:
        await run(emulator, "invoke_model", modelId=HAIKU, body=json.dumps(body()))

    assert refusal.value.response["Error"]["Code"] == "ThrottlingException"
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refusal.value.response["ResponseMetadata"]["RequestId"]


async def test_it_raises_for_an_exception_frame(emulator: RunningEmulator) -> None:
    emulator.set_scenario({"kind": "exception_mid_stream"})

    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        await run(
            emulator,
            "invoke_model_with_response_stream",
            modelId=HAIKU,
            body=json.dumps(body("[[tokens=40]]")),
        )
