"""Claude's answers as Chat Completions, whole and streamed."""

import json
from typing import Any

import orjson
import pytest

from app.core.usage import Usage
from app.formats.events import Event
from app.formats.openai_chat_response import ChunkWriter, to_completion

USAGE = Usage(10, 20, 30, 40, 50)
IN_OPENAI = {
    "prompt_tokens": 130,
    "completion_tokens": 20,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 30},
}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}
TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"place": "Bergen"}}
REASONS = [
    ("end_turn", "stop"),
    ("stop_sequence", "stop"),
    ("pause_turn", "stop"),
    ("tool_use", "tool_calls"),
    ("max_tokens", "length"),
    ("model_context_window_exceeded", "length"),
    ("refusal", "content_filter"),
    ("made_up", "stop"),
    (None, "stop"),
]


def completion(*content: dict[str, Any], reason: str | None = "end_turn") -> dict[str, Any]:
    message = {"id": "msg_bdrk_1", "content": list(content), "stop_reason": reason}
    return to_completion(message, USAGE, model="asked", created=5)


def test_a_completion_has_all_that_clients_read() -> None:
    assert completion({"type": "text", "text": "Hi"}) == {
        "id": "chatcmpl-bdrk_1",
        "object": "chat.completion",
        "created": 5,
        "model": "asked",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": IN_OPENAI,
    }


@pytest.mark.parametrize(("reason", "finish"), REASONS)
def test_each_reason_to_stop_has_a_name_in_openai(reason: str | None, finish: str) -> None:
    assert completion(reason=reason)["choices"][0]["finish_reason"] == finish


def test_texts_are_joined_and_calls_and_thoughts_stand_beside_them() -> None:
    redacted = {"type": "redacted_thinking", "data": "x"}
    message = completion(
        THOUGHT, redacted, {"type": "text", "text": "a"}, TOOL_USE, {"type": "text", "text": "b"}
    )["choices"][0]["message"]

    assert (message["content"], message["reasoning_content"]) == ("ab", "hm")
    assert message["thinking_blocks"] == [THOUGHT, redacted]
    (call,) = message["tool_calls"]
    assert (call["id"], call["type"], call["function"]["name"]) == (
        "toolu_1",
        "function",
        "weather",
    )
    assert json.loads(call["function"]["arguments"]) == {"place": "Bergen"}


@pytest.mark.parametrize("content", [[], [{"type": "text", "text": ""}], [TOOL_USE]])
def test_an_answer_without_text_has_null_as_its_content(content: list[dict[str, Any]]) -> None:
    assert completion(*content)["choices"][0]["message"]["content"] is None


def event(kind: str, **fields: Any) -> Event:
    return Event.of(orjson.dumps({"type": kind, **fields}))


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[Event]:
    return [
        event("content_block_start", index=index, content_block=start),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]


def text_delta(words: str) -> dict[str, Any]:
    return {"type": "text_delta", "text": words}


def json_delta(part: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": part}


def stream(
    *blocks: list[Event], reason: str = "end_turn", include_usage: bool = False, cut: bool = False
) -> list[dict[str, Any]]:
    """The chunks of a message; `[DONE]` is checked and left out."""
    writer = ChunkWriter(model="asked", created=5, include_usage=include_usage)
    raw = writer.write(event("message_start", message={"id": "msg_bdrk_1"}))
    for one in [event("ping"), *(e for events in blocks for e in events)]:
        raw += writer.write(one)
    raw += writer.write(event("message_delta", delta={"stop_reason": reason}))
    if cut:
        writer.cut()
    frames = (raw + writer.end(USAGE)).decode().split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames[:-1])
    return [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]


def deltas(chunks: list[dict[str, Any]], name: str) -> list[Any]:
    found = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    return [delta[name] for delta in found if name in delta]


