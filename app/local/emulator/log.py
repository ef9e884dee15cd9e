"""The ground truth: every token that was generated, and every call that arrived."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core.usage import Usage

MOST_REQUESTS = 200
SECRET_HEADERS = frozenset(("authorization", "x-amz-security-token", "cookie"))


class BilledCall:
    """One row, written while its answer is generated."""

    __slots__ = ("_finished", "_output_tokens", "_row", "_usage")

    def __init__(self, row: Mapping[str, Any], usage: Usage) -> None:
        self._row = row
        self._usage = usage
        self._output_tokens = 0
        self._finished = False

    def generated(self, tokens: int) -> None:
        """Adds tokens that went out."""
        self._output_tokens += tokens

    def finish(self, output_tokens: int) -> None:
        """The answer is complete and has so many tokens."""
        self._output_tokens = output_tokens
        self._finished = True

    def row(self) -> Mapping[str, Any]:
        usage = self._usage
        return {
            **self._row,
            "input_tokens": usage.input_tokens,
            # `message_start` announces one token already.
            "output_tokens": max(1, self._output_tokens),
            "cache_read_input_tokens": usage.cache_read_tokens,
            "cache_creation_input_tokens": usage.cache_write_5m_tokens
            + usage.cache_write_1h_tokens,
            "cache_creation_5m_input_tokens": usage.cache_write_5m_tokens,
            "cache_creation_1h_input_tokens": usage.cache_write_1h_tokens,
            "finished": self._finished,
        }


class TokenLog:
    """The calls that AWS would bill, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[BilledCall] = []

    def begin(
        self,
        *,
        request_id: str,
        model: str,
        usage: Usage,
        guardrail_units: int,
        stream: bool,
        started_at: datetime,
    ) -> BilledCall:
        """A row for a call whose answer begins now; `model` is the id that was invoked."""
        row = {
            "request_id": request_id,
            "model": model,
            "guardrail_units": guardrail_units,
            "stream": stream,
            "started_at": started_at.isoformat(),
        }
        call = BilledCall(row, usage)
        self._calls.append(call)
        return call

    def rows(self) -> Sequence[Mapping[str, Any]]:
        return [call.row() for call in self._calls]

    def clear(self) -> None:
        self._calls = []


class RequestLog:
    """The last calls received, refused ones too, without their credentials."""

    def __init__(self) -> None:
        self._requests: deque[Mapping[str, Any]] = deque(maxlen=MOST_REQUESTS)

    def add(
        self,
        *,
        request_id: str,
        path: str,
        model: str,
        operation: str,
        headers: Mapping[str, str],
        body: object,
    ) -> None:
        shown = {name: value for name, value in headers.items() if name not in SECRET_HEADERS}
        if "authorization" in headers:
            shown["authorization-scheme"] = headers["authorization"].partition(" ")[0]
        self._requests.append(
            {
                "request_id": request_id,
                "path": path,
                "model": model,
                "operation": operation,
                "headers": shown,
                "body": body,
            }
        )

    def rows(self) -> Sequence[Mapping[str, Any]]:
        return list(self._requests)
