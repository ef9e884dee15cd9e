"""What headers say of budgets and limits that let a request in."""

from decimal import Decimal

import pytest

from app.core.budgets import LIFETIME, LimitedBy, Limits, LimitScope
from app.inference.limits import notices
from app.ledger.record import BudgetCounter, BudgetState, Grant, RateLimitState, Scope
from tests.support.examples import NOW, TODAY

UNIFIED = "anthropic-ratelimit-unified-"
WARNING = "x-gateway-budget-warning"
API_FORMATS = ["anthropic", "openai", "bedrock"]


def standing(
    spent: str, cap: str | None = "10", soft: str | None = None, scope: Scope = Scope.KEY
) -> BudgetState:
    account = BudgetCounter(scope, "a", TODAY, _usd(cap), _usd(soft))
    return BudgetState(account, Decimal(spent), Decimal(0))


def _usd(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def said(*standings: BudgetState, api_format: str = "anthropic") -> dict[str, str]:
    return notices(Grant(standings), api_format, NOW)


@pytest.mark.parametrize("api_format", API_FORMATS)
@pytest.mark.parametrize(
    ("found", "level"),
    [
        (standing("7.5"), "0.75"),
        (standing("9.49"), "0.75"),
        (standing("9.5"), "0.95"),
        (standing("12"), "0.95"),
        (standing("3.01", soft="3"), "soft"),
        (standing("3.01", cap=None, soft="3"), "soft"),
        (standing("9.6", soft="3"), "0.95"),
    ],
)
def test_a_budget_that_is_nearly_used_up_is_told_in_every_api_format(
    found: BudgetState, level: str, api_format: str
) -> None:
    assert said(found, api_format=api_format)[WARNING] == f"key {level}"


@pytest.mark.parametrize(
    "found", [standing("7.49"), standing("3", soft="3"), standing("0", cap="0")]
)
def test_a_budget_with_enough_left_is_no_warning(found: BudgetState) -> None:
    assert WARNING not in said(found)


def test_every_budget_that_is_nearly_used_up_is_named() -> None:
    found = standing("8"), standing("9.9", scope=Scope.USER), standing("1", scope=Scope.GLOBAL)

    assert said(*found)[WARNING] == "key 0.75, user 0.95"


@pytest.mark.parametrize(
    ("spent", "status", "threshold"),
    [("2", "allowed", None), ("8", "allowed_warning", "0.75"), ("9.7", "allowed_warning", "0.95")],
)
def test_claude_code_reads_the_share_of_the_fullest_budget(
    spent: str, status: str, threshold: str | None
) -> None:
    headers = said(standing("1"), standing(spent, scope=Scope.USER))

    assert headers[f"{UNIFIED}status"] == headers[f"{UNIFIED}overage-status"] == status
    assert headers[f"{UNIFIED}overage-utilization"] == f"{Decimal(spent) / 10:.2f}"
    assert headers.get(f"{UNIFIED}overage-surpassed-threshold") == threshold
    assert headers[f"{UNIFIED}reset"] == str(round((TODAY.end or NOW).timestamp()))


def test_a_budget_for_ever_has_no_reset() -> None:
    account = BudgetCounter(Scope.KEY, "a", LIFETIME, Decimal(10))

    assert f"{UNIFIED}reset" not in said(BudgetState(account, Decimal(1), Decimal(0)))


@pytest.mark.parametrize("api_format", API_FORMATS)
def test_without_a_cap_or_a_limit_nothing_is_said(api_format: str) -> None:
    assert said(api_format=api_format) == {}


READINGS = (
    RateLimitState(LimitedBy(LimitScope.KEY, "a", Limits(rpm=60)), 9, 0),
    RateLimitState(LimitedBy(LimitScope.USER, "u", Limits(rpm=30, tpm=1000)), 19, 250),
    RateLimitState(LimitedBy(LimitScope.MODEL, "m", Limits(tpm=9000, parallel=3)), 1, 10),
)


def test_anthropic_clients_read_what_is_left_of_the_tightest_limits() -> None:
    assert notices(Grant(readings=READINGS), "anthropic", NOW) == {
        "anthropic-ratelimit-requests-limit": "30",
        "anthropic-ratelimit-requests-remaining": "10",
        "anthropic-ratelimit-requests-reset": "2026-11-23T12:00:40Z",
        "anthropic-ratelimit-tokens-limit": "1000",
        "anthropic-ratelimit-tokens-remaining": "750",
        "anthropic-ratelimit-tokens-reset": "2026-11-23T12:00:15Z",
    }


def test_openai_clients_read_the_same_under_their_names() -> None:
    assert notices(Grant(readings=READINGS), "openai", NOW) == {
        "x-ratelimit-limit-requests": "30",
        "x-ratelimit-remaining-requests": "10",
        "x-ratelimit-reset-requests": "40s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "750",
        "x-ratelimit-reset-tokens": "15s",
    }
