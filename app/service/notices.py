"""What an answer says, in its headers, of how much of budgets and limits is left."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil

from app.domain.ledger import Account, Grant, Reading

UNIFIED = "anthropic-ratelimit-unified-"


def notices(grant: Grant, dialect: str, now: datetime) -> dict[str, str]:
    """Headers for the answer to a request of that dialect."""
    headers = _budget(grant)
    if dialect == "anthropic":
        headers |= _unified(grant) | _limits(grant.readings, _anthropic, now)
    elif dialect == "openai":
        headers |= _limits(grant.readings, _openai, now)
    return headers


def reset(account: Account) -> dict[str, str]:
    """When the window ends, in seconds since the epoch."""
    if account.window.end is None:
        return {}
    seconds = str(round(account.window.end.timestamp()))
    return {f"{UNIFIED}reset": seconds, f"{UNIFIED}overage-reset": seconds}


def _budget(grant: Grant) -> dict[str, str]:
    """The same for all clients: `x-gateway-budget-warning: key 0.95, user soft`."""
    warned = ((s.account.scope, s.warning) for s in grant.standings)
    said = ", ".join(f"{scope} {level}" for scope, level in warned if level)
    return {"x-gateway-budget-warning": said} if said else {}


def _unified(grant: Grant) -> dict[str, str]:
    """What tells Claude Code how much of the fullest budget is spent."""
    fullest = grant.fullest
    if fullest is None:
        return {}
    share, passed = fullest.share, fullest.threshold
    status = "allowed" if passed is None else "allowed_warning"
    headers = {
        f"{UNIFIED}status": status,
        f"{UNIFIED}representative-claim": "overage",
        f"{UNIFIED}overage-status": status,
        f"{UNIFIED}overage-utilization": f"{min(share, Decimal(1)):.2f}",
    }
    if passed is not None:
        headers[f"{UNIFIED}overage-surpassed-threshold"] = str(passed)
    return headers | reset(fullest.account)


def _limits(
    readings: Iterable[Reading],
    name: Callable[[str, str, float, datetime], tuple[str, str]],
    now: datetime,
) -> dict[str, str]:
    """Of each kind, the limit that has least left. The request itself counts as one."""
    headers: dict[str, str] = {}
    for kind in ("requests", "tokens"):
        states = [state for reading in readings if (state := _state(reading, kind))]
        if states:
            limit, used = min(states, key=lambda state: state[0] - state[1])
            headers |= dict(
                [
                    name(kind, "limit", limit, now),
                    name(kind, "remaining", max(0, int(limit - used)), now),
                    name(kind, "reset", used * 60 / limit if limit else 60, now),
                ]
            )
    return headers


def _state(reading: Reading, kind: str) -> tuple[int, float] | None:
    """The limit, and how much of it is used."""
    limits = reading.limited_by.limits
    if kind == "requests":
        return None if limits.rpm is None else (limits.rpm, reading.requests + 1)
    return None if limits.tpm is None else (limits.tpm, reading.tokens)


def _anthropic(kind: str, what: str, value: float, now: datetime) -> tuple[str, str]:
    full = now + timedelta(seconds=ceil(value))
    shown = f"{full:%Y-%m-%dT%H:%M:%SZ}" if what == "reset" else str(value)
    return f"anthropic-ratelimit-{kind}-{what}", shown


def _openai(kind: str, what: str, value: float, now: datetime) -> tuple[str, str]:
    del now
    return f"x-ratelimit-{what}-{kind}", f"{ceil(value)}s" if what == "reset" else str(value)
