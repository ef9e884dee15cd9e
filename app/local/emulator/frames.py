"""The frames of a stream: events of the model, and the exceptions of the emulator."""

import orjson

from app.local.emulator.faults import StreamException, streamed
from app.upstream.eventstream import PADDING, frame, headers, padded_chunk


def chunk(event: bytes) -> bytes:
    """The frame around one event of the model, given as JSON; the same event, the same frame."""
    return padded_chunk(event, PADDING[: 1 + len(event) % len(PADDING)])


def exception(kind: StreamException) -> bytes:
    """The frame that ends a stream with an exception."""
    return frame(
        headers(exception_type=kind, content_type="application/json", message_type="exception"),
        orjson.dumps(streamed(kind).body),
    )
