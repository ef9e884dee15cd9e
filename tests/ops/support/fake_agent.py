"""Session Manager and its agent: a real websocket, the real messages, and the command really run.

By choice messages come late, twice, or encrypted. Written from the published protocol, so what it
does not prove is that AWS's own agent keeps to it.
"""

import base64
import json
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from ops.session.encryption import Encryption
from ops.session.frames import (
    ACKNOWLEDGE,
    CLOSED,
    INPUT_STREAM,
    OUTPUT_STREAM,
    Frame,
    Kind,
    decoded,
)
from tests.ops.support.fake_client import FakeService
from tests.ops.support.fake_ecs import FakeEcs


class FakeKms(FakeService):
    """Makes data keys, and opens them for the agent."""

    service = "kms"

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[bytes, bytes] = {}

    def generate_data_key(
        self, KeyId: str, NumberOfBytes: int, EncryptionContext: Mapping[str, str]
    ) -> Mapping[str, Any]:
        context = json.dumps(EncryptionContext, sort_keys=True).encode()
        wrapped = secrets.token_bytes(16) + context
        self.keys[wrapped] = secrets.token_bytes(NumberOfBytes)
        return {"Plaintext": self.keys[wrapped], "CiphertextBlob": wrapped, "KeyId": KeyId}


@dataclass
class FakeAgent:
    """What the next session does."""

    ecs: FakeEcs
    kms: FakeKms | None = None
    shuffled: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    session_id: str = "ecs-execute-command-0123456789"
    breaks_off: bool = False
    stays_silent: bool = False
    unsupported: bool = False
    hello: dict[str, Any] = field(default_factory=dict)
    acknowledged: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def handle(self, socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            Session(self, socket).run()


class Session:
    """One connection."""

    def __init__(self, agent: FakeAgent, socket: ServerConnection) -> None:
        self.agent = agent
        self.socket = socket
        self.sequence = 0
        self.encryption: Encryption | None = None

    def run(self) -> None:
        self.agent.hello = json.loads(self.socket.recv(timeout=30))
        if self.agent.hello["TokenValue"] != self.agent.token:
            self.socket.close(1008, "bad token")
            return
        if self.agent.stays_silent:
            self.socket.recv()
        self._shake_hands()
        self._send(Kind.HANDSHAKE_COMPLETE, b'{"HandshakeTimeToComplete": 1}')
        self._output(self._ran())
        if self.agent.breaks_off:
            return
        closed = json.dumps({"SessionId": self.agent.session_id, "Output": ""}).encode()
        self.socket.send(Frame(CLOSED, closed).encoded())
        self._collect()

    def _shake_hands(self) -> None:
        actions = [{"ActionType": "SessionType", "ActionParameters": {"SessionType": "x"}}]
        if self.agent.kms:
            key = {"KMSKeyId": "arn:aws:kms:us-west-1:123456789012:key/1"}
            actions.append({"ActionType": "KMSEncryption", "ActionParameters": key})
        if self.agent.unsupported:
            actions.append({"ActionType": "Dance", "ActionParameters": {}})
        request = {"AgentVersion": "3.3.0.0", "RequestedClientActions": actions}
        self._send(Kind.HANDSHAKE_REQUEST, json.dumps(request).encode())
        response = self._receive(Kind.HANDSHAKE_RESPONSE)
        self.agent.errors = response["Errors"]
        if self.agent.kms:
            (result,) = (
                one["ActionResult"]
                for one in response["ProcessedClientActions"]
                if one["ActionType"] == "KMSEncryption"
            )
            wrapped = base64.b64decode(result["KMSCipherTextKey"])
            self._challenge(self.agent.kms.keys[wrapped], wrapped)

    def _challenge(self, key: bytes, wrapped: bytes) -> None:
        # What goes out here comes in there.
        half = len(key) // 2
        self.encryption = Encryption(key[half:] + key[:half], wrapped)
        words = secrets.token_bytes(64)
        sent = base64.b64encode(self.encryption.encrypt(words)).decode()
        self._send(Kind.CHALLENGE_REQUEST, json.dumps({"Challenge": sent}).encode())
        answer = base64.b64decode(self._receive(Kind.CHALLENGE_RESPONSE)["Challenge"])
        assert self.encryption.decrypt(answer) == words

    def _ran(self) -> list[bytes]:
        """What the command wrote, in pieces, with a terminal's line ends."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            shlex.split(self.agent.ecs.commands[-1]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            env={**os.environ, "PATH": path},
        )
        written = done.stdout.replace(b"\n", b"\r\n")
        return [written[at : at + 1024] for at in range(0, len(written), 1024)]

    def _output(self, pieces: list[bytes]) -> None:
        frames = []
        for piece in pieces:
            payload = self.encryption.encrypt(piece) if self.encryption else piece
            frames.append(self._frame(Kind.OUTPUT, payload))
        if self.agent.shuffled:
            pairs = [frames[at : at + 2] for at in range(0, len(frames), 2)]
            frames = [frame for pair in pairs for frame in [*reversed(pair), pair[0]]]
        for frame in frames:
            self.socket.send(frame.encoded())

    def _send(self, kind: Kind, payload: bytes) -> None:
        self.socket.send(self._frame(kind, payload).encoded())

    def _frame(self, kind: Kind, payload: bytes) -> Frame:
        frame = Frame(OUTPUT_STREAM, payload, kind, self.sequence, 1 if self.sequence == 0 else 0)
        self.sequence += 1
        return frame

    def _receive(self, kind: Kind) -> Any:
        """The client's next message of that kind; acknowledgements are noted."""
        while True:
            raw = self.socket.recv(timeout=30)
            assert isinstance(raw, bytes)
            frame = decoded(raw)
            if frame.type == ACKNOWLEDGE:
                self._note(frame)
            elif frame.type == INPUT_STREAM and frame.kind == kind:
                return frame.json()

    def _collect(self) -> None:
        """What is still acknowledged until the client has gone."""
        while True:
            raw = self.socket.recv(timeout=30)
            assert isinstance(raw, bytes)
            self._note(decoded(raw))

    def _note(self, frame: Frame) -> None:
        self.agent.acknowledged.append(frame.json()["AcknowledgedMessageSequenceNumber"])


@contextmanager
def serving(agent: FakeAgent) -> Iterator[FakeAgent]:
    """The agent behind an address, which ECS hands out with its next session."""
    with serve(agent.handle, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        agent.ecs.session = {
            "sessionId": agent.session_id,
            "streamUrl": f"ws://127.0.0.1:{port}/v1/data-channel/{agent.session_id}",
            "tokenValue": agent.token,
        }
        yield agent
        server.shutdown()
        thread.join(5)
