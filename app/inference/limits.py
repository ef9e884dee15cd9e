"""Errors and response headers of budgets and rate limits."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import assert_never

from app.core.budgets import A_DAY, LimitKind, LimitScope
from app.errors import BudgetExceeded, BudgetHeld, GatewayError, RateLimited
from app.ledger.record import (
    BudgetCounter,
    BudgetRejection,
    Grant,
    RateLimitRejection,
    RateLimitState,
    Scope,
)

HELD_RETRY_SECONDS = 2
"""By then some of the requests in flight are likely to have ended."""

PARALLEL_RETRY_SECONDS = 2
"""The same for limits on what is in flight."""

NEVER_RETRY_SECONDS = 60
"""For limits of zero, which no waiting helps against."""

_PERIODS = {1: "daily", 7: "weekly"} | dict.fromkeys(range(28, 32), "monthly")
"""By days."""


def budget_refusal(
    refusal: BudgetRejection,
    amount: Decimal,
    *,
    now: datetime,
    contact: str | None,
) -> GatewayError:
    """The error for a reservation of `amount` USD that did not fit. Reservations are never reported
    as spend."""
    account = refusal.account
    cap = account.cap or Decimal(0)
    whose = _whose(account.scope, account.id)
    if refusal.spent + amount <= cap:
        return BudgetHeld(
            f"The budget of {whose} has {usd(cap - refusal.spent)} left, but requests in flight "
            f"reserve {usd(refusal.held)} of it. Try again in a moment.",
            {"retry-after": str(HELD_RETRY_SECONDS)},
        )
    left = max(cap - refusal.spent, Decimal(0))
    end = account.window.end
    message = (
        f"The budget of {whose} is used up: {usd(refusal.spent)} of {usd(cap)} spent"
        if left == 0
        else f"The budget of {whose} has {usd(left)} of {usd(cap)} left, "
        f"and this request needs about {usd(amount)}"
    )
    message += f"; it resets at {end:%Y-%m-%d %H:%M} UTC." if end else "."
    message += f" Ask {contact} to raise it." if contact else ""
    return BudgetExceeded(message, _headers(refusal, cap, now))


def limit_refusal(refusal: RateLimitRejection, tokens: int, *, contact: str | None) -> RateLimited:
    """The error for a request of about so many tokens that came too soon."""
    by, limits = refusal.limited_by, refusal.limited_by.limits
    whose = _capital(_whose(by.scope, by.id))
    ask = f" Ask {contact} to raise it." if contact else ""
    wait = PARALLEL_RETRY_SECONDS if refusal.wait_seconds is None else refusal.wait_seconds
    match refusal.kind:
        case LimitKind.PARALLEL:
            said = f"{whose} has {limits.parallel} requests in flight, as many as it may have."
        case LimitKind.REQUESTS:
            said = f"{whose} may make {limits.rpm} requests a minute."
        case LimitKind.TOKENS:
            said = (
                f"{whose} may use {limits.tpm} tokens a minute, and this request needs about "
                f"{tokens}."
            )
        case _:
            assert_never(refusal.kind)
    if 0 in (limits.rpm, limits.tpm, limits.parallel) and refusal.wait_seconds is None:
        return RateLimited(f"{said}{ask}", {"retry-after": str(NEVER_RETRY_SECONDS)})
    seconds = max(1, ceil(wait))
    return RateLimited(f"{said} Try again in {seconds} s.{ask}", {"retry-after": str(seconds)})


def usd(amount: Decimal) -> str:
    """Dollars for people: cents, or as many digits as a small amount needs."""
    if amount == 0 or amount >= 1:
        return f"${amount:.2f}"
    return f"${amount:.6f}".rstrip("0").ljust(5, "0")


def _whose(scope: Scope | LimitScope, id_: str) -> str:
    """Whose budget or limit it is, by its id there."""
    model, _, of = id_.partition("/")
    whose = {
        Scope.KEY_MODEL: f"this API key for {model}",
        Scope.KEY: "this API key",
        Scope.USER_MODEL: f"user {of} for {model}",
        Scope.USER: f"user {id_}",
        Scope.GLOBAL_MODEL: f"the whole gateway for {model}",
        Scope.GLOBAL: "the whole gateway",
        LimitScope.MODEL: f"the whole gateway for {id_}",
    }
    return whose[scope]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _headers(refusal: BudgetRejection, cap: Decimal, now: datetime) -> dict[str, str]:
    """What Claude Code reads to say that, and until when, a spend limit is reached."""
    share = refusal.spent / cap if cap else Decimal(1)
    window = refusal.account.window
    headers = {
        f"{UNIFIED}status": "rejected",
        f"{UNIFIED}overage-utilization": f"{min(share, Decimal(1)):.2f}",
        f"{UNIFIED}overage-surpassed-threshold": "1",
        f"{UNIFIED}overage-disabled-reason": "org_spend_cap_reached",
        **reset(refusal.account),
    }
    if window.end is not None:
        headers["retry-after"] = str(max(1, round((window.end - now).total_seconds())))
        if period := _PERIODS.get(round((window.end - window.start) / A_DAY)):
            headers[f"{UNIFIED}overage-period"] = period
    return headers


UNIFIED = "anthropic-ratelimit-unified-"


def notices(grant: Grant, api_format: str, now: datetime) -> dict[str, str]:
    """Headers for the answer to a request in that API format."""
    headers = _budget(grant)
    if api_format == "anthropic":
        headers |= _unified(grant) | _limits(grant.readings, _anthropic, now)
    elif api_format == "openai":
        headers |= _limits(grant.readings, _openai, now)
    return headers


def reset(account: BudgetCounter) -> dict[str, str]:
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
    readings: Iterable[RateLimitState],
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


def _state(reading: RateLimitState, kind: str) -> tuple[int, float] | None:
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
