"""The Anthropic Messages shapes that the gateway itself reads and writes."""

import re
from dataclasses import dataclass
from typing import Final

import orjson

from app.core import exact_json
from app.core.json_fields import JsonObject
from app.core.text import repaired
from app.core.usage import Usage
from app.formats.usage import usage_json

LOST: Final = "\ufffd"
"""In the place of a character that could not be read."""

_HEAD: Final = re.compile(rb'\{"type":"([a-z_]+)"')


@dataclass(slots=True)
class Event:
    """One event of a streamed message. Most are passed on unread, so `json` parses on demand."""

    raw: bytes
    """The event on one line."""
    kind: str
    _parsed: JsonObject | None = None
    _as_it_came: bytes | None = None

    @classmethod
    def of(cls, raw: bytes) -> "Event":
        """Raises ValueError, KeyError or TypeError for what is no event. Half a character in its
        text is replaced."""
        head = _HEAD.match(raw)
        if head and b"\n" not in raw and b"\r" not in raw:
            return cls(raw, head[1].decode())
        parsed = exact_json.loads(repaired(raw))
        kind = parsed["type"]
        if not isinstance(kind, str) or not kind.isprintable() or kind == "" or LOST in kind:
            raise ValueError("an event's type must be a word on one line")
        return cls(orjson.dumps(parsed), kind, parsed, raw)

    @property
    def untouched(self) -> bytes:
        """The event byte for byte."""
        return self._as_it_came or self.raw

    @property
    def json(self) -> JsonObject:
        """The parsed event; not to be changed."""
        if self._parsed is None:
            try:
                self._parsed = orjson.loads(self.raw)
            except ValueError:
                self._parsed = orjson.loads(repaired(self.raw))
        return self._parsed


def last_events(open_block: int | None, usage: Usage) -> list[Event]:
    """The events that end a message in order, as if it had reached its token limit."""
    events: list[JsonObject] = []
    if open_block is not None:
        events.append({"type": "content_block_stop", "index": open_block})
    events.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
            "usage": usage_json(usage),
        }
    )
    events.append({"type": "message_stop"})
    return [Event(orjson.dumps(event), event["type"], event) for event in events]
