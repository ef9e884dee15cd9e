"""The bytes that the stub answers with, made once for each setting."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.upstream.eventstream import CONTENT_TYPE, frame, headers, padded_chunk

MODEL: Final = "claude-haiku-4-5-20251001"
INPUT_TOKENS: Final = 100
PADDING: Final = "abcdefghijklm"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long until an answer begins, how many deltas a stream has, and how far apart."""

    latency_ms: float = 0
    deltas: int = 20
    delay_ms: float = 0


class Answers:
    """`streams` are lists of frames by the last part of the path."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        # Ids as long as Bedrock's, and no number: those are looked at by who parses JSON.
        self._ids = (f"01{number:x}".ljust(24, "Q") for number in itertools.count(1))
        text = "".join(f"token{number} " for number in range(pace.deltas))
        self._message, self._after_id = _message(text, pace.deltas).split(b"UNIQUE")
        self.conversed = _with_length(_converse(text, pace.deltas))
        self.streams = {
            "invoke-with-response-stream": [
                padded_chunk(_compact(event), PADDING) for event in _events(pace.deltas)
            ],
            "converse-stream": [
                frame(
                    headers(event_type=kind, content_type="application/json", message_type="event"),
                    _compact(payload),
                )
                for kind, payload in _converse_events(pace.deltas)
            ],
        }
        self._start = _compact(_start()).split(b"UNIQUE")

    def invoked(self) -> bytes:
        """InvokeModel's answer, with an id that no other has: ledgers may key on it."""
        id_ = next(self._ids).encode()
        return _with_length(self._message + id_ + self._after_id)

    def pieces(self, action: str) -> list[bytes]:
        """What is written at one time: all at once, unless there are pauses."""
        frames = self.streams[action]
        if action == "invoke-with-response-stream":
            id_ = next(self._ids).encode()
            frames = [padded_chunk(id_.join(self._start), PADDING), *frames]
        if self.pace.delay_ms:
            first, *rest = [_chunk(one) for one in frames]
            return [STREAM_HEAD + first, *rest[:-1], rest[-1] + LAST_CHUNK]
        return [STREAM_HEAD + _chunk(b"".join(frames)) + LAST_CHUNK]


REQUEST_ID: Final = b"x-amzn-requestid: 11111111-2222-3333-4444-555555555555\r\n"
STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n%b\r\n"
    % (CONTENT_TYPE.encode(), REQUEST_ID)
)
LAST_CHUNK: Final = b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _with_length(body: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
        % (len(body), REQUEST_ID, body)
    )


def _usage(output: int) -> dict[str, int]:
    return {
        "input_tokens": INPUT_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
    }


def _shell(content: Sequence[Any], output: int, stop: str | None) -> dict[str, Any]:
    return {
        "id": "msg_bdrk_UNIQUE",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": _usage(output),
    }


def _compact(value: Any) -> bytes:
    """JSON without spaces, as Bedrock writes it."""
    return json.dumps(value, separators=(",", ":")).encode()


def _message(text: str, output: int) -> bytes:
    return _compact(_shell([{"type": "text", "text": text}], output, "end_turn"))


def _start() -> dict[str, Any]:
    return {"type": "message_start", "message": _shell([], 1, None)}


def _events(deltas: int) -> list[dict[str, Any]]:
    """All events of a streamed message after its first."""
    text = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": f"token{number} "},
        }
        for number in range(deltas)
    ]
    metrics = {
        "inputTokenCount": INPUT_TOKENS,
        "outputTokenCount": deltas,
        "invocationLatency": 10,
        "firstByteLatency": 5,
    }
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        *text,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": deltas}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics},
    ]


def _converse_usage(output: int) -> dict[str, int]:
    return {
        "inputTokens": INPUT_TOKENS,
        "outputTokens": output,
        "totalTokens": INPUT_TOKENS + output,
    }


def _converse(text: str, output: int) -> bytes:
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": _converse_usage(output),
        "metrics": {"latencyMs": 10},
    }
    return _compact(answer)


def _converse_events(deltas: int) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("messageStart", {"role": "assistant"}),
        *(
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": f"token{number} "}})
            for number in range(deltas)
        ),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": _converse_usage(deltas), "metrics": {"latencyMs": 10}}),
    ]
