"""One session: open the data channel, shake hands, and read until the command has ended."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException
from websockets.sync.client import ClientConnection, connect

from ops.errors import OpsError, TimedOut, Unreachable
from ops.session.encryption import Encryption
from ops.session.frames import (
    CLOSED,
    INPUT_STREAM,
    OUTPUT_STREAM,
    BrokenFrame,
    Frame,
    Kind,
    acknowledgement,
    decoded,
)

CLIENT_VERSION: Final = "1.2.700.0"
OPEN_SECONDS: Final = 10
AHEAD: Final = 10_000
"""Messages that may wait for one before them; the agent sends far fewer without an answer."""
SUCCESS, UNSUPPORTED = 1, 3


@dataclass(slots=True)
class Channel:
    """A session under way."""

    socket: ClientConnection
    encrypt: Callable[[str], Encryption]
    """Makes the session's encryption with the KMS key of that id."""
    encryption: Encryption | None = None
    expected: int = 0
    sent: int = 0
    early: dict[int, Frame] = field(default_factory=dict)

    def open(self, token: str) -> None:
        hello = {
            "MessageSchemaVersion": "1.0",
            "RequestId": str(uuid.uuid4()),
            "TokenValue": token,
            "ClientId": str(uuid.uuid4()),
            "ClientVersion": CLIENT_VERSION,
        }
        self.socket.send(json.dumps(hello))

    def output(self, deadline: float) -> Iterator[bytes]:
        """What the command writes, in order and once, until the agent closes the channel."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            raw = self.socket.recv(timeout=left)
            if isinstance(raw, str):
                continue
            frame = decoded(raw)
            if frame.type == CLOSED:
                return
            if frame.type == OUTPUT_STREAM:
                self._send(acknowledgement(frame, _now()))
                yield from self._in_order(frame)

    def _in_order(self, frame: Frame) -> Iterator[bytes]:
        if frame.sequence < self.expected:
            return  # sent again, as our acknowledgement was late
        self.early[frame.sequence] = frame
        if len(self.early) > AHEAD:
            raise BrokenFrame("messages are missing")
        while self.expected in self.early:
            following = self.early.pop(self.expected)
            self.expected += 1
            yield from self._handled(following)

    def _handled(self, frame: Frame) -> Iterator[bytes]:
        match frame.kind:
            case Kind.HANDSHAKE_REQUEST:
                self._shake_hands(frame.json())
            case Kind.CHALLENGE_REQUEST:
                self._answer_challenge(frame.json())
            case Kind.OUTPUT | Kind.STDERR:
                yield self._plain(frame.payload)

    def _plain(self, data: bytes) -> bytes:
        return self.encryption.decrypt(data) if self.encryption else data

    def _shake_hands(self, request: Mapping[str, Any]) -> None:
        processed = [self._processed(one) for one in request.get("RequestedClientActions", ())]
        errors = [one["Error"] for one in processed if one["Error"]]
        self._answer(
            Kind.HANDSHAKE_RESPONSE,
            {
                "ClientVersion": CLIENT_VERSION,
                "ProcessedClientActions": processed,
                "Errors": errors,
            },
        )

    def _processed(self, action: Mapping[str, Any]) -> dict[str, Any]:
        kind = action.get("ActionType", "")
        done: dict[str, Any] = {"ActionType": kind, "ActionStatus": SUCCESS, "Error": ""}
        match kind:
            case "SessionType":
                return done
            case "KMSEncryption":
                self.encryption = self.encrypt(action["ActionParameters"]["KMSKeyId"])
                key = base64.b64encode(self.encryption.wrapped).decode()
                return done | {"ActionResult": {"KMSCipherTextKey": key}}
            case _:
                error = f"Unsupported action {kind}"
                return done | {"ActionStatus": UNSUPPORTED, "Error": error}

    def _answer_challenge(self, request: Mapping[str, Any]) -> None:
        """Show that our key is the agent's: its words, encrypted anew."""
        if self.encryption is None:
            raise BrokenFrame("a challenge without encryption")
        words = self.encryption.decrypt(base64.b64decode(request["Challenge"]))
        answer = base64.b64encode(self.encryption.encrypt(words)).decode()
        self._answer(Kind.CHALLENGE_RESPONSE, {"Challenge": answer})

    def _answer(self, kind: Kind, content: Mapping[str, Any]) -> None:
        payload = json.dumps(content).encode()
        self._send(Frame(INPUT_STREAM, payload, kind, self.sent, created_ms=_now()))
        self.sent += 1

    def _send(self, frame: Frame) -> None:
        self.socket.send(frame.encoded())


def run(
    session: Mapping[str, str],
    encrypt: Callable[[str], Encryption],
    take: Callable[[bytes], None],
    seconds: float,
) -> None:
    """Give `take` all that the command writes. Raises OpsError."""
    deadline = time.monotonic() + seconds
    try:
        with connect(
            session["streamUrl"], max_size=None, open_timeout=OPEN_SECONDS, ping_interval=60
        ) as socket:
            channel = Channel(socket, encrypt)
            channel.open(session["tokenValue"])
            for data in channel.output(deadline):
                take(data)
    except TimeoutError as error:
        raise TimedOut(
            f"The command did not end within {seconds:.0f} s.", "It may go on in the container."
        ) from error
    except ConnectionClosed as error:
        raise Unreachable(f"The session broke off: {error}") from error
    except BrokenFrame as error:
        raise OpsError(f"The session cannot be understood: {error}") from error
    except (InvalidURI, WebSocketException, OSError) as error:
        raise Unreachable(f"The session cannot be opened: {error}") from error


def _now() -> int:
    return int(time.time() * 1000)
