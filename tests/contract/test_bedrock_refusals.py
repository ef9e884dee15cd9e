"""What Bedrock's own clients see of the gateway when something is wrong."""

import json
from contextlib import closing
from typing import Any

import anthropic
import botocore.session
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from tests.support.bedrock import HAIKU, body, botocore_client, invoke, refusal, stream
from tests.support.stack import Stack


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"blocked": True}, anthropic.AuthenticationError),
        ({"models": ["claude-opus-5-5"]}, anthropic.PermissionDeniedError),
        ({"max_budget": 0.000001}, anthropic.RateLimitError),
    ],
)
def test_a_refusal_is_a_typed_error_of_the_sdk_after_one_request(
    stack: Stack, fields: dict[str, Any], kind: type[anthropic.APIStatusError]
) -> None:
    key = stack.gateway.new_key(**fields)
    before = len(stack.gateway.outcomes())
    with (
        anthropic.AnthropicBedrock(
            base_url=f"{stack.gateway.public_url}/bedrock", api_key=key, aws_region="us-east-1"
        ) as sdk,
        pytest.raises(kind),
    ):
        sdk.messages.create(
            model=HAIKU, max_tokens=100, messages=[{"role": "user", "content": "hi"}]
        )

    assert len(stack.gateway.outcomes()) == before + 1


def test_a_signature_is_no_credential(stack: Stack) -> None:
    client = botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=f"{stack.gateway.public_url}/bedrock",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with closing(client), pytest.raises(ClientError, match="No API key was sent"):
        client.invoke_model(modelId=HAIKU, body=body("hi"))


def test_refusals_are_bedrocks_exceptions_with_our_words(stack: Stack) -> None:
    limited = stack.gateway.new_key(models=["claude-opus-5-5"])
    key = stack.gateway.new_key()
    for response, status, code, words in (
        (refusal(stack, "sk-wrong-key"), 401, "UnrecognizedClientException", "Invalid API key"),
        (refusal(stack, limited), 403, "AccessDeniedException", "may not use claude-haiku-4-5"),
        (refusal(stack, key, model="x.y"), 400, "ValidationException", "x.y is not known here"),
        (refusal(stack, key, max_tokens=0), 400, "ValidationException", "max_tokens"),
        (refusal(stack, key, messages=[]), 400, "ValidationException", "messages"),
        (refusal(stack, key, extra=1), 400, "ValidationException", "extra: Extra inputs"),
    ):
        assert response["Error"]["Code"] == code
        assert words in response["Error"]["Message"]
        metadata = response["ResponseMetadata"]
        assert (metadata["HTTPStatusCode"], metadata["RequestId"][:4]) == (status, "req_")
        assert metadata["HTTPHeaders"]["x-should-retry"] == "false"


def test_a_body_that_bedrock_refuses_is_not_sent_again_without_what_it_refused(
    own_stack: Stack,
) -> None:
    refused = refusal(own_stack, own_stack.gateway.new_key(), context_management={"edits": []})

    assert refused["Error"]["Code"] == "ValidationException"
    assert len(own_stack.emulator.received()) == 1
    assert [row["ending"] for row in own_stack.spend_log()] == ["upstream_rejected"]


def test_an_exhausted_budget_is_throttling_that_says_when_it_ends(stack: Stack) -> None:
    key = stack.gateway.new_key(max_budget=0.000001, budget_duration="1d")

    response = refusal(stack, key)

    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (
        "ThrottlingException",
        429,
    )
    assert "resets at" in response["Error"]["Message"]
    assert headers["x-should-retry"] == "false"
    assert 0 < int(headers["retry-after"]) <= 86_400
    assert headers["anthropic-ratelimit-unified-status"] == "rejected"


def test_a_budget_that_runs_out_ends_the_answer_in_order(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(max_budget=0.005)
    own_stack.emulator.scenario({"kind": "slow", "seconds": 0.005})

    with botocore_client(own_stack, key) as client:
        answer = client.invoke_model_with_response_stream(
            modelId=HAIKU, body=body("[[tokens=5000]]", max_tokens=8000)
        )
        with closing(answer["body"]) as events:
            received = [json.loads(event["chunk"]["bytes"]) for event in events]

    assert [event["type"] for event in received[-3:]] == [
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert received[-2]["delta"]["stop_reason"] == "max_tokens"
    assert [row["ending"] for row in own_stack.spend_log()] == ["budget_exhausted"]
    assert own_stack.reservations() == []


def test_a_whole_answer_keeps_to_a_tight_budget_too(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(max_budget=0.005)
    own_stack.emulator.scenario({"kind": "slow", "seconds": 0.005})

    message = invoke(own_stack, key, "[[tokens=5000]]", max_tokens=8000)

    assert (message["type"], message["stop_reason"]) == ("message", "max_tokens")
    assert message["usage"]["output_tokens"] < 1500


def test_a_failure_in_the_middle_is_an_exception_frame(own_stack: Stack) -> None:
    own_stack.emulator.scenario(
        {"kind": "exception_mid_stream", "after": 3, "exception": "throttlingException"}
    )

    with pytest.raises(EventStreamError, match="throttlingException"):
        stream(own_stack, own_stack.gateway.new_key(), "[[tokens=200]]")

    assert [row["ending"] for row in own_stack.spend_log()] == ["upstream_failed"]


def test_throttling_before_the_first_event_is_a_429(stack: Stack) -> None:
    stack.emulator.scenario({"kind": "throttle"})

    assert refusal(stack, stack.gateway.new_key())["Error"]["Code"] == "ThrottlingException"


def test_silence_stays_silent(own_stack: Stack) -> None:
    """An event stream has no pings; what comes after a pause is read as before."""
    own_stack.emulator.scenario({"kind": "stall_mid_stream", "after": 2, "seconds": 0.3})

    assert stream(own_stack, own_stack.gateway.new_key(), "[[tokens=40]]")[-1]["type"] == (
        "message_stop"
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/bedrock/model/{HAIKU}/invoke", 404),
        ("POST", f"/bedrock/model/{HAIKU}/converse", 404),
        ("POST", "/bedrock/elsewhere", 404),
    ],
)
def test_other_operations_are_unknown(stack: Stack, method: str, path: str, status: int) -> None:
    response = httpx.request(method, stack.gateway.public_url + path)

    assert (response.status_code, response.json().keys()) == (status, {"message"})
    assert response.headers["x-amzn-errortype"].endswith("Exception")
