"""Chat Completions requests as Messages requests."""

from typing import Any

import pytest

from app.errors import InvalidRequest
from app.formats.openai_chat import to_messages

HELLO = {"role": "user", "content": "Hello"}
SAID = {"role": "user", "content": [{"type": "text", "text": "Hello"}]}
FUNCTION = {"name": "weather", "description": "d", "parameters": {"type": "object"}}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"a":1}'}}
PNG = "data:image/png;base64,aGVsbG8="
PDF = "data:application/pdf;base64,aGVsbG8="


def translated(*messages: Any, **fields: Any) -> dict[str, Any]:
    body = {"model": "claude-haiku-4-5", "messages": list(messages) or [HELLO], **fields}
    return to_messages(body, default_max_tokens=4096)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def test_the_smallest_request_gets_a_limit() -> None:
    assert translated() == {"model": "claude-haiku-4-5", "max_tokens": 4096, "messages": [SAID]}


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 8}, 8),
        ({"max_tokens": 7, "max_completion_tokens": 8}, 8),
        ({"max_tokens": None, "max_completion_tokens": None}, 4096),
    ],
)
def test_the_limit_is_the_newer_name_then_the_older_then_the_default(
    fields: dict[str, Any], limit: int
) -> None:
    assert translated(**fields)["max_tokens"] == limit


CONVERSATIONS: dict[str, tuple[list[Any], list[Any]]] = {
    "parts": ([{"role": "user", "content": [text("a"), text("b")]}], [("user", "a", "b")]),
    "turns of one role": ([HELLO, HELLO], [("user", "Hello", "Hello")]),
    "an answer": (
        [HELLO, {"role": "assistant", "content": "Hi"}, HELLO],
        [("user", "Hello"), ("assistant", "Hi"), ("user", "Hello")],
    ),
    "a refusal": (
        [HELLO, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, HELLO],
        [("user", "Hello"), ("assistant", "No."), ("user", "Hello")],
    ),
    "an empty answer": (
        [HELLO, {"role": "assistant", "content": ""}, HELLO],
        [("user", "Hello", "Hello")],
    ),
    "an answer that is null": (
        [HELLO, {"role": "assistant", "content": None}, HELLO],
        [("user", "Hello", "Hello")],
    ),
    "empty texts": ([{"role": "user", "content": [text(""), text("a")]}], [("user", "a")]),
}


@pytest.mark.parametrize("case", CONVERSATIONS)
def test_roles_take_turns_and_empty_texts_are_left_out(case: str) -> None:
    messages, expected = CONVERSATIONS[case]

    assert [
        (message["role"], *(block["text"] for block in message["content"]))
        for message in translated(*messages)["messages"]
    ] == expected


def test_system_and_developer_messages_become_the_system_prompt() -> None:
    body = translated(
        {"role": "system", "content": "a"},
        HELLO,
        {"role": "developer", "content": [text("b")]},
    )

    assert (body["system"], body["messages"]) == ([text("a"), text("b")], [SAID])


def test_a_tool_call_and_its_results_become_blocks_of_two_turns() -> None:
    messages = translated(
        HELLO,
        {"role": "assistant", "content": "I look", "tool_calls": [CALL, {**CALL, "id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_2", "content": [text("sun"), text("")]},
        HELLO,
    )["messages"]

    used = {"type": "tool_use", "name": "weather", "input": {"a": 1}}
    assert messages[1]["content"] == [
        text("I look"),
        {**used, "id": "call_1"},
        {**used, "id": "call_2"},
    ]
    assert messages[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": [text("rain")]},
        {"type": "tool_result", "tool_use_id": "call_2", "content": [text("sun")]},
        text("Hello"),
    ]


@pytest.mark.parametrize("arguments", ["", "{}", None])
def test_a_call_without_arguments_has_an_empty_input(arguments: str | None) -> None:
    call = {**CALL, "function": {"name": "weather", "arguments": arguments}}
    messages = translated(HELLO, {"role": "assistant", "content": None, "tool_calls": [call]})

    assert messages["messages"][1]["content"][0]["input"] == {}


def test_thoughts_go_back_before_the_answer() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "x"}
    answer = {"role": "assistant", "content": "Hi", "thinking_blocks": [thought]}

    assert translated(HELLO, answer)["messages"][1]["content"] == [thought, text("Hi")]


def test_pictures_and_documents_come_as_data() -> None:
    image = {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}}
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}
    (message,) = translated({"role": "user", "content": [image, file]})["messages"]

    source = {"type": "base64", "data": "aGVsbG8="}
    assert message["content"] == [
        {"type": "image", "source": {**source, "media_type": "image/png"}},
        {
            "type": "document",
            "source": {**source, "media_type": "application/pdf"},
            "title": "a.pdf",
        },
    ]


