"""The real `anthropic` SDK against a running gateway."""

import anthropic
import pytest
from anthropic.types import ToolParam

from tests.support.stack import Stack

WEATHER: ToolParam = {
    "name": "weather",
    "description": "The weather of a place",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}},
}


def client(stack: Stack, key: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=stack.gateway.public_url, api_key=key, max_retries=0)


def test_a_message_is_created(stack: Stack) -> None:
    with client(stack, stack.gateway.new_key()) as sdk:
        message = sdk.messages.create(
            model="claude-haiku-4-5",
            max_tokens=100,
            messages=[{"role": "user", "content": "[[say=Good morning]]"}],
        )

    assert message.content[0].type == "text"
    assert message.content[0].text == "Good morning"
    assert (message.model, message.stop_reason) == ("claude-haiku-4-5", "end_turn")
    assert message.usage.output_tokens > 0
    assert message._request_id is not None
    assert message._request_id.startswith("req_")


def test_a_message_is_streamed(stack: Stack) -> None:
    with (
        client(stack, stack.gateway.new_key()) as sdk,
        sdk.messages.stream(
            model="claude-haiku-4-5",
            max_tokens=1000,
            messages=[{"role": "user", "content": "[[tokens=60]]"}],
        ) as stream,
    ):
        pieces = list(stream.text_stream)
        message = stream.get_final_message()

    assert len(pieces) > 5
    assert message.content[0].type == "text"
    assert message.content[0].text == "".join(pieces)
    assert (message.usage.output_tokens, message.stop_reason) == (60, "end_turn")


def test_a_tool_is_called_and_its_result_is_taken(stack: Stack) -> None:
    stack.emulator.scenario(
        {"kind": "tool_then_text", "tool": "weather", "input": {"place": "Bergen"}}
    )
    with client(stack, stack.gateway.new_key()) as sdk:
        first = sdk.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=500,
            tools=[WEATHER],
            messages=[{"role": "user", "content": "Does it rain in Bergen?"}],
        )
        call = next(block for block in first.content if block.type == "tool_use")
        second = sdk.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=500,
            tools=[WEATHER],
            messages=[
                {"role": "user", "content": "Does it rain in Bergen?"},
                {"role": "assistant", "content": first.content},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": call.id, "content": "It does."}
                    ],
                },
            ],
        )

    assert (first.stop_reason, call.name, call.input) == (
        "tool_use",
        "weather",
        {"place": "Bergen"},
    )
    assert second.stop_reason == "end_turn"


def test_models_are_listed_and_found_by_name_and_alias(stack: Stack) -> None:
    with client(stack, stack.gateway.new_key()) as sdk:
        listed = {model.id: model for model in sdk.models.list()}
        found = sdk.models.retrieve("claude-3-5-sonnet-20241022")

    assert {"claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"} <= listed.keys()
    assert listed["claude-haiku-4-5"].display_name == "Claude Haiku 4.5"
    assert found.id == "claude-sonnet-4-5"


def test_a_key_sees_only_the_models_that_it_may_use(stack: Stack) -> None:
    with client(stack, stack.gateway.new_key(models=["claude-haiku-4-5"])) as sdk:
        listed = [model.id for model in sdk.models.list()]
        with pytest.raises(anthropic.PermissionDeniedError) as refused:
            sdk.messages.create(
                model="claude-opus-5-5",
                max_tokens=10,
                messages=[{"role": "user", "content": "hi"}],
            )

    assert listed == ["claude-haiku-4-5"]
    assert "may not use claude-opus-5-5" in str(refused.value)


def test_a_wrong_key_is_an_authentication_error_that_is_not_retried(stack: Stack) -> None:
    before = len(stack.gateway.outcomes())
    with (
        anthropic.Anthropic(base_url=stack.gateway.public_url, api_key="sk-wrong-key") as sdk,
        pytest.raises(anthropic.AuthenticationError),
    ):
        sdk.messages.create(
            model="claude-haiku-4-5", max_tokens=10, messages=[{"role": "user", "content": "hi"}]
        )

    assert len(stack.gateway.outcomes()) - before == 1


def test_an_unknown_model_is_not_found(stack: Stack) -> None:
    with (
        client(stack, stack.gateway.new_key()) as sdk,
        pytest.raises(anthropic.NotFoundError) as refused,
    ):
        sdk.messages.create(
            model="claude-haiku-4-55", max_tokens=10, messages=[{"role": "user", "content": "hi"}]
        )

    assert "claude-haiku-4-5" in str(refused.value)


def test_an_exhausted_budget_is_a_rate_limit_error_that_says_when_it_ends(stack: Stack) -> None:
    key = stack.gateway.new_key(max_budget=0.000001, budget_duration="1d")
    with (
        anthropic.Anthropic(base_url=stack.gateway.public_url, api_key=key) as sdk,
        pytest.raises(anthropic.RateLimitError) as refused,
    ):
        sdk.messages.create(
            model="claude-haiku-4-5", max_tokens=10, messages=[{"role": "user", "content": "hi"}]
        )

    headers = refused.value.response.headers
    assert refused.value.type == "billing_error"
    assert headers["x-should-retry"] == "false"
    assert 0 < int(headers["retry-after"]) <= 86_400
    assert headers["anthropic-ratelimit-unified-status"] == "rejected"
    assert headers["anthropic-ratelimit-unified-overage-period"] == "daily"
    assert "resets at" in str(refused.value)


def test_throttling_before_the_first_event_is_a_429(stack: Stack) -> None:
    stack.emulator.scenario({"kind": "exception_first"})
    with (
        client(stack, stack.gateway.new_key()) as sdk,
        pytest.raises(anthropic.RateLimitError),
        sdk.messages.stream(
            model="claude-haiku-4-5", max_tokens=10, messages=[{"role": "user", "content": "hi"}]
        ),
    ):
        pass


def test_a_failure_in_the_middle_of_a_stream_is_an_error_event(stack: Stack) -> None:
    stack.emulator.scenario({"kind": "break_mid_stream", "after": 3})
    received: list[str] = []
    with (
        client(stack, stack.gateway.new_key()) as sdk,
        pytest.raises(anthropic.APIStatusError) as broken,
        sdk.messages.stream(
            model="claude-haiku-4-5",
            max_tokens=500,
            messages=[{"role": "user", "content": "[[tokens=200]]"}],
        ) as stream,
    ):
        received.extend(stream.text_stream)

    assert received
    assert broken.value.type == "overloaded_error"
