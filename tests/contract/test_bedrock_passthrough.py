"""Bedrock's own clients, botocore and `AnthropicBedrock`, with the gateway for Bedrock."""

import json

import anthropic
import httpx
import pytest
from botocore.exceptions import ClientError

from tests.support.bedrock import HAIKU, body, botocore_client, invoke, stream
from tests.support.stack import Stack, assert_spend_equals_the_bill

HEADERS = ("x-amzn-requestid", "request-id")


def test_botocore_gets_bedrocks_own_answer(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key()

    whole = invoke(own_stack, key, "[[say=Good morning]]")
    events = stream(own_stack, key, "[[tokens=60]]")

    assert whole["content"] == [{"type": "text", "text": "Good morning"}]
    assert whole["model"] == events[0]["message"]["model"] == "claude-haiku-4-5-20251001"
    assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 60
    rows = own_stack.spend_log()
    assert [(row["api_format"], row["stream"], row["ending"]) for row in rows] == [
        ("bedrock", False, "completed"),
        ("bedrock", True, "completed"),
    ]
    assert [(o["api_format"], o["route"]) for o in own_stack.gateway.outcomes()] == [
        ("bedrock", "/bedrock/model/{model_id}/invoke"),
        ("bedrock", "/bedrock/model/{model_id}/invoke-with-response-stream"),
    ]
    assert_spend_equals_the_bill(own_stack)


def test_bedrock_is_sent_all_of_the_body_and_no_header_of_the_client(own_stack: Stack) -> None:
    sent = body("hi", metadata={"user_id": "ü"})

    with botocore_client(own_stack, own_stack.gateway.new_key()) as client:
        client.invoke_model(modelId=HAIKU, body=sent, serviceTier="priority", trace="ENABLED")

    (received,) = own_stack.emulator.received()
    assert received["body"] == json.loads(sent)
    assert not [name for name in received["headers"] if name.startswith("x-amzn-bedrock")]


@pytest.mark.parametrize("port", ["public", "internal"])
@pytest.mark.parametrize(
    "model",
    [
        HAIKU,
        HAIKU.replace("us.", "global.", 1),
        f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{HAIKU}",
        f"arn:aws:bedrock:us-east-1::inference-profile/{HAIKU}",
    ],
)
def test_the_profile_that_is_named_is_the_one_that_answers(
    stack: Stack, port: str, model: str
) -> None:
    with botocore_client(stack, stack.gateway.new_key(), port=port) as client:
        client.invoke_model(modelId=model, body=body("hi"))

    (name,) = {HAIKU, HAIKU.replace("us.", "global.", 1)} & {model.rpartition("/")[2]}
    assert stack.spend_log()[-1]["upstream_model"] == name
    assert stack.emulator.received()[-1]["path"] == f"/model/{name.replace(':', '%3A')}/invoke"


@pytest.mark.parametrize(
    "path",
    [
        HAIKU,
        HAIKU.replace(":", "%3A"),
        f"arn:aws:bedrock:us-east-1::inference-profile%2F{HAIKU}",
        f"arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Ainference-profile%2F{HAIKU}".replace(":", "%3A"),
        "arn:aws:bedrock:us-east-1::foundation-model%2Fanthropic.claude-haiku-4-5-20251001-v1:0",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "claude-haiku-4-5",
    ],
)
def test_a_model_may_be_written_raw_encoded_or_as_an_arn(stack: Stack, path: str) -> None:
    for operation in ("invoke", "invoke-with-response-stream"):
        response = httpx.post(
            f"{stack.gateway.public_url}/bedrock/model/{path}/{operation}",
            content=body("hi"),
            headers={"x-api-key": stack.gateway.new_key()},
        )

        assert response.status_code == 200
        assert stack.spend_log()[-1]["upstream_model"] == HAIKU
        assert {response.headers[name][:4] for name in HEADERS} == {"req_"}


def test_a_stream_has_the_headers_that_bedrocks_clients_look_at(stack: Stack) -> None:
    response = httpx.post(
        f"{stack.gateway.public_url}/bedrock/model/{HAIKU}/invoke-with-response-stream",
        content=body("hi"),
        headers={"authorization": f"Bearer {stack.gateway.new_key()}"},
    )

    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert response.headers["x-amzn-bedrock-content-type"] == "application/json"
    assert response.headers["x-amzn-requestid"] == response.headers["request-id"]


def test_the_anthropic_sdk_for_bedrock_works(own_stack: Stack) -> None:
    with anthropic.AnthropicBedrock(
        base_url=f"{own_stack.gateway.public_url}/bedrock",
        api_key=own_stack.gateway.new_key(),
        aws_region="us-east-1",
        max_retries=0,
    ) as sdk:
        message = sdk.messages.create(
            model=HAIKU,
            max_tokens=100,
            messages=[{"role": "user", "content": "[[say=Good morning]]"}],
        )
        with sdk.messages.stream(
            model=f"arn:aws:bedrock:us-east-1::inference-profile/{HAIKU}",
            max_tokens=100,
            messages=[{"role": "user", "content": "[[tokens=60]]"}],
        ) as events:
            streamed = events.get_final_message()

    assert message.content[0].type == "text"
    assert message.content[0].text == "Good morning"
    assert streamed.usage.output_tokens == 60
    assert_spend_equals_the_bill(own_stack)


def test_tokens_are_counted_outside_of_budgets(stack: Stack) -> None:
    with botocore_client(stack, stack.gateway.new_key(max_budget=0)) as client:
        counted = client.count_tokens(
            modelId=HAIKU.removeprefix("us."), input={"invokeModel": {"body": body("hi")}}
        )
        with pytest.raises(ClientError, match="does not count tokens") as refused:
            client.count_tokens(
                modelId="anthropic.claude-opus-5-5", input={"invokeModel": {"body": body("hi")}}
            )

    assert counted["inputTokens"] > 0
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_profiles_are_listed_and_shown_to_those_who_may_use_them(stack: Stack) -> None:
    key = stack.gateway.new_key(models=["claude-haiku-4-5"])
    with botocore_client(stack, key, "bedrock") as client:
        listed = client.list_inference_profiles(typeEquals="SYSTEM_DEFINED")
        none = client.list_inference_profiles(typeEquals="APPLICATION")
        shown = client.get_inference_profile(inferenceProfileIdentifier=HAIKU)
        by_arn = client.get_inference_profile(
            inferenceProfileIdentifier=shown["inferenceProfileArn"]
        )
        with pytest.raises(ClientError, match="AccessDeniedException"):
            client.get_inference_profile(inferenceProfileIdentifier="us.anthropic.claude-opus-5-5")

    profiles = listed["inferenceProfileSummaries"]
    assert [profile["inferenceProfileId"] for profile in profiles] == [
        HAIKU,
        HAIKU.replace("us.", "global.", 1),
    ]
    assert none["inferenceProfileSummaries"] == []
    assert shown["models"] == [
        {"modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU.removeprefix('us.')}"}
    ]
    assert {k: v for k, v in by_arn.items() if k != "ResponseMetadata"} == profiles[0]


@pytest.mark.parametrize("path", ["/inference-profiles", f"/inference-profiles/{HAIKU}"])
def test_profiles_need_a_key(stack: Stack, path: str) -> None:
    response = httpx.get(f"{stack.gateway.public_url}/bedrock{path}")

    assert response.status_code == 401
    assert response.headers["x-amzn-errortype"] == "UnrecognizedClientException"
