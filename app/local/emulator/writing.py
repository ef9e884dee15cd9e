"""The two forms of an answer on the wire: one message, or a stream of events."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.core.usage import Usage
from app.local.emulator.answer import (
    Answer,
    Block,
    Envelope,
    Step,
    Summary,
    Text,
    Thought,
    ToolUse,
)

JsonObject = Mapping[str, Any]


def message(answer: Answer, envelope: Envelope) -> JsonObject:
    """The reply to `invoke`."""
    return {
        **_head(envelope),
        "content": [_whole(block) for block in answer.blocks],
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "usage": _final_usage(answer, envelope.usage),
        **_guardrail(answer),
    }


def steps(
    answer: Answer, envelope: Envelope, *, tokens_per_delta: int, latency_ms: int
) -> Iterator[Step]:
    """The events of `invoke-with-response-stream`, in order."""
    head = {
        **_head(envelope),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(envelope.usage, 1),
    }
    yield _step({"type": "message_start", "message": head})
    for index, block in enumerate(answer.blocks):
        start = {"type": "content_block_start", "index": index, "content_block": _opening(block)}
        yield _step(start)
        for delta, tokens in _deltas(block, tokens_per_delta):
            yield _step({"type": "content_block_delta", "index": index, "delta": delta}, tokens)
        yield _step({"type": "content_block_stop", "index": index})
    yield _step(
        {
            "type": "message_delta",
            "delta": {"stop_reason": answer.stop_reason, "stop_sequence": answer.stop_sequence},
            "usage": {
                "output_tokens": answer.message_tokens,
                **_iterations(answer, envelope.usage),
            },
        }
    )
    yield _step(
        {
            "type": "message_stop",
            **_guardrail(answer),
            "amazon-bedrock-invocationMetrics": _metrics(answer, envelope.usage, latency_ms),
        }
    )


def _step(event: JsonObject, tokens: int = 0) -> Step:
    return Step(orjson.dumps(event), tokens)


def _head(envelope: Envelope) -> JsonObject:
    return {
        "id": envelope.message_id,
        "type": "message",
        "role": "assistant",
        "model": envelope.model,
    }


def _guardrail(answer: Answer) -> JsonObject:
    if (work := answer.guardrail) is None:
        return {}
    action = {"amazon-bedrock-guardrailAction": work.action}
    if not work.traced:
        return action
    trace = {
        "input": {"abc123": _assessment(work.prompt_units)},
        "outputs": [{"abc123": _assessment(work.answer_units)}] if work.answer_units else [],
    }
    return {**action, "amazon-bedrock-trace": {"guardrail": trace}}


def _assessment(units: int) -> JsonObject:
    usage = {
        "topicPolicyUnits": units,
        "contentPolicyUnits": units,
        "wordPolicyUnits": units,
        "sensitiveInformationPolicyUnits": 0,
        "sensitiveInformationPolicyFreeUnits": 0,
        "contextualGroundingPolicyUnits": 0,
    }
    return {"invocationMetrics": {"guardrailProcessingLatency": 1, "usage": usage}}


def _usage(usage: Usage, output_tokens: int) -> JsonObject:
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": output_tokens,
    }


def _final_usage(answer: Answer, prompt: Usage) -> JsonObject:
    return {**_usage(prompt, answer.message_tokens), **_iterations(answer, prompt)}


def _iterations(answer: Answer, prompt: Usage) -> JsonObject:
    """The steps of an answer, where there was more than the answer itself."""
    if (summary := answer.summary) is None:
        return {}
    steps = [{"type": "compaction", **_usage(summary.prompt, len(summary.pieces))}]
    if answer.stop_reason != "compaction":
        steps.append({"type": "message", **_usage(prompt, answer.message_tokens)})
    return {"iterations": steps}


def _metrics(answer: Answer, usage: Usage, latency_ms: int) -> JsonObject:
    return {
        "inputTokenCount": usage.input_tokens,
        "outputTokenCount": answer.message_tokens,
        "invocationLatency": latency_ms,
        "firstByteLatency": latency_ms,
        "cacheReadInputTokenCount": usage.cache_read_tokens,
        "cacheWriteInputTokenCount": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
    }


def _whole(block: Block) -> JsonObject:
    text = "".join(block.pieces)
    match block:
        case Thought():
            shown = text if block.shown else ""
            return {"type": "thinking", "thinking": shown, "signature": block.signature}
        case Summary():
            return {"type": "compaction", "content": text}
        case Text():
            return {"type": "text", "text": text}
        case ToolUse():
            return {**_opening(block), "input": _parsed(text)}


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # Cut short by max_tokens.
        return {}


def _opening(block: Block) -> JsonObject:
    match block:
        case Thought():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Summary():
            return {"type": "compaction", "content": None}
        case Text():
            return {"type": "text", "text": ""}
        case ToolUse():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": {}}


def _deltas(block: Block, size: int) -> Iterator[tuple[JsonObject, int]]:
    if isinstance(block, Thought) and not block.shown:
        yield {"type": "signature_delta", "signature": block.signature}, len(block.pieces)
        return
    if isinstance(block, Summary):
        yield {"type": "compaction_delta", "content": "".join(block.pieces)}, len(block.pieces)
        return
    kind, field = {
        Thought: ("thinking_delta", "thinking"),
        Text: ("text_delta", "text"),
        ToolUse: ("input_json_delta", "partial_json"),
    }[type(block)]
    for start in range(0, len(block.pieces), size):
        pieces = block.pieces[start : start + size]
        yield {"type": kind, field: "".join(pieces)}, len(pieces)
    if isinstance(block, Thought):
        yield {"type": "signature_delta", "signature": block.signature}, 0
