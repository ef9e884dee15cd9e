"""Settlements that the database could not take, kept on disk until it can.

One file a settlement, written whole or not at all, so that several processes may share the
directory and a crash leaves nothing torn. Settling is idempotent: a file may be replayed twice.
"""

import asyncio
import errno
import logging
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from app.core.budgets import Window
from app.core.pricing import Cost
from app.core.usage import Usage
from app.errors import GatewayError
from app.ledger.record import BudgetCounter, Ledger, RequestRecord, Scope

log = logging.getLogger(__name__)

VERSION: Final = 1
"""Of the files' form."""

KEPT: Final = (
    "request_id", "started_at", "finished_at", "api_format", "status", "ending", "error_code",
    "key_id", "user_id", "model", "upstream_model", "upstream_request_id", "stream", "usage",
    "cost", "cost_parts", "estimated", "latency_seconds", "ttfb_seconds", "session_id", "agent",
    "user_agent", "tags", "counters",
)  # fmt: skip
"""The fields of a record that its settlement needs."""


class FileSpool:
    """Implements the port Spool."""

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        """Raises ValueError for a directory that cannot be made."""
        self._directory = directory
        self._max_bytes = max_bytes
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ValueError(f"the spool cannot be in {directory}: {error.strerror}") from error
        self._bytes = sum(f.stat().st_size for f in self._files())

    @property
    def bytes(self) -> int:
        """About how much of the bound is used."""
        return self._bytes

    @property
    def size(self) -> int:
        """Settlements that wait."""
        return len(self._files())

    async def add(self, record: RequestRecord) -> None:
        content = encode(record)
        if self._bytes + len(content) > self._max_bytes:
            raise OSError(errno.ENOSPC, "the spool has reached its bound", str(self._directory))
        self._bytes += len(content)
        try:
            await asyncio.to_thread(_write, self._directory / record.request_id, content)
        except OSError:
            self._bytes -= len(content)
            raise

    async def replay(self, ledger: Ledger) -> int:
        count = 0
        for file in await asyncio.to_thread(self._files):
            content = await asyncio.to_thread(_read, file)
            if content is None:
                continue
            try:
                record = decode(content)
            except (ValueError, KeyError, TypeError, ArithmeticError):
                log.critical("a spooled settlement cannot be read", extra={"file": str(file)})
                self._set_aside(file, ".unreadable", len(content))
                continue
            try:
                await ledger.settle(record)
            except GatewayError:
                raise
            except Exception:
                log.critical(
                    "a spooled settlement is refused", extra={"file": str(file)}, exc_info=True
                )
                self._set_aside(file, ".refused", len(content))
                continue
            file.unlink(missing_ok=True)
            self._bytes = max(0, self._bytes - len(content))
            count += 1
        return count

    def _set_aside(self, file: Path, suffix: str, size: int) -> None:
        """Keep it for a person to look at; it takes no room from settlements that come."""
        file.replace(file.with_suffix(suffix))
        self._bytes = max(0, self._bytes - size)

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("*.json"))


def _write(path: Path, content: bytes) -> None:
    """Name the file only when all of it is on the disk; then put its name there as well."""
    unnamed, named = path.with_suffix(".tmp"), path.with_suffix(".json")
    descriptor = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unnamed.rename(named)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(file: Path) -> bytes | None:
    """None when another process has replayed the file meanwhile."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def encode(record: RequestRecord) -> bytes:
    """A record as JSON; money and times as text. Neither its content nor what is only reported."""
    kept = {name: getattr(record, name) for name in KEPT}
    return orjson.dumps({"v": VERSION, **kept}, default=str)


def decode(content: bytes) -> RequestRecord:
    """The record that `encode` was given. Fields that a newer version added are ignored; what is
    missing has its default."""
    fields: dict[str, Any] = orjson.loads(content)
    record = {name: fields[name] for name in KEPT if name in fields}
    record |= {
        "started_at": datetime.fromisoformat(fields["started_at"]),
        "finished_at": datetime.fromisoformat(fields["finished_at"]),
        "counters": tuple(_account(a) for a in fields["counters"]),
        "usage": Usage(**fields["usage"]),
        "cost": Decimal(fields["cost"]),
        "cost_parts": _parts(fields["cost_parts"]),
        "tags": tuple(fields["tags"]),
    }
    return RequestRecord(**record)


def _account(fields: dict[str, Any]) -> BudgetCounter:
    window, cap, soft = fields["window"], fields["cap"], fields["soft"]
    end = window["end"]
    return BudgetCounter(
        Scope(fields["scope"]),
        fields["id"],
        Window(
            datetime.fromisoformat(window["start"]),
            datetime.fromisoformat(end) if end is not None else None,
        ),
        Decimal(cap) if cap is not None else None,
        Decimal(soft) if soft is not None else None,
    )


def _parts(fields: dict[str, str] | None) -> Cost | None:
    return Cost(**{kind: Decimal(usd) for kind, usd in fields.items()}) if fields else None
