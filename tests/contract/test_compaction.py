"""Conversations that Bedrock compacts: what clients get, and what is billed."""

import anthropic
import httpx
import pytest
from anthropic.types.beta import BetaMessageParam

from tests.support.bedrock import invoke
from tests.support.stack import Stack, assert_spend_equals_the_bill

MODEL = "claude-opus-4-6"
EDIT = {"type": "compact_20260112"}
ASK = {
    "model": MODEL,
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "[[say=Here I am]] " + "word " * 500}],
}


def ask(stack: Stack, **fields: object) -> httpx.Response:
    return httpx.post(
        f"{stack.gateway.public_url}/v1/messages",
        json={**ASK, "context_management": {"edits": [EDIT]}, **fields},
        headers={"x-api-key": stack.gateway.new_key()},
        timeout=30,
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_compaction_is_billed_to_the_last_digit(own_stack: Stack, stream: bool) -> None:
    own_stack.emulator.scenario({"kind": "compact"})

    response = ask(own_stack, stream=stream)

    assert response.status_code == 200, response.text
    assert '"iterations":[{"type":"compaction"' in response.text
    (row,) = own_stack.spend_log()
    assert row["input_tokens"] > 600
    assert not row["estimated"]
    assert_spend_equals_the_bill(own_stack)


def test_a_paused_compaction_is_billed(own_stack: Stack) -> None:
    own_stack.emulator.scenario({"kind": "compact"})

    response = ask(
        own_stack, context_management={"edits": [{**EDIT, "pause_after_compaction": True}]}
    )

    assert response.json()["stop_reason"] == "compaction"
    assert response.json()["usage"]["input_tokens"] == 0
    assert_spend_equals_the_bill(own_stack)


def test_a_prompt_beyond_the_trigger_is_compacted_without_a_scenario(own_stack: Stack) -> None:
    edit = {**EDIT, "trigger": {"type": "input_tokens", "value": 50_000}}
    long = [{"role": "user", "content": "word " * 50_000}]

    response = ask(own_stack, messages=long, context_management={"edits": [edit]})

    assert response.json()["content"][0]["type"] == "compaction"
    assert_spend_equals_the_bill(own_stack)


def test_the_sdk_can_send_the_summary_back(own_stack: Stack) -> None:
    own_stack.emulator.scenario({"kind": "compact", "times": 1})
    messages: list[BetaMessageParam] = [{"role": "user", "content": "word " * 500}]
    with anthropic.Anthropic(
        base_url=own_stack.gateway.public_url, api_key=own_stack.gateway.new_key(), max_retries=0
    ) as sdk:
        read: list[int] = []
        for _ in range(2):
            answer = sdk.beta.messages.create(
                model=MODEL,
                max_tokens=100,
                betas=["compact-2026-01-12"],
                context_management={"edits": [{"type": "compact_20260112"}]},
                messages=messages,
            )
            read.append(answer.usage.input_tokens)
            messages += [
                {"role": "assistant", "content": answer.content},
                {"role": "user", "content": "Go on"},
            ]

    assert read[-1] < 100, "the summary stands for what was before it"
    assert_spend_equals_the_bill(own_stack)


def test_bedrocks_own_api_bills_a_compaction_too(own_stack: Stack) -> None:
    own_stack.emulator.scenario({"kind": "compact"})

    answer = invoke(
        own_stack,
        own_stack.gateway.new_key(),
        "Hello",
        "us.anthropic.claude-opus-4-6-v1",
        context_management={"edits": [EDIT]},
        anthropic_beta=["compact-2026-01-12"],
    )

    assert [step["type"] for step in answer["usage"]["iterations"]] == ["compaction", "message"]
    assert_spend_equals_the_bill(own_stack)
