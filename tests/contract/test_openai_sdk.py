"""The real `openai` SDK against a running gateway."""

import json

import openai
import pytest
from openai.types.chat import ChatCompletionFunctionToolParam

from tests.support.stack import Stack, assert_spend_equals_the_bill

WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a place",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
    },
}


def client(stack: Stack, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{stack.gateway.public_url}/v1", api_key=key, max_retries=0)


def test_a_completion_is_created_under_a_system_message(stack: Stack) -> None:
    with client(stack, stack.gateway.new_key()) as sdk:
        completion = sdk.chat.completions.create(
            model="claude-sonnet-4-5",
            messages=[
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "[[say=Good morning]]"},
            ],
        )

    choice = completion.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Good morning", "stop")
    assert completion.usage is not None
    assert completion.usage.completion_tokens > 0
    assert stack.emulator.received()[-1]["body"]["system"] == [{"type": "text", "text": "Be kind."}]


def test_a_completion_is_streamed_with_its_usage(stack: Stack) -> None:
    with client(stack, stack.gateway.new_key()) as sdk:
        chunks = list(
            sdk.chat.completions.create(
                model="claude-haiku-4-5",
                messages=[{"role": "user", "content": "[[tokens=60]]"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )

    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 60


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called_and_its_result_is_taken(stack: Stack, stream: bool) -> None:
    stack.emulator.scenario(
        {"kind": "tool_then_text", "tool": "weather", "input": {"place": "Bergen"}}
    )
    with client(stack, stack.gateway.new_key()) as sdk:
        call = _streamed_call(sdk) if stream else _whole_call(sdk)
        answer = sdk.chat.completions.create(
            model="claude-sonnet-4-5",
            tools=[WEATHER],
            messages=[
                {"role": "user", "content": "Does it rain in Bergen?"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": call[0],
                            "type": "function",
                            "function": {"name": call[1], "arguments": call[2]},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": call[0], "content": "It does."},
            ],
        )

    assert (call[1], json.loads(call[2])) == ("weather", {"place": "Bergen"})
    assert answer.choices[0].finish_reason == "stop"


def _whole_call(sdk: openai.OpenAI) -> tuple[str, str, str]:
    completion = sdk.chat.completions.create(
        model="claude-sonnet-4-5",
        tools=[WEATHER],
        messages=[{"role": "user", "content": "Does it rain in Bergen?"}],
    )
    assert completion.choices[0].finish_reason == "tool_calls"
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    return calls[0].id, calls[0].function.name, calls[0].function.arguments


def _streamed_call(sdk: openai.OpenAI) -> tuple[str, str, str]:
    id_, name, arguments = "", "", ""
    for chunk in sdk.chat.completions.create(
        model="claude-sonnet-4-5",
        tools=[WEATHER],
        messages=[{"role": "user", "content": "Does it rain in Bergen?"}],
        stream=True,
    ):
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.index == 0
            assert call.function is not None
            id_, name = call.id or id_, call.function.name or name
            arguments += call.function.arguments or ""
    return id_, name, arguments


def test_models_are_listed(stack: Stack) -> None:
    with client(stack, stack.gateway.new_key()) as sdk:
        assert "claude-haiku-4-5" in [model.id for model in sdk.models.list()]


@pytest.mark.parametrize(
    ("model", "key_fields", "error", "code"),
    [
        ("claude-haiku-4-5", None, openai.AuthenticationError, "invalid_api_key"),
        ("gpt-9", {}, openai.NotFoundError, "model_not_found"),
        ("claude-haiku-4-5", {"max_budget": 0}, openai.RateLimitError, "insufficient_quota"),
        (
            "claude-haiku-4-5",
            {"models": ["claude-opus-5-5"]},
            openai.PermissionDeniedError,
            "model_not_allowed",
        ),
    ],
)
def test_refusals_are_typed_errors(
    stack: Stack,
    model: str,
    key_fields: dict[str, object] | None,
    error: type[openai.APIStatusError],
    code: str,
) -> None:
    key = "sk-wrong-key" if key_fields is None else stack.gateway.new_key(**key_fields)
    with client(stack, key) as sdk, pytest.raises(error) as refused:
        sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])

    assert refused.value.code == code


def test_a_failure_in_the_middle_of_a_stream_is_raised(stack: Stack) -> None:
    stack.emulator.scenario({"kind": "break_mid_stream", "after": 3})
    with client(stack, stack.gateway.new_key()) as sdk, pytest.raises(openai.APIError):
        list(
            sdk.chat.completions.create(
                model="claude-haiku-4-5",
                messages=[{"role": "user", "content": "[[tokens=200]]"}],
                stream=True,
            )
        )


@pytest.mark.parametrize("stream", [False, True])
def test_half_a_character_of_bedrocks_is_replaced(own_stack: Stack, stream: bool) -> None:
    own_stack.emulator.scenario({"kind": "half_character"})
    with client(own_stack, own_stack.gateway.new_key()) as sdk:
        answer = sdk.chat.completions.create(
            model="claude-haiku-4-5",
            messages=[{"role": "user", "content": "[[say=Good]]"}],
            stream=stream,
        )
        if isinstance(answer, openai.Stream):
            said = "".join(c.choices[0].delta.content or "" for c in answer)
        else:
            said = answer.choices[0].message.content or ""

    assert said == "\ufffdGood"
    assert_spend_equals_the_bill(own_stack)
