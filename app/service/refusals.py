"""What a caller is told whom a budget or a limit keeps out."""

from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import assert_never

from app.domain.budgets import A_DAY
from app.domain.ledger import LimitRefusal, Refusal, Scope
from app.domain.limits import LimitKind, LimitScope
from app.errors import BudgetExceeded, BudgetHeld, GatewayError, RateLimited
from app.service.notices import UNIFIED, reset

HELD_RETRY_SECONDS = 2
"""By then some of the requests in flight are likely to have ended."""

PARALLEL_RETRY_SECONDS = 2
"""The same for limits on what is in flight."""

NEVER_RETRY_SECONDS = 60
"""For limits of zero, which no waiting helps against."""

_PERIODS = {1: "daily", 7: "weekly"} | dict.fromkeys(range(28, 32), "monthly")
"""By days."""


def budget_refusal(
    refusal: Refusal,
    amount: Decimal,
    *,
    now: datetime,
    contact: str | None,
) -> GatewayError:
    """The error for a hold of `amount` USD that did not fit. Held money is never called spent."""
    account = refusal.account
    cap = account.cap or Decimal(0)
    whose = _whose(account.scope, account.id)
    if refusal.spent + amount <= cap:
        return BudgetHeld(
            f"The budget of {whose} has {usd(cap - refusal.spent)} left, but requests in flight "
            f"hold {usd(refusal.held)} of it. Try again in a moment.",
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
    message += f"; it starts anew at {end:%Y-%m-%d %H:%M} UTC." if end else "."
    message += f" Ask {contact} to raise it." if contact else ""
    return BudgetExceeded(message, _headers(refusal, cap, now))


def limit_refusal(refusal: LimitRefusal, tokens: int, *, contact: str | None) -> RateLimited:
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


def _headers(refusal: Refusal, cap: Decimal, now: datetime) -> dict[str, str]:
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
