"""What a caller is told whom a budget or a limit keeps out."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.core.budgets import LIFETIME, LimitedBy, LimitKind, Limits, LimitScope, Window, window_at
from app.errors import BudgetExceeded, BudgetHeld, GatewayError, RateLimited
from app.inference.limits import budget_refusal, limit_refusal, usd
from app.ledger.record import BudgetRejection, RateLimitRejection, Scope, by_model
from tests.support.examples import NOW, TODAY, account

UNIFIED = "anthropic-ratelimit-unified-"
CONTACT = "it@example.org"


def refused(
    spent: str,
    held: str,
    *,
    cap: str = "10",
    amount: str = "1",
    window: Window = TODAY,
    scope: Scope = Scope.KEY,
    id_: str = "ada",
    contact: str | None = None,
) -> GatewayError:
    refusal = BudgetRejection(account(scope, cap, window, id_=id_), Decimal(spent), Decimal(held))
    return budget_refusal(refusal, Decimal(amount), now=NOW, contact=contact)


@pytest.mark.parametrize(
    ("spent", "held", "kind", "said"),
    [
        ("10", "0", BudgetExceeded, "used up: $10.00 of $10.00 spent"),
        ("12.5", "0", BudgetExceeded, "used up: $12.50 of $10.00 spent"),
        ("9.5", "0", BudgetExceeded, "has $0.50 of $10.00 left, and this request needs about $1"),
        ("9.5", "7", BudgetExceeded, "has $0.50 of $10.00 left, and this request needs about $1"),
        ("9", "0.5", BudgetHeld, "has $1.00 left, but requests in flight reserve $0.50 of it"),
        ("0", "10", BudgetHeld, "has $10.00 left, but requests in flight reserve $10.00 of it"),
    ],
)
def test_what_is_only_held_is_never_called_spent(
    spent: str, held: str, kind: type[GatewayError], said: str
) -> None:
    error = refused(spent, held)

    assert type(error) is kind
    assert said in error.message


def test_a_budget_that_is_only_held_is_worth_another_try_soon() -> None:
    error = refused("0", "10")

    assert error.headers == {"retry-after": "2"}
    assert error.retryable is None


@pytest.mark.parametrize(
    ("scope", "whose"),
    [
        (Scope.KEY, "The budget of this API key"),
        (Scope.USER, "The budget of user ada"),
        (Scope.GLOBAL, "The budget of the whole gateway"),
        (Scope.KEY_MODEL, "The budget of this API key for claude-opus-5-5"),
        (Scope.USER_MODEL, "The budget of user a/b for claude-opus-5-5"),
        (Scope.GLOBAL_MODEL, "The budget of the whole gateway for claude-opus-5-5"),
    ],
)
@pytest.mark.parametrize("held", ["0", "10"])
def test_it_says_whose_budget_it_is(scope: Scope, whose: str, held: str) -> None:
    id_ = by_model("claude-opus-5-5", "a/b") if "model" in scope else "ada"
    spent = "10" if held == "0" else "0"

    assert refused(spent, held, scope=scope, id_=id_).message.startswith(whose)


def limited(
    kind: LimitKind, wait: float | None, scope: LimitScope = LimitScope.KEY
) -> GatewayError:
    id_ = by_model("claude-opus-5-5", "ada") if scope.endswith("_model") else "ada"
    by = LimitedBy(scope, id_, Limits(rpm=60, tpm=1000, parallel=4))
    return limit_refusal(RateLimitRejection(by, kind, wait), 700, contact=CONTACT)


@pytest.mark.parametrize(
    ("kind", "wait", "said", "seconds"),
    [
        (LimitKind.REQUESTS, 0.2, "may make 60 requests a minute. Try again in 1 s.", "1"),
        (LimitKind.REQUESTS, 12.2, "may make 60 requests a minute. Try again in 13 s.", "13"),
        (
            LimitKind.TOKENS,
            30,
            "may use 1000 tokens a minute, and this request needs about 700. Try again in 30 s.",
            "30",
        ),
        (
            LimitKind.PARALLEL,
            None,
            "has 4 requests in flight, as many as it may have. Try again in 2 s.",
            "2",
        ),
    ],
)
def test_a_limit_says_what_it_is_and_when_to_try_again(
    kind: LimitKind, wait: float | None, said: str, seconds: str
) -> None:
    error = limited(kind, wait)

    assert type(error) is RateLimited
    assert error.message == f"This API key {said} Ask {CONTACT} to raise it."
    assert error.headers == {"retry-after": seconds}


@pytest.mark.parametrize(
    ("scope", "whose"),
    [
        (LimitScope.KEY, "This API key may"),
        (LimitScope.USER, "User ada may"),
        (LimitScope.KEY_MODEL, "This API key for claude-opus-5-5 may"),
        (LimitScope.USER_MODEL, "User ada for claude-opus-5-5 may"),
        (LimitScope.MODEL, "The whole gateway for ada may"),
    ],
)
def test_it_says_whose_limit_it_is(scope: LimitScope, whose: str) -> None:
    assert limited(LimitKind.REQUESTS, 1, scope).message.startswith(whose)


def test_a_limit_of_zero_promises_no_better_time() -> None:
    by = LimitedBy(LimitScope.KEY, "ada", Limits(rpm=0))

    error = limit_refusal(RateLimitRejection(by, LimitKind.REQUESTS, None), 700, contact=None)

    assert error.message == "This API key may make 0 requests a minute."
    assert error.headers == {"retry-after": "60"}


def test_it_says_when_it_starts_anew_and_whom_to_ask() -> None:
    message = refused("10", "0", contact=CONTACT).message

    assert "it resets at 2026-11-24 00:00 UTC" in message
    assert message.endswith(f"Ask {CONTACT} to raise it.")


def test_a_budget_for_ever_does_not_start_anew() -> None:
    error = refused("10", "0", window=LIFETIME)

    assert error.message == "The budget of this API key is used up: $10.00 of $10.00 spent."
    assert "retry-after" not in error.headers
    assert f"{UNIFIED}reset" not in error.headers


def test_headers_tell_claude_code_the_limit_and_its_end() -> None:
    midnight = str(round(TODAY.end.timestamp())) if TODAY.end else ""

    assert refused("9.5", "0").headers == {
        f"{UNIFIED}status": "rejected",
        f"{UNIFIED}overage-utilization": "0.95",
        f"{UNIFIED}overage-surpassed-threshold": "1",
        f"{UNIFIED}overage-disabled-reason": "org_spend_cap_reached",
        f"{UNIFIED}overage-period": "daily",
        f"{UNIFIED}reset": midnight,
        f"{UNIFIED}overage-reset": midnight,
        "retry-after": str(12 * 3600),
    }


@pytest.mark.parametrize(
    ("duration", "period"),
    [("1d", "daily"), ("weekly", "weekly"), ("30d", "monthly"), ("1mo", "monthly"), ("5h", None)],
)
def test_the_period_is_named_where_there_is_a_name(duration: str, period: str | None) -> None:
    window = window_at(duration, NOW, ZoneInfo("UTC"))

    assert refused("10", "0", window=window).headers.get(f"{UNIFIED}overage-period") == period


@pytest.mark.parametrize(
    ("spent", "cap", "share"), [("0", "0", "1.00"), ("25", "10", "1.00"), ("1", "3", "0.33")]
)
def test_the_share_that_is_used_is_at_most_all(spent: str, cap: str, share: str) -> None:
    error = refused(spent, "0", cap=cap, amount="100")

    assert error.headers[f"{UNIFIED}overage-utilization"] == share


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0.00"),
        ("1", "$1.00"),
        ("1234.567", "$1234.57"),
        ("0.5", "$0.50"),
        ("0.000123", "$0.000123"),
        ("0.05", "$0.05"),
        ("0.9999999", "$1.00"),
    ],
)
def test_dollars_are_shown_with_the_digits_that_matter(amount: str, shown: str) -> None:
    assert usd(Decimal(amount)) == shown
