"""Chat Completions features, by the real `openai` SDK: what Bedrock gets, and what comes back."""

import base64
import json
from typing import Any

import httpx
import openai
import pytest

from tests.support.stack import Stack

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
    )
).decode()
PDF = base64.b64encode(b"%PDF-1.4\ntrailer<<>>\n%%EOF\n").decode()
TOOL: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
HI: Any = [{"role": "user", "content": "hi"}]


def ask(stack: Stack, **fields: Any) -> Any:
    with openai.OpenAI(
        base_url=f"{stack.gateway.public_url}/v1", api_key=stack.gateway.new_key(), max_retries=0
    ) as sdk:
        answer = sdk.chat.completions.create(
            **({"model": "claude-haiku-4-5", "messages": HI} | fields)
        )
        return list(answer) if fields.get("stream") else answer


def sent(stack: Stack) -> dict[str, Any]:
    body: dict[str, Any] = stack.emulator.received()[-1]["body"]
    return body


def test_pictures_and_files_become_blocks(stack: Stack) -> None:
    ask(
        stack,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                    {
                        "type": "file",
                        "file": {
                            "filename": "a.pdf",
                            "file_data": f"data:application/pdf;base64,{PDF}",
                        },
                    },
                ],
            }
        ],
    )

    _, image, document = sent(stack)["messages"][0]["content"]
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert (document["type"], document["title"]) == ("document", "a.pdf")


def test_an_address_is_not_fetched(stack: Stack) -> None:
    part = {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest"}}
    with pytest.raises(openai.BadRequestError, match="does not fetch"):
        ask(stack, messages=[{"role": "user", "content": [part]}])


def test_system_and_developer_messages_are_the_system_prompt(stack: Stack) -> None:
    ask(
        stack,
        messages=[
            {"role": "system", "content": "One."},
            {"role": "developer", "content": "Two."},
            *HI,
        ],
    )

    assert [block["text"] for block in sent(stack)["system"]] == ["One.", "Two."]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", None),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "look"}}, {"type": "tool", "name": "look"}),
    ],
)
def test_a_tool_choice_is_kept(stack: Stack, choice: Any, expected: Any) -> None:
    ask(stack, tools=[TOOL], tool_choice=choice)

    assert sent(stack).get("tool_choice") == expected


def test_calls_one_at_a_time_can_be_asked_for(stack: Stack) -> None:
    ask(stack, tools=[TOOL], parallel_tool_calls=False)

    assert sent(stack)["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-opus-5-5"])
def test_an_answer_by_a_schema_is_asked_for_in_the_way_that_the_model_has(
    stack: Stack, model: str
) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    named = {"name": "place", "schema": schema}
    ask(stack, model=model, response_format={"type": "json_schema", "json_schema": named})

    body = sent(stack)
    if model == "claude-sonnet-4-5":
        assert body["output_config"]["format"]["schema"] == schema
    else:
        assert (
            json.dumps(schema, separators=(",", ":"), sort_keys=True) in body["system"][-1]["text"]
        )


def test_any_json_object_is_asked_for_in_words(stack: Stack) -> None:
    ask(stack, response_format={"type": "json_object"})

    assert "one JSON object" in sent(stack)["system"][-1]["text"]


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "config"),
    [
        ("claude-opus-5-5", "high", {"type": "adaptive"}, {"effort": "high"}),
        ("claude-opus-5-5", "max", {"type": "adaptive"}, {"effort": "xhigh"}),
        ("claude-haiku-4-5", "low", {"type": "enabled", "budget_tokens": 4096}, None),
        ("claude-haiku-4-5", "none", {"type": "disabled"}, None),
        ("claude-3-5-haiku-20241022", "high", None, None),
    ],
)
def test_effort_becomes_what_the_model_knows_of_it(
    stack: Stack, model: str, effort: Any, thinking: Any, config: Any
) -> None:
    ask(stack, model=model, reasoning_effort=effort, max_completion_tokens=8000)

    body = sent(stack)
    assert (body.get("thinking"), body.get("output_config")) == (thinking, config)


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_is_given_out_and_taken_back(stack: Stack, stream: bool) -> None:
    stack.emulator.scenario({"kind": "tool_then_text", "tool": "look", "input": {}})
    asked = {
        "model": "claude-sonnet-4-5",
        "tools": [TOOL],
        "reasoning_effort": "low",
        "max_completion_tokens": 8000,
    }
    answer = ask(stack, stream=stream, **asked)
    if stream:
        deltas = [chunk.choices[0].delta.model_dump() for chunk in answer]
        thought = "".join(delta.get("reasoning_content") or "" for delta in deltas)
        blocks = [block for delta in deltas for block in delta.get("thinking_blocks") or []]
        calls = [call for delta in deltas for call in delta.get("tool_calls") or []]
        call = {**calls[0], "function": {**calls[0]["function"], "arguments": "{}"}}
    else:
        message = answer.choices[0].message.model_dump()
        thought, blocks = message["reasoning_content"], message["thinking_blocks"]
        call = message["tool_calls"][0]

    assert thought
    assert blocks[0]["signature"]
    again = ask(
        stack,
        **asked,
        messages=[
            *HI,
            {"role": "assistant", "tool_calls": [call], "thinking_blocks": blocks},
            {"role": "tool", "tool_call_id": call["id"], "content": "seen"},
        ],
    )
    assert again.choices[0].finish_reason == "stop"
    assert sent(stack)["messages"][1]["content"][0] == blocks[0]


def test_a_client_that_drops_the_thought_is_answered_all_the_same(stack: Stack) -> None:
    call = {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    answer = ask(
        stack,
        model="claude-sonnet-4-5",
        tools=[TOOL],
        reasoning_effort="low",
        max_completion_tokens=8000,
        messages=[
            *HI,
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "seen"},
        ],
    )

    assert answer.choices[0].finish_reason == "stop"


def test_stop_and_limits_are_kept_and_what_claude_lacks_is_left_out(stack: Stack) -> None:
    answer = ask(
        stack,
        max_completion_tokens=5,
        stop="END",
        temperature=1.7,
        seed=1,
        logit_bias={"1": 2},
        presence_penalty=0.5,
        user="somebody",
        store=True,
        service_tier="auto",
        messages=[{"role": "user", "content": "[[tokens=50]]"}],
    )

    body = sent(stack)
    assert answer.choices[0].finish_reason == "length"
    assert (body["max_tokens"], body["stop_sequences"]) == (5, ["END"])
    assert (body["temperature"], body["metadata"]) == (1, {"user_id": "somebody"})
    assert body.keys() == {
        "anthropic_version", "max_tokens", "messages", "stop_sequences", "temperature", "metadata"
    }  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logprobs": True},
        {"modalities": ["text", "audio"]},
        {"functions": [{"name": "look"}]},
        {"reasoning_effort": "tremendous"},
        {"response_format": {"type": "yaml"}},
        {"tool_choice": "maybe", "tools": [TOOL]},
        {"messages": [{"role": "function", "name": "look", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_claude_cannot_do_is_refused_by_name(stack: Stack, fields: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(stack, **fields)

    assert next(iter(fields)) in str(refused.value)


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/embeddings"])
def test_other_surfaces_are_a_404_in_openais_shape(stack: Stack, path: str) -> None:
    response = httpx.post(stack.gateway.public_url + path, json={})

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
