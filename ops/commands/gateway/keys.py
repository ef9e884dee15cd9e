"""Keys: which are near their budget, which have expired or soon will."""

import argparse
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from ops.context import Context
from ops.gateway import administration, internal_option, internal_url
from ops.result import Cell, Level, Note, Result, Section, Table

HELP = "keys with what they spent; --near: near their budget; --expired"
SOON: Final = timedelta(days=7)


def arguments(parser: argparse.ArgumentParser) -> None:
    internal_option(parser)
    add = parser.add_argument
    add("--near", type=_percent, metavar="PERCENT", help="those that spent so much of their budget")
    add("--expired", action="store_true", help="those that have expired, or will within a week")


def run(context: Context, args: argparse.Namespace) -> Result:
    now = context.clock()
    with administration(context, internal_url(context, args)) as api:
        keys = list(api.keys())
    chosen = [key for key in keys if _fits(key, args, now)]
    rows = [_row(key, now) for key in chosen]
    columns = ("alias", "key", "user", "spent USD", "budget USD", "percent", "expires", "state")
    sections: list[Section] = [Table("Keys", columns, rows), *_notes(keys, now)]
    return Result(f"{len(chosen)} of {len(keys)} keys", sections)


def _fits(key: Mapping[str, Any], args: argparse.Namespace, now: datetime) -> bool:
    if args.near is not None and (_used(key, now) or 0) < args.near:
        return False
    return not args.expired or _state(key, now) in ("expired", "expires soon")


def _row(key: Mapping[str, Any], now: datetime) -> tuple[Cell, ...]:
    return (
        key["key_alias"],
        key["key_name"],
        key["user_id"],
        Decimal(key["spend"]),
        _cap(key, now),
        _used(key, now),
        _expires(key),
        _state(key, now),
    )


def _notes(keys: list[dict[str, Any]], now: datetime) -> Iterator[Note]:
    near = [key for key in keys if (_used(key, now) or 0) >= 90]
    if near:
        yield Note(f"{len(near)} keys have spent 90 % of their budget or more.", Level.WARNING)
    expired = sum(_state(key, now) == "expired" for key in keys)
    if expired:
        yield Note(f"{expired} keys have expired; nobody can use them any more.")


def _cap(key: Mapping[str, Any], now: datetime) -> Decimal | None:
    """The key's own, or that of the budget that it refers to; with what was added for a while."""
    own = key["max_budget"]
    cap = own if own is not None else (key["litellm_budget_table"] or {}).get("max_budget")
    if cap is None:
        return None
    until = key["temp_budget_expiry"]
    more = key["temp_budget_increase"] if until and datetime.fromisoformat(until) > now else 0
    return Decimal(cap) + Decimal(more)


def _used(key: Mapping[str, Any], now: datetime) -> int | None:
    """Percent."""
    cap = _cap(key, now)
    if cap is None:
        return None
    return int(Decimal(key["spend"]) / cap * 100) if cap else 100


def _expires(key: Mapping[str, Any]) -> datetime | None:
    return datetime.fromisoformat(key["expires"]) if key["expires"] else None


def _state(key: Mapping[str, Any], now: datetime) -> str:
    expires = _expires(key)
    if key["blocked"]:
        return "blocked"
    if expires is None or expires > now + SOON:
        return "active"
    return "expired" if expires <= now else "expires soon"


def _percent(text: str) -> int:
    percent = int(text.removesuffix("%"))
    if not 0 <= percent <= 100:
        raise ValueError
    return percent
