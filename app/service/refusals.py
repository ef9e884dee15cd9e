"""What a caller is told of a budget that is, or soon will be, used up."""

from datetime import datetime
from decimal import Decimal
from typing import assert_never

from app.domain.budgets import parse_duration
from app.domain.ledger import Account, Grant, Refusal, Scope
from app.errors import BudgetExceeded, BudgetHeld, GatewayError

HELD_RETRY_SECONDS = 2
"""By then some of the requests in flight are likely to have ended."""

THRESHOLDS = (Decimal("0.95"), Decimal("0.75"))
"""Shares of a budget at which a warning is due."""

UNIFIED = "anthropic-ratelimit-unified-"
_PERIODS = {"d": "daily", "w": "weekly", "mo": "monthly"}


def budget_refusal(
    refusal: Refusal,
    amount: Decimal,
    *,
    duration: str | None,
    now: datetime,
    contact: str | None,
) -> GatewayError:
    """The error for a hold of `amount` USD that did not fit. Held money is never called spent."""
    account = refusal.account
    cap = account.cap or Decimal(0)
    whose = _whose(account)
    if refusal.spent + amount <= cap:
        return BudgetHeld(
            f"The budget of {whose} has {usd(cap - refusal.spent)} left, but requests in flight "
            f"hold {usd(refusal.held)} of it. Try again in a moment.",
            {"retry-after": str(HELD_RETRY_SECONDS)},
        )
    left = max(cap - refusal.spent, Decimal(0))
    reset = account.window.end
    message = (
        f"The budget of {whose} is used up: {usd(refusal.spent)} of {usd(cap)} spent"
        if left == 0
        else f"The budget of {whose} has {usd(left)} of {usd(cap)} left, "
        f"and this request needs about {usd(amount)}"
    )
    message += f"; it starts anew at {reset:%Y-%m-%d %H:%M} UTC." if reset else "."
    message += f" Ask {contact} to raise it." if contact else ""
    return BudgetExceeded(message, _headers(refusal, cap, duration, now))


def budget_notice(grant: Grant) -> dict[str, str]:
    """Headers that tell Claude Code how much of the fullest budget is spent; none without one."""
    account = grant.fullest
    if account is None or not account.cap:
        return {}
    share = grant.spent / account.cap
    passed = next((t for t in THRESHOLDS if share >= t), None)
    status = "allowed" if passed is None else "allowed_warning"
    headers = {
        f"{UNIFIED}status": status,
        f"{UNIFIED}representative-claim": "overage",
        f"{UNIFIED}overage-status": status,
        f"{UNIFIED}overage-utilization": f"{min(share, Decimal(1)):.2f}",
    }
    if passed is not None:
        headers[f"{UNIFIED}overage-surpassed-threshold"] = str(passed)
    return headers | _reset(account)


def usd(amount: Decimal) -> str:
    """Dollars for people: cents, or as many digits as a small amount needs."""
    if amount == 0 or amount >= 1:
        return f"${amount:.2f}"
    return f"${amount:.6f}".rstrip("0").ljust(5, "0")


def _whose(account: Account) -> str:
    match account.scope:
        case Scope.KEY:
            return "this API key"
        case Scope.USER:
            return f"user {account.id}"
        case Scope.GLOBAL:
            return "the whole gateway"
        case _:
            assert_never(account.scope)


def _headers(refusal: Refusal, cap: Decimal, duration: str | None, now: datetime) -> dict[str, str]:
    """What Claude Code reads to say that, and until when, a spend limit is reached."""
    share = refusal.spent / cap if cap else Decimal(1)
    headers = {
        f"{UNIFIED}status": "rejected",
        f"{UNIFIED}overage-utilization": f"{min(share, Decimal(1)):.2f}",
        f"{UNIFIED}overage-surpassed-threshold": "1",
        f"{UNIFIED}overage-disabled-reason": "org_spend_cap_reached",
        **_reset(refusal.account),
    }
    if reset := refusal.account.window.end:
        headers["retry-after"] = str(max(1, round((reset - now).total_seconds())))
    if duration is not None and (period := _PERIODS.get(parse_duration(duration)[1])):
        headers[f"{UNIFIED}overage-period"] = period
    return headers


def _reset(account: Account) -> dict[str, str]:
    """When the window ends, in seconds since the epoch."""
    if account.window.end is None:
        return {}
    seconds = str(round(account.window.end.timestamp()))
    return {f"{UNIFIED}reset": seconds, f"{UNIFIED}overage-reset": seconds}
