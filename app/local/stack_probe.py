"""Speaking to the stack's parts over HTTP, on loopback and past any proxy."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass

from app.local.ports import HOST


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and, where there was one, the JSON object of the body."""

    status: int
    body: Mapping[str, object]

    @property
    def words(self) -> str:
        return json.dumps(self.body)[:500]


def call(
    port: int, method: str, path: str, *, key: str = "", body: Mapping[str, object] | None = None
) -> Answer | None:
    """One request; None when nobody answers."""
    headers = {"content-type": "application/json", "connection": "close"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        return Answer(response.status, _object(response.read()))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _object(content: bytes) -> dict[str, object]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def health(port: int, path: str) -> str:
    """`ok`, or in a few words what is wrong."""
    answer = call(port, "GET", path)
    if answer is None:
        return "no answer"
    return "ok" if answer.status == 200 else f"HTTP {answer.status}"
