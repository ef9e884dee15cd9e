"""Server-sent events."""

PING = b'event: ping\ndata: {"type":"ping"}\n\n'

COMMENT = b": ping\n\n"
"""Fills silence for clients that would read a `ping` event as data."""

DONE = b"data: [DONE]\n\n"


def event(kind: str, data: bytes) -> bytes:
    """A named event; `data` is one line of JSON."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def data(payload: bytes) -> bytes:
    """An event without a name, as OpenAI's clients expect it."""
    return b"data: %b\n\n" % payload
