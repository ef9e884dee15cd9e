"""The log: one JSON object a line on standard output. It holds no prompt text and no key."""

import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from app.ledger.record import BudgetState, RequestRecord

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Writes the message and what was given as `extra`. Of an exception it writes the kind and
    the places, never the message: that may quote what a client sent."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC)
        fields = _heading(when, record.levelname, record.name, record.getMessage())
        fields |= {k: v for k, v in vars(record).items() if k not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = record.exc_info[0].__name__
            fields["at"] = _places(record.exc_info[2])
        return _one_line(fields)


def _heading(when: datetime, level: str, logger: str, message: str) -> dict[str, Any]:
    """What every line begins with."""
    return {
        "time": when.isoformat(timespec="milliseconds"),
        "level": level,
        "logger": logger,
        "message": message,
    }


def _one_line(fields: Mapping[str, Any]) -> str:
    """Beyond ASCII there are characters that some readers take for the end of a line."""
    try:
        line = orjson.dumps(fields, default=str)
    except TypeError:  # halves of characters, numbers beyond 64 bits
        return json.dumps(fields, default=str)
    return line.decode() if line.isascii() else json.dumps(fields, default=str)


def _places(traceback: Any) -> list[str]:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-12:]


def configure_logging(level: str) -> None:
    """Send everything to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    # Nobody reads where a line was written and by which thread: to find out takes longer than to
    # write it.
    logging._srcfile = None  # noqa: SLF001 - as logging's own guide says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # These would repeat what the record says, or tell what clients sent.
    for name in ("uvicorn", "botocore", "aiohttp", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.WARNING)


Finished = tuple[RequestRecord, Sequence[BudgetState]]
"""A record, and the budgets it counts against as they are after it."""


class RequestLog:
    """A line for each request, past logging: to make its record takes longer than all the rest."""

    def __init__(self) -> None:
        self._log = logging.getLogger("gateway.request")

    def record(self, records: Iterable[Finished]) -> None:
        """Write several at once."""
        if not self._log.isEnabledFor(logging.INFO):
            return
        heading = _heading(datetime.now(UTC), "INFO", self._log.name, "request")
        lines = [_one_line(heading | _told(*finished)) + "\n" for finished in records]
        sys.stdout.write("".join(lines))
        sys.stdout.flush()


def _told(record: RequestRecord, budgets: Sequence[BudgetState]) -> dict[str, Any]:
    usage = record.usage
    return {
        "request_id": record.request_id,
        "api_format": record.api_format,
        "route": record.route,
        "status": record.status,
        "ending": record.ending,
        "error_code": record.error_code,
        "key_id": record.key_id,
        "key_alias": record.key_alias,
        "key_name": record.key_name,
        "user_id": record.user_id,
        "model": record.model,
        "upstream_model": record.upstream_model,
        "stream": record.stream,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_5m_tokens": usage.cache_write_5m_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "cost_usd": str(record.cost),
        "estimated": record.estimated,
        "latency_ms": round(record.latency_seconds * 1000, 1),
        "ttfb_ms": _milliseconds(record.ttfb_seconds),
        "upstream_ms": round(record.upstream_seconds * 1000, 1),
        "upstream_request_id": record.upstream_request_id,
        "session_id": record.session_id,
        "user_agent": record.user_agent,
        "agent": record.agent,
        "tags": record.tags,
        "guardrail": record.guardrail,
        "budget_warnings": [
            f"{standing.account.scope} {level}"
            for standing in budgets
            if (level := standing.warning)
        ],
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
