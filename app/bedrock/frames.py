"""Amazon's event stream as Anthropic events."""

import base64
import binascii

import orjson
from botocore.eventstream import EventStreamBuffer, EventStreamMessage, ParserError

from app.bedrock.errors import upstream_error
from app.errors import GatewayError, UpstreamBroke


class FrameReader:
    """Takes bytes as they come, and gives back the events that are whole.

    After a frame that is an exception, or that is no frame at all, `failure` says which error the
    stream has ended with; events before it are still given back.
    """

    def __init__(self) -> None:
        self._buffer = EventStreamBuffer()
        self.failure: GatewayError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The events, each Anthropic's JSON, that `data` completes."""
        events: list[bytes] = []
        self._buffer.add_data(data)
        try:
            for message in self._buffer:
                events += self._event(message)
        except (ParserError, ValueError, KeyError, TypeError, binascii.Error) as error:
            self.failure = UpstreamBroke("Bedrock's answer could not be read.")
            self.failure.__cause__ = error
        return events

    def _event(self, message: EventStreamMessage) -> list[bytes]:
        """The event of a frame, if it is one."""
        headers = message.headers
        if headers.get(":message-type") == "event":
            if headers.get(":event-type") != "chunk":
                return []
            return [base64.b64decode(orjson.loads(message.payload)["bytes"])]
        name = headers.get(":exception-type") or headers.get(":error-code") or "unknown"
        self.failure = upstream_error(str(name), _message(message.payload))
        return []


def _message(payload: bytes) -> str:
    try:
        return str(orjson.loads(payload).get("message", ""))
    except (ValueError, AttributeError):
        return ""
