"""What one key makes Bedrock refuse is left out of no other key's requests."""

from typing import Any

import httpx
import pytest

from tests.support.stack import Stack

MODEL = "claude-opus-5-5"
VICTIM = {
    "model": MODEL,
    "max_tokens": 10,
    "system": "You are terse.",
    "messages": [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}],
        }
    ],
    "tools": [{"name": "a", "description": "A tool.", "input_schema": {"type": "object"}}],
}
NAMES = [
    "system: Extra inputs are not permitted",
    "tools: Extra inputs are not permitted",
    "messages.content: Extra inputs are not permitted",
    "messages.content.cache_control: Extra inputs are not permitted",
    "x\nsystem: Extra inputs are not permitted\ny",
    "extraneous key [tools] is not permitted",
    "invalid beta flag: interleaved-thinking-2025-05-14",
]


def ask(stack: Stack, key: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(
        f"{stack.gateway.public_url}/v1/messages", headers={"x-api-key": key}, json=body, timeout=30
    )


@pytest.mark.parametrize("name", NAMES)
def test_text_that_bedrock_quotes_in_an_error_changes_no_request(
    own_stack: Stack, name: str
) -> None:
    stack = own_stack
    victim = stack.gateway.new_key()
    assert ask(stack, victim, VICTIM).status_code == 200
    before = stack.emulator.received()[-1]["body"]
    attack = {
        "model": MODEL,
        "max_tokens": 10,
        "messages": [{"role": "user", "content": [{"type": name}]}],
    }

    for _ in range(5):  # several keys of several owners
        assert ask(stack, stack.gateway.new_key(), attack).status_code == 400
    answer = ask(stack, victim, VICTIM)

    assert answer.status_code == 200
    assert stack.emulator.received()[-1]["body"] == before


def test_a_field_that_bedrock_refuses_costs_each_key_one_retry_until_several_had_the_error(
    own_stack: Stack,
) -> None:
    stack = own_stack
    stack.emulator.scenario({"kind": "refuse", "field": "metadata"})
    body = VICTIM | {"metadata": {"user_id": "u"}}

    calls = []
    for _ in range(5):
        already = len(stack.emulator.received())
        assert ask(stack, stack.gateway.new_key(), body).status_code == 200
        calls.append(len(stack.emulator.received()) - already)

    assert calls == [2, 2, 2, 1, 1]
