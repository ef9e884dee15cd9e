"""Where ECS gets a task's AWS credentials, as a server that can fail."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.support.processes import EMULATOR

LIFE_SECONDS = 30
"""Less than botocore wants to be left, so it asks for others at every call."""


@dataclass
class Credentials:
    """While it is not `working`, it answers 500."""

    url: str = ""
    working: bool = True
    asked: int = 0

    def settings(self) -> dict[str, str]:
        """Of a gateway that has no keys of its own."""
        return {
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.url,
        }

    def answer(self) -> bytes:
        end = datetime.now(UTC) + timedelta(seconds=LIFE_SECONDS)
        return json.dumps(
            {
                "AccessKeyId": EMULATOR.access_key,
                "SecretAccessKey": EMULATOR.secret_key,
                "Token": "of-a-task",
                "Expiration": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            }
        ).encode()


@contextmanager
def credentials() -> Iterator[Credentials]:
    found = Credentials()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked += 1
            self.send_response(200 if found.working else 500)
            self.end_headers()
            self.wfile.write(found.answer() if found.working else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            del format, args

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
