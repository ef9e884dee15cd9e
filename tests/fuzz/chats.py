"""Chats and answers as they may well be."""

import json
from collections.abc import Iterator
from typing import Any, Final

import orjson
from hypothesis import strategies as st

from app.core.json_fields import JsonObject
from tests.unit.formats.test_round_trip import CALL, NAME, TEXT, TOOL, VALUES

CALLS: Final[st.SearchStrategy[JsonObject]] = CALL
TOOLS: Final[st.SearchStrategy[JsonObject]] = TOOL

PNG: Final = "data:image/png;base64,iVBORw0KGgo="
PARTS: Final = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXT),
    st.just({"type": "image_url", "image_url": {"url": PNG}}),
)
EFFORTS: Final = st.sampled_from([None, "none", "minimal", "low", "medium", "high"])


@st.composite
def chats(draw: st.DrawFn) -> JsonObject:
    """Whoever is asked to call a tool gets its result, and the user has the last word."""
    messages: list[JsonObject] = [
        {"role": role, "content": draw(TEXT)}
        for role in draw(st.lists(st.sampled_from(["system", "developer"]), max_size=2))
    ]
    tools = draw(st.lists(TOOLS, max_size=3, unique_by=lambda tool: str(tool["function"]["name"])))
    for turn in range(draw(st.integers(0, 3))):
        messages.append(
            {"role": "user", "content": draw(TEXT | st.lists(PARTS, min_size=1, max_size=3))}
        )
        calls = (
            draw(st.lists(CALLS, max_size=2, unique_by=lambda call: str(call["id"])))
            if tools
            else []
        )
        for call in calls:
            call["id"] += f"_{turn}"
            call["function"]["name"] = draw(st.sampled_from(tools))["function"]["name"]
        said: JsonObject = {"role": "assistant", "content": draw(TEXT)}
        messages.append(said | ({"tool_calls": calls} if calls else {}))
        messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": draw(TEXT)} for call in calls
        ]
    messages.append({"role": "user", "content": draw(TEXT)})
    optional = {
        "tools": tools or None,
        "tool_choice": draw(st.sampled_from([None, "auto", "none", "required"])) if tools else None,
        "parallel_tool_calls": draw(st.sampled_from([None, True, False])) if tools else None,
        "temperature": draw(st.sampled_from([None, 0, 0.7, 1, 2])),
        "top_p": draw(st.sampled_from([None, 0.95, 1])),
        "reasoning_effort": draw(EFFORTS),
        "stop": draw(st.sampled_from([None, "END", ["END", "STOP"]])),
        "response_format": draw(st.sampled_from([None, {"type": "text"}, {"type": "json_object"}])),
        "max_tokens": draw(st.integers(1100, 4000)),
        "user": draw(st.sampled_from([None, "ada"])),
        "seed": 7,
        "store": True,
    }
    return {"messages": messages, **{n: v for n, v in optional.items() if v is not None}}


def said_by(request: JsonObject) -> set[str]:
    """Words that no translation may lose: texts, names and ids of calls, pictures."""
    found: set[str] = set()
    for message in request["messages"]:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        found |= {p["text"] if p["type"] == "text" else PNG.partition(",")[2] for p in parts}
        for call in message.get("tool_calls", []):
            found |= {call["id"], call["function"]["name"]}
            found |= {
                v for v in json.loads(call["function"]["arguments"]).values() if isinstance(v, str)
            }
    return found | {tool["function"]["name"] for tool in request.get("tools", [])}


def _block(kind: str, number: int, text: str, name: str, given: dict[str, Any]) -> JsonObject:
    match kind:
        case "text":
            return {"type": "text", "text": text}
        case "thinking":
            return {"type": "thinking", "thinking": text, "signature": f"signed {number}"}
        case "redacted_thinking":
            return {"type": "redacted_thinking", "data": f"sealed {number}"}
        case _:
            return {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}


BLOCKS: Final = st.builds(
    _block,
    st.sampled_from(["text", "thinking", "redacted_thinking", "tool_use"]),
    st.integers(0, 99),
    TEXT,
    NAME,
    VALUES,
)
REASONS: Final = st.sampled_from(
    [
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "refusal",
        "pause_turn",
        "made_up",
        None,
    ]
)
ANSWERS: Final = st.builds(
    lambda content, reason: {"id": "msg_1", "content": content, "stop_reason": reason},
    st.lists(BLOCKS, max_size=5),
    REASONS,
)


def events_of(message: JsonObject) -> Iterator[JsonObject]:
    """The stream that the message would have been, each text in two pieces."""
    yield {"type": "message_start", "message": {**message, "content": []}}
    for index, block in enumerate(message["content"]):
        begun, deltas = _pieces(block)
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": message["stop_reason"]}}


def _pieces(block: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
    match block["type"]:
        case "text":
            return {**block, "text": ""}, [
                {"type": "text_delta", "text": half} for half in _halves(block["text"])
            ]
        case "thinking":
            thoughts: list[JsonObject] = [
                {"type": "thinking_delta", "thinking": half} for half in _halves(block["thinking"])
            ]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*thoughts, signed]
        case "tool_use":
            given = orjson.dumps(block["input"]).decode() if block["input"] else ""
            return {**block, "input": {}}, [
                {"type": "input_json_delta", "partial_json": half} for half in _halves(given)
            ]
        case _:
            return block, []


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]
