"""Anthropic replies as Chat Completions replies, whole and streamed."""

from typing import Final

import orjson

from app.core.json_fields import JsonObject
from app.core.usage import Usage
from app.formats import sse
from app.formats.events import Event

FINISH_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}

THINKING: Final = frozenset({"thinking", "redacted_thinking"})
"""Blocks that are given as `thinking_blocks`, to be sent back as they are, and their text as
`reasoning_content`: the names that LiteLLM gave them."""


def usage_json(usage: Usage) -> JsonObject:
    """OpenAI's `usage`: the prompt holds cached tokens too."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
    }


def completion_id(message_id: str) -> str:
    return f"chatcmpl-{message_id.removeprefix('msg_')}"


def to_completion(message: JsonObject, usage: Usage, *, model: str, created: int) -> JsonObject:
    """A whole reply; `created` is in seconds since the epoch."""
    content = [block for block in message.get("content") or () if isinstance(block, dict)]
    said = "".join(b.get("text") or "" for b in content if b.get("type") == "text")
    calls = [
        _call(str(b.get("id")), str(b.get("name")), orjson.dumps(b.get("input", {})).decode())
        for b in content
        if b.get("type") == "tool_use"
    ]
    reply: JsonObject = {"role": "assistant", "content": said or None, "refusal": None}
    if thoughts := [b for b in content if b.get("type") in THINKING]:
        reply["reasoning_content"] = "".join(b.get("thinking") or "" for b in thoughts)
        reply["thinking_blocks"] = thoughts
    if calls:
        reply["tool_calls"] = calls
    return {
        "id": completion_id(str(message.get("id", ""))),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": reply,
                "logprobs": None,
                "finish_reason": FINISH_REASONS.get(message.get("stop_reason") or "", "stop"),
            }
        ],
        "usage": usage_json(usage),
    }


def _call(id_: str, name: str, arguments: str) -> JsonObject:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


class ChunkWriter:
    """Turns the events of one message into `chat.completion.chunk`s."""

    def __init__(self, *, model: str, created: int, include_usage: bool) -> None:
        self._head: JsonObject = {
            "id": "chatcmpl-",
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._include_usage = include_usage
        self._calls = -1
        self._lacks_arguments = False
        self._thought: JsonObject = {}
        self._finish = "stop"

    def write(self, event: Event) -> bytes:
        """The frames that an event becomes; often none."""
        match event.kind:
            case "message_start":
                self._head["id"] = completion_id(str(event.json["message"].get("id", "")))
                return self._chunk({"role": "assistant", "content": ""})
            case "content_block_start":
                return self._start(event.json.get("content_block", {}))
            case "content_block_delta":
                return self._delta(event.json.get("delta", {}))
            case "content_block_stop":
                return self._stop()
            case "message_delta":
                reason = (event.json.get("delta") or {}).get("stop_reason") or ""
                self._finish = FINISH_REASONS.get(reason, "stop")
                return b""
            case _:
                return b""

    def end(self, usage: Usage) -> bytes:
        """The last frames: the finish reason, the usage if it was asked for, and `[DONE]`."""
        frames = self._chunk({}, finish=self._finish)
        if self._include_usage:
            frames += sse.data(
                orjson.dumps({**self._head, "choices": [], "usage": usage_json(usage)})
            )
        return frames + sse.DONE

    def cut(self) -> None:
        """The answer ends early for want of budget."""
        self._finish = "length"

    def filtered(self) -> None:
        """A guardrail intervened."""
        self._finish = "content_filter"

    def _start(self, block: JsonObject) -> bytes:
        if block.get("type") in THINKING:
            self._thought = dict(block)
            return b""
        if block.get("type") != "tool_use":
            return b""
        self._calls += 1
        self._lacks_arguments = True
        call = _call(str(block.get("id")), str(block.get("name")), "")
        return self._chunk({"tool_calls": [{"index": self._calls, **call}]})

    def _delta(self, delta: JsonObject) -> bytes:
        match delta.get("type"):
            case "text_delta":
                return self._chunk({"content": delta.get("text", "")})
            case "thinking_delta":
                thought = delta.get("thinking", "")
                self._thought["thinking"] = self._thought.get("thinking", "") + thought
                return self._chunk({"reasoning_content": thought})
            case "signature_delta":
                self._thought["signature"] = delta.get("signature", "")
                return b""
            case "input_json_delta":
                return self._arguments(delta.get("partial_json", ""))
            case _:
                return b""

    def _arguments(self, part: str) -> bytes:
        self._lacks_arguments = self._lacks_arguments and not part
        call = {"index": self._calls, "function": {"arguments": part}}
        return self._chunk({"tool_calls": [call]})

    def _stop(self) -> bytes:
        if self._lacks_arguments:
            # Claude sends nothing for a call without arguments; OpenAI's clients parse JSON.
            return self._arguments("{}")
        thought, self._thought = self._thought, {}
        return self._chunk({"thinking_blocks": [thought]}) if thought else b""

    def _chunk(self, delta: JsonObject, *, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = {**self._head, "choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return sse.data(orjson.dumps(chunk))