def test_a_streamed_text_begins_with_the_role_and_ends_with_the_reason() -> None:
    chunks = stream(block(0, {"type": "text", "text": ""}, text_delta("Good "), text_delta("day")))

    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert deltas(chunks, "content") == ["", "Good ", "day"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 3 + ["stop"]
    heads = {(c["id"], c["object"], c["created"], c["model"]) for c in chunks}
    assert heads == {("chatcmpl-bdrk_1", "chat.completion.chunk", 5, "asked")}
    assert all("usage" not in chunk for chunk in chunks)


@pytest.mark.parametrize(("reason", "finish"), [pair for pair in REASONS if pair[0]])
def test_each_reason_is_named_in_a_stream_too(reason: str, finish: str) -> None:
    assert stream(reason=reason)[-1]["choices"][0]["finish_reason"] == finish


def test_an_answer_that_the_budget_exhausted_is_as_one_at_its_limit() -> None:
    assert stream(cut=True)[-1]["choices"][0]["finish_reason"] == "length"


def test_usage_comes_last_in_a_chunk_without_choices_if_it_was_asked_for() -> None:
    *others, last = stream(include_usage=True)

    assert (last["choices"], last["usage"]) == ([], IN_OPENAI)
    assert all(chunk["usage"] is None for chunk in others)


def test_streamed_calls_are_numbered_and_named_once() -> None:
    start = {**TOOL_USE, "input": {}}
    chunks = stream(
        block(0, {"type": "text", "text": ""}, text_delta("I look")),
        block(1, start, json_delta(""), json_delta('{"place":'), json_delta('"Bergen"}')),
        block(2, {**start, "id": "toolu_2"}, json_delta('{"place":"Oslo"}')),
        reason="tool_use",
    )

    calls = [call for calls in deltas(chunks, "tool_calls") for call in calls]
    named = [(call["index"], call["id"]) for call in calls if "id" in call]
    assert named == [(0, "toolu_1"), (1, "toolu_2")]
    for index, place in enumerate(["Bergen", "Oslo"]):
        parts = [call["function"]["arguments"] for call in calls if call["index"] == index]
        assert json.loads("".join(parts)) == {"place": place}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("parts", [[], [json_delta("")]])
def test_a_streamed_call_without_arguments_has_an_empty_object(parts: list[dict[str, Any]]) -> None:
    chunks = stream(block(0, {**TOOL_USE, "input": {}}, *parts))

    calls = [call for calls in deltas(chunks, "tool_calls") for call in calls]
    assert "".join(call["function"]["arguments"] for call in calls) == "{}"


def test_streamed_thoughts_come_as_text_and_then_whole_for_the_way_back() -> None:
    thinking = block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "h"},
        {"type": "thinking_delta", "thinking": "m"},
        {"type": "signature_delta", "signature": "s"},
    )
    redacted = block(1, {"type": "redacted_thinking", "data": "x"})
    chunks = stream(thinking, redacted)

    assert deltas(chunks, "reasoning_content") == ["h", "m"]
    blocks = [one for several in deltas(chunks, "thinking_blocks") for one in several]
    assert blocks == [THOUGHT, {"type": "redacted_thinking", "data": "x"}]


def test_events_that_openai_has_no_word_for_are_left_out() -> None:
    citation = {"type": "citations_delta", "citation": {}}

    assert len(stream(block(0, {"type": "text", "text": ""}, citation))) == 2


@pytest.mark.parametrize(
    "content",
    [None, [], ["x", None], [{"type": "text", "text": None}], [{"type": "thinking"}],
     [{"type": "tool_use"}], [{"type": "compaction", "content": "x"}], [{}]],
)  # fmt: skip
def test_no_content_is_too_strange_for_a_whole_reply(content: Any) -> None:
    message = {"id": "msg_1", "content": content, "stop_reason": "compaction"}

    reply = to_completion(message, Usage(), model="m", created=0)

    assert reply["choices"][0]["finish_reason"] == "stop"
