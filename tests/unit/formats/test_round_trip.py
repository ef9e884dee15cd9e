"""What a chat client says, and hears, is the same after it has been Anthropic's for a while."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.core.usage import Usage
from app.formats.events import Event
from app.formats.openai_chat import to_messages
from app.formats.openai_chat_response import ChunkWriter, to_completion

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(str.strip)
"""Claude refuses blank texts, so those are left out."""

NAME = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
VALUES = st.dictionaries(NAME, TEXT | st.integers(-(2**53), 2**53) | st.booleans(), max_size=4)
CALL = st.builds(
    lambda number, name, given: {
        "id": f"toolu_{number}",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(given)},
    },
    st.integers(0, 10**9),
    NAME,
    VALUES,
)
TOOL = st.builds(
    lambda name, description: {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {"type": "object", "properties": {}},
        },
    },
    NAME,
    TEXT,
)
COUNT = st.integers(0, 10**7)
USAGE = st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT)


def parsed(calls: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    return [(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls]


def anthropic_message(said: str | None, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """An assistant's turn of a chat, as it stands in the translated conversation."""
    chat = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": said, "tool_calls": calls},
        {"role": "user", "content": "!"},
    ]
    turns = to_messages({"messages": chat}, default_max_tokens=1)["messages"]
    said_turns = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    content = said_turns[0] if said_turns else []
    reason = "tool_use" if calls else "end_turn"
    return {"id": "msg_1", "content": content, "stop_reason": reason}


@given(st.none() | TEXT, st.lists(CALL, max_size=3), USAGE)
def test_an_answer_keeps_its_text_calls_and_usage(
    said: str | None, calls: list[dict[str, Any]], usage: Usage
) -> None:
    back = to_completion(anthropic_message(said, calls), usage, model="m", created=0)

    reply = back["choices"][0]["message"]
    assert reply["content"] == said
    assert parsed(reply.get("tool_calls", [])) == parsed(calls)
    assert back["usage"]["prompt_tokens"] == usage.prompt_tokens
    assert back["usage"]["completion_tokens"] == usage.output_tokens
    assert back["usage"]["prompt_tokens_details"]["cached_tokens"] == usage.cache_read_tokens


@given(st.none() | TEXT, st.lists(CALL, max_size=3))
def test_a_streamed_answer_keeps_its_text_and_calls(
    said: str | None, calls: list[dict[str, Any]]
) -> None:
    message = anthropic_message(said, calls)
    writer = ChunkWriter(model="m", created=0, include_usage=False)

    frames = b"".join(writer.write(event) for event in streamed(message)) + writer.end(Usage())

    chunks = [json.loads(f[6:]) for f in frames.decode().split("\n\n") if f.startswith("data: {")]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    heard = "".join(delta.get("content") or "" for delta in deltas)
    assembled: dict[int, dict[str, Any]] = {}
    for part in (call for delta in deltas for call in delta.get("tool_calls", [])):
        whole = assembled.setdefault(part["index"], {"id": "", "function": {"arguments": ""}})
        whole["id"] = part.get("id", whole["id"])
        function = part["function"]
        whole["function"]["name"] = function.get("name", whole["function"].get("name"))
        whole["function"]["arguments"] += function["arguments"]
    assert heard == (said or "")
    assert parsed(list(assembled.values())) == parsed(calls)


def streamed(message: dict[str, Any]) -> list[Event]:
    """The events that the message would come in, its deltas cut in two."""
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"id": "msg_1"}}]
    for index, block in enumerate(message["content"]):
        kind = "text" if block["type"] == "text" else "partial_json"
        whole = block["text"] if kind == "text" else json.dumps(block["input"])
        delta = "text_delta" if kind == "text" else "input_json_delta"
        start = {**block, "input": {}} if kind == "partial_json" else {"type": "text", "text": ""}
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": delta, kind: piece}}
            for piece in (whole[: len(whole) // 2], whole[len(whole) // 2 :])
        ]
        events.append({"type": "content_block_stop", "index": index})
    return [Event.of(json.dumps(event).encode()) for event in events]


@given(st.lists(TOOL, min_size=1, max_size=4))
def test_tools_keep_their_names_words_and_schemas(tools: list[dict[str, Any]]) -> None:
    asked = {"messages": [{"role": "user", "content": "?"}], "tools": tools}

    translated = to_messages(asked, default_max_tokens=1)["tools"]

    assert [
        {"name": t["name"], "description": t["description"], "parameters": t["input_schema"]}
        for t in translated
    ] == [tool["function"] for tool in tools]
