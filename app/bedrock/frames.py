"""Amazon's event stream as Anthropic events."""

import binascii

import orjson

from app.bedrock.errors import upstream_error
from app.errors import GatewayError, UpstreamBroke
from app.wire.eventstream_reading import Message, MessageReader


class FrameReader:
    """Takes bytes as they come, and gives back the events that are whole.

    After a frame that is an exception, or that is no frame at all, `failure` says which error the
    stream has ended with; events before it are still given back.
    """

    def __init__(self) -> None:
        self._messages = MessageReader()
        self.failure: GatewayError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The events, each Anthropic's JSON, that `data` completes."""
        events: list[bytes] = []
        try:
            for message in self._messages.feed(data):
                if (event := self._event(message)) is not None:
                    events.append(event)  # noqa: PERF401 - those before a broken one stay
        except (ValueError, KeyError, TypeError) as error:
            self.failure = UpstreamBroke("Bedrock's answer could not be read.")
            self.failure.__cause__ = error
        return events

    def _event(self, message: Message) -> bytes | None:
        """The event of a frame, if it is one."""
        headers = message.headers
        if headers.get(":message-type") == "event":
            if headers.get(":event-type") != "chunk":
                return None
            return binascii.a2b_base64(orjson.loads(message.payload)["bytes"])
        name = headers.get(":exception-type") or headers.get(":error-code") or "unknown"
        self.failure = upstream_error(name, _message(message.payload))
        return None


def _message(payload: bytes) -> str:
    try:
        return str(orjson.loads(payload).get("message", ""))
    except (ValueError, AttributeError):
        return ""
