"""Bedrock guardrails, seen from both sides of the gateway."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.bedrock import HAIKU, body, invoke
from tests.support.bedrock import stream as bedrock_stream
from tests.support.stack import Stack, assert_spend_equals_the_bill, running_stack

ACTION = "amazon-bedrock-guardrailAction"
BLOCKED = "Not here, not now."
BLOCKS = {"kind": "guardrail", "text": BLOCKED}
ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123"
PATHS = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}
QUESTION = {"max_tokens": 100, "messages": [{"role": "user", "content": "[[say=Here I am]]"}]}


def ask(
    stack: Stack, key: str, api_format: str = "anthropic", *, stream: bool = False, **fields: Any
) -> httpx.Response:
    return httpx.post(
        stack.gateway.public_url + PATHS[api_format],
        json={"model": "claude-sonnet-4-5", "stream": stream, **QUESTION, **fields},
        headers={"authorization": f"Bearer {key}"},
    )


def events(response: httpx.Response) -> list[dict[str, Any]]:
    lines = response.text.splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def sent(stack: Stack) -> tuple[str | None, str | None]:
    """The guardrail of the last call. The emulator takes it only if it is signed."""
    headers = stack.emulator.received()[-1]["headers"]
    name = "x-amzn-bedrock-guardrail"
    return headers.get(f"{name}identifier"), headers.get(f"{name}version")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api_format", PATHS)
def test_a_key_s_guardrail_goes_with_its_calls(stack: Stack, api_format: str, stream: bool) -> None:
    key = stack.gateway.new_key(guardrail=f"{ARN}:DRAFT")

    response = ask(stack, key, api_format, stream=stream)

    assert response.status_code == 200
    assert sent(stack) == (ARN, "DRAFT")
    assert "amazon-bedrock" not in response.text
    assert "Here" in response.text


def test_without_a_guardrail_no_header_is_sent(stack: Stack) -> None:
    ask(stack, stack.gateway.new_key())

    assert sent(stack) == (None, None)


def test_tokens_are_counted_without_a_guardrail(stack: Stack) -> None:
    response = httpx.post(
        f"{stack.gateway.public_url}/v1/messages/count_tokens",
        json={"model": "claude-sonnet-4-5", "messages": QUESTION["messages"]},
        headers={"x-api-key": stack.gateway.new_key(guardrail="abc123:1")},
    )

    assert response.status_code == 200
    assert sent(stack) == (None, None)


def test_a_key_s_guardrail_goes_before_its_user_s_and_that_before_the_one_for_all(
    database_url: str, tmp_path: Path
) -> None:
    with running_stack(database_url, tmp_path, GATEWAY_GUARDRAIL="all:1") as stack:
        gateway = stack.gateway
        ada = gateway.admin("POST", "/user/new", user_id="ada", guardrail="ada:2")["key"]
        bob = gateway.admin("POST", "/user/new", user_id="bob")["key"]
        keys = {
            gateway.new_key(): ("all", "1"),
            bob: ("all", "1"),
            ada: ("ada", "2"),
            gateway.new_key(user_id="ada", guardrail="own:3"): ("own", "3"),
        }
        for key, guardrail in keys.items():
            ask(stack, key)
            assert sent(stack) == guardrail


@pytest.mark.parametrize("stream", [False, True])
def test_an_intervention_is_a_refusal_with_its_text_in_messages(
    own_stack: Stack, stream: bool
) -> None:
    own_stack.emulator.scenario(BLOCKS)

    response = ask(own_stack, own_stack.gateway.new_key(guardrail="abc123:1"), stream=stream)

    assert response.status_code == 200
    assert "amazon-bedrock" not in response.text
    if stream:
        found = events(response)
        said = "".join(event.get("delta", {}).get("text", "") for event in found)
        reason = found[-2]["delta"]["stop_reason"]
    else:
        said, reason = response.json()["content"][0]["text"], response.json()["stop_reason"]
    assert (said, reason) == (BLOCKED, "refusal")
    assert [outcome["guardrail"] for outcome in own_stack.gateway.outcomes()] == [True]
    assert own_stack.spend_log()[0]["output_tokens"] > 1
    assert_spend_equals_the_bill(own_stack)


@pytest.mark.parametrize("stream", [False, True])
def test_an_intervention_is_filtered_content_in_chat_completions(
    own_stack: Stack, stream: bool
) -> None:
    own_stack.emulator.scenario(BLOCKS)

    response = ask(
        own_stack, own_stack.gateway.new_key(guardrail="abc123:1"), "openai", stream=stream
    )

    assert response.status_code == 200
    assert "amazon-bedrock" not in response.text
    if stream:
        choices = [chunk["choices"][0] for chunk in events(response)]
        said = "".join(choice["delta"].get("content", "") for choice in choices)
        reason = choices[-1]["finish_reason"]
    else:
        (choice,) = response.json()["choices"]
        said, reason = choice["message"]["content"], choice["finish_reason"]
    assert (said, reason) == (BLOCKED, "content_filter")
    assert [outcome["guardrail"] for outcome in own_stack.gateway.outcomes()] == [True]
    assert_spend_equals_the_bill(own_stack)


def test_bedrocks_own_clients_see_what_bedrock_says(own_stack: Stack) -> None:
    own_stack.emulator.scenario(BLOCKS)
    key = own_stack.gateway.new_key(guardrail="abc123:1")

    whole = invoke(own_stack, key, "hi")
    last = bedrock_stream(own_stack, key, "hi")[-1]

    assert (whole[ACTION], whole["stop_reason"]) == ("INTERVENED", "end_turn")
    assert last[ACTION] == "INTERVENED"
    assert [outcome["guardrail"] for outcome in own_stack.gateway.outcomes()] == [True, True]
    assert_spend_equals_the_bill(own_stack)


def test_an_answer_on_a_tight_budget_keeps_what_bedrock_says_of_the_guardrail(
    own_stack: Stack,
) -> None:
    own_stack.emulator.scenario(BLOCKS)
    key = own_stack.gateway.new_key(guardrail="abc123:1", max_budget=0.05)

    whole = invoke(own_stack, key, "hi", max_tokens=60_000)

    assert own_stack.emulator.usage()[0]["stream"]
    assert whole[ACTION] == "INTERVENED"
    assert_spend_equals_the_bill(own_stack)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "scenario",
    [
        {"kind": "guardrail", "known": False},
        {"kind": "error", "exception": "ResourceNotFoundException"},
    ],
)
def test_a_guardrail_that_bedrock_does_not_know_is_the_operator_s_fault(
    own_stack: Stack, scenario: dict[str, object], stream: bool
) -> None:
    own_stack.emulator.scenario(scenario)

    response = ask(own_stack, own_stack.gateway.new_key(guardrail="abc123:1"), stream=stream)

    assert response.status_code == 502
    assert "operator" in response.json()["error"]["message"]
    assert response.headers["x-should-retry"] == "false"
    (outcome,) = own_stack.gateway.outcomes()
    assert (outcome["error_code"], outcome["guardrail"]) == ("upstream_denied", False)
    assert len(own_stack.emulator.received()) == 1
    assert_spend_equals_the_bill(own_stack)


def test_a_second_try_is_guarded_too(own_stack: Stack) -> None:
    own_stack.emulator.scenario({"kind": "refuse", "field": "metadata", "times": 1})

    response = ask(
        own_stack, own_stack.gateway.new_key(guardrail="abc123:1"), metadata={"user_id": "u"}
    )

    assert response.status_code == 200
    assert len(own_stack.emulator.received()) == 2
    assert sent(own_stack) == ("abc123", "1")


def test_a_guardrail_is_shown_where_keys_and_users_are(stack: Stack) -> None:
    gateway = stack.gateway
    made = gateway.admin("POST", "/user/new", guardrail="abc123:1")
    user_id = made["user_id"]
    key = gateway.admin("POST", "/key/generate", user_id=user_id, guardrail=f"{ARN}:2")

    assert (made["guardrail"], key["guardrail"]) == ("abc123:1", f"{ARN}:2")
    found = gateway.admin("GET", "/user/info", user_id=user_id)
    assert found["user_info"]["guardrail"] == "abc123:1"
    assert [shown["guardrail"] for shown in found["keys"]] == [None, f"{ARN}:2"]
    info = gateway.admin("GET", "/key/info", key=key["key"])["info"]
    assert info["guardrail"] == f"{ARN}:2"


@pytest.mark.parametrize("path", ["/user/new", "/key/generate"])
@pytest.mark.parametrize("guardrail", ["", "abc123", "abc123:0", "ABC:1", ARN, 5, ["a:1"]])
def test_a_guardrail_in_another_form_is_refused_by_name(
    stack: Stack, path: str, guardrail: object
) -> None:
    response = stack.gateway.try_admin("POST", path, guardrail=guardrail)

    assert response.status_code == 400
    assert "guardrail" in response.json()["error"]["message"]


def test_interventions_are_counted(own_stack: Stack) -> None:
    own_stack.emulator.scenario({"kind": "guardrail"})
    ask(own_stack, own_stack.gateway.new_key(guardrail="abc123:1"))

    page = httpx.get(f"{own_stack.gateway.internal_url}/metrics/").text

    assert 'gateway_guardrail_interventions_total{model="claude-sonnet-4-5"} 1.0' in page


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_guardrail_went_through_is_part_of_the_bill(
    own_stack: Stack, stream: bool
) -> None:
    key = own_stack.gateway.new_key(guardrail="abc123:1")

    assert ask(own_stack, key, stream=stream).status_code == 200

    (row,) = own_stack.spend_log()
    # One unit of the prompt and one of the answer, for content and for topics.
    assert row["guardrail_cost"] == 4 * Decimal("0.00015")
    assert row["cost"] == row["guardrail_cost"] + row["input_cost"] + row["output_cost"]
    assert_spend_equals_the_bill(own_stack)


def test_bedrocks_own_clients_do_not_see_the_trace_that_the_gateway_asked_for(
    stack: Stack,
) -> None:
    key = stack.gateway.new_key(guardrail="abc123:1")

    whole = invoke(stack, key, "hi")
    streamed = bedrock_stream(stack, key, "hi")

    asked = [call["headers"].get("x-amzn-bedrock-trace") for call in stack.emulator.received()]
    assert asked[-2:] == ["ENABLED"] * 2
    for fields in (whole, streamed[-1]):
        assert fields[ACTION] == "NONE"
        assert "amazon-bedrock-trace" not in fields


CONFIG = "amazon-bedrock-guardrailConfig"
TAGGED: dict[str, Any] = {CONFIG: {"tagSuffix": "x"}}


@pytest.mark.parametrize("fields", [TAGGED, {"amazon-bedrock-made-up": 1}])
@pytest.mark.parametrize("action", ["invoke", "invoke-with-response-stream"])
def test_what_a_guardrail_reads_is_not_the_clients_to_narrow(
    stack: Stack, action: str, fields: dict[str, Any]
) -> None:
    key = stack.gateway.new_key(guardrail="abc123:1")
    before = len(stack.emulator.received())

    response = httpx.post(
        f"{stack.gateway.public_url}/bedrock/model/{HAIKU}/{action}",
        content=body("Hello", **fields),
        headers={"authorization": f"Bearer {key}"},
    )

    assert response.status_code == 400
    assert next(iter(fields)) in response.json()["message"]
    assert len(stack.emulator.received()) == before


def test_without_a_guardrail_bedrock_itself_refuses_its_configuration(stack: Stack) -> None:
    response = httpx.post(
        f"{stack.gateway.public_url}/bedrock/model/{HAIKU}/invoke",
        content=body("Hello", **TAGGED),
        headers={"authorization": f"Bearer {stack.gateway.new_key()}"},
    )

    assert response.status_code == 400
    assert "no guardrail identifier" in response.json()["message"]


@pytest.mark.parametrize("api_format", PATHS)
def test_other_formats_do_not_pass_the_configuration_on(stack: Stack, api_format: str) -> None:
    response = ask(stack, stack.gateway.new_key(guardrail="abc123:1"), api_format, **TAGGED)

    assert response.status_code == 200
    assert CONFIG not in stack.emulator.received()[-1]["body"]


@pytest.mark.parametrize("own", [None, "abc123:1"])
@pytest.mark.parametrize("path", ["/v1/messages", f"/bedrock/model/{HAIKU}/invoke"])
def test_a_guardrail_that_the_client_names_is_ignored(
    stack: Stack, path: str, own: str | None
) -> None:
    key = stack.gateway.new_key(**({"guardrail": own} if own else {}))
    content = (
        body("Hello")
        if "bedrock" in path
        else json.dumps({"model": "claude-sonnet-4-5", **QUESTION})
    )

    response = httpx.post(
        stack.gateway.public_url + path,
        content=content,
        headers={
            "authorization": f"Bearer {key}",
            "X-Amzn-Bedrock-GuardrailIdentifier": "weaker",
            "X-Amzn-Bedrock-GuardrailVersion": "9",
            "X-Amzn-Bedrock-Trace": "DISABLED",
        },
    )

    assert response.status_code == 200
    assert sent(stack) == (("abc123", "1") if own else (None, None))