@pytest.mark.parametrize(
    ("fields", "tools", "choice"),
    [
        ({}, None, None),
        ({"tools": [TOOL]}, True, None),
        ({"tools": [TOOL], "tool_choice": "auto"}, True, None),
        ({"tools": [TOOL], "tool_choice": "none"}, True, {"type": "none"}),
        ({"tools": [TOOL], "tool_choice": "required"}, True, {"type": "any"}),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
            True,
            {"type": "tool", "name": "weather"},
        ),
        (
            {"tools": [TOOL], "parallel_tool_calls": False},
            True,
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
        (
            {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
            True,
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        (
            {"tools": [TOOL], "tool_choice": "none", "parallel_tool_calls": False},
            True,
            {"type": "none"},
        ),
        ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": False}, None, None),
    ],
)
def test_tools_and_their_choice(
    fields: dict[str, Any], tools: bool | None, choice: dict[str, Any] | None
) -> None:
    expected = [{"name": "weather", "description": "d", "input_schema": {"type": "object"}}]
    body = translated(**fields)

    assert body.get("tools") == (expected if tools else None)
    assert body.get("tool_choice") == choice


def test_a_function_without_parameters_takes_none() -> None:
    (tool,) = translated(tools=[{"type": "function", "function": {"name": "now"}}])["tools"]

    assert tool == {"name": "now", "input_schema": {"type": "object", "properties": {}}}


SCHEMA = {"type": "object", "properties": {}}
FORMAT = {"type": "json_schema", "schema": SCHEMA}
ASKED_FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"temperature": 0.5}, {"temperature": 0.5}),
        ({"temperature": 2}, {"temperature": 1}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["END", "STOP"]}, {"stop_sequences": ["END", "STOP"]}),
        ({"stop": None}, {}),
        ({"user": "ada"}, {"metadata": {"user_id": "ada"}}),
        ({"user": 5}, {}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        (
            {"reasoning_effort": "minimal"},
            {
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "low"},
                "max_tokens": 8192,
            },
        ),
        (
            {"reasoning_effort": "high", "response_format": ASKED_FORMAT},
            {
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "high", "format": FORMAT},
                "max_tokens": 4096 + 31_999,
            },
        ),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": ASKED_FORMAT}, {"output_config": {"format": FORMAT}}),
    ],
)
def test_parameters_that_claude_has_too(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert translated(**fields) == translated() | expected


def test_any_json_is_asked_for_in_words() -> None:
    body = translated(
        {"role": "system", "content": "a"}, HELLO, response_format={"type": "json_object"}
    )

    assert body["system"][0] == text("a")
    assert "JSON object" in body["system"][1]["text"]


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1, "logprobs": False, "modalities": ["text"], "seed": 7, "store": True},
        {"logit_bias": {"5": 1}, "presence_penalty": 1, "frequency_penalty": 1},
        {"service_tier": "auto", "metadata": {"team": "x"}, "stream_options": {}, "made_up": 1},
    ],
)
def test_parameters_that_claude_lacks_are_left_out(fields: dict[str, Any]) -> None:
    assert translated(**fields) == translated()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"n": 2}, "n: "),
        ({"logprobs": True}, "logprobs: "),
        ({"modalities": ["text", "audio"]}, "modalities: "),
        ({"modalities": 5}, "modalities: "),
        ({"audio": {"voice": "x"}}, "audio: "),
        ({"functions": [{}]}, "functions: "),
        ({"max_tokens": 0}, "max_tokens: "),
        ({"max_completion_tokens": -1}, "max_tokens: "),
        ({"reasoning_effort": "extreme"}, "reasoning_effort: "),
        ({"reasoning_effort": ["high"]}, "reasoning_effort: "),
        ({"response_format": {"type": "xml"}}, "response_format.type: "),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: "),
        ({"tools": [{"type": "web_search"}]}, "tools.0.type: "),
        ({"tools": [{"type": "function"}]}, "tools.0.function: "),
        ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice: "),
        ({"tools": [TOOL], "tool_choice": {"type": "x"}}, "tool_choice.function: "),
    ],
)
def test_what_claude_cannot_do_is_refused_by_name(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        translated(**fields)

    assert refused.value.message.startswith(said)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"role": "robot", "content": "x"}, "messages.0.role: "),
        ({"role": "user", "content": None}, "messages.0.content: "),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "messages.0.content.0.type: "),
        ({"role": "user", "content": [{"type": "text"}]}, "messages.0.content.0.text: "),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]},
            "messages.0.content.0.image_url.url: must be a data URL",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "x"}}]},
            "messages.0.content.0.file.file_data: ",
        ),
        ({"role": "tool", "content": "x"}, "messages.0.tool_call_id: "),
        (
            {"role": "assistant", "tool_calls": [{**CALL, "id": None}]},
            "messages.0.tool_calls.0.id: ",
        ),
        (
            {"role": "assistant", "tool_calls": [{**CALL, "function": {"arguments": "{"}}]},
            "messages.0.tool_calls.0.function.arguments: is not valid JSON",
        ),
        (
            {"role": "assistant", "tool_calls": [{**CALL, "function": {"arguments": "[]"}}]},
            "messages.0.tool_calls.0.function.name: ",
        ),
        ({"role": "system", "content": "x"}, "messages: must hold at least one message"),
    ],
)
def test_a_message_that_does_not_fit_is_refused_by_name(message: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        translated(message)

    assert refused.value.message.startswith(said)
