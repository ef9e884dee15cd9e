"""Which accounts and limits a request counts against."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.catalog.catalog import load_catalog
from app.core.budgets import (
    LIFETIME,
    UNLIMITED,
    Budget,
    Increase,
    LimitedBy,
    Limits,
    LimitScope,
    Window,
)
from app.identity.policy import Accounts, Caller, Policy, limits_of
from app.ledger.record import BudgetCounter, Scope
from tests.support.examples import KEY_ID, NOW, TODAY, key, user

FIVE = Decimal(5)
DAILY, FOREVER = Budget(FIVE, "1d"), Budget(FIVE)
UTC = ZoneInfo("UTC")
OPUS = load_catalog(region="us-east-1", profile=None).resolve("claude-opus-5-5").model


def of(caller: Caller, everybody: Budget = UNLIMITED) -> list[tuple[Scope, str, Window, bool]]:
    accounts = Accounts(everybody, UTC).of(caller, OPUS.name, NOW)
    return [(a.scope, a.id, a.window, a.cap is not None) for a in accounts]


def test_a_key_without_a_budget_counts_for_its_lifetime() -> None:
    assert of(Caller(key(), None)) == [(Scope.KEY, KEY_ID, LIFETIME, False)]


def test_a_budget_without_a_window_caps_the_lifetime() -> None:
    assert of(Caller(key(budget=FOREVER), None)) == [(Scope.KEY, KEY_ID, LIFETIME, True)]


def test_a_budget_with_a_window_counts_beside_the_lifetime() -> None:
    assert of(Caller(key(budget=DAILY), None)) == [
        (Scope.KEY, KEY_ID, LIFETIME, False),
        (Scope.KEY, KEY_ID, TODAY, True),
    ]


def test_a_window_without_a_cap_is_counted_too() -> None:
    assert of(Caller(key(budget=Budget(None, "1d")), None))[1] == (
        (Scope.KEY, KEY_ID, TODAY, False)
    )


def test_all_accounts_come_in_the_order_of_their_scopes() -> None:
    caller = Caller(key(budget=DAILY, user_id="ada"), user(budget=DAILY))

    assert of(caller, DAILY) == [
        (Scope.KEY, KEY_ID, LIFETIME, False),
        (Scope.KEY, KEY_ID, TODAY, True),
        (Scope.USER, "ada", LIFETIME, False),
        (Scope.USER, "ada", TODAY, True),
        (Scope.GLOBAL, "*", LIFETIME, False),
        (Scope.GLOBAL, "*", TODAY, True),
    ]


@pytest.mark.parametrize("budget", [UNLIMITED, Budget(None, "1d")])
def test_everybody_is_counted_only_under_a_cap(budget: Budget) -> None:
    assert len(of(Caller(key(), None), budget)) == 1


def test_a_soft_budget_of_everybody_is_counted_without_a_cap() -> None:
    counted = of(Caller(key(), None), Budget(None, "1d", soft=FIVE))

    assert counted[1:] == [(Scope.GLOBAL, "*", LIFETIME, False), (Scope.GLOBAL, "*", TODAY, False)]


def test_a_budget_of_everybody_for_one_model_counts_for_that_model() -> None:
    accounts = Accounts(DAILY, UTC, {OPUS.name: FOREVER, "claude-haiku-4-5": DAILY})

    counted = [(a.scope, a.id) for a in accounts.of(Caller(key(), None), OPUS.name, NOW)]

    assert counted[1:] == [
        (Scope.GLOBAL_MODEL, "claude-opus-5-5/*"),
        (Scope.GLOBAL, "*"),
        (Scope.GLOBAL, "*"),
    ]


def test_windows_begin_at_the_midnight_of_the_zone() -> None:
    accounts = Accounts(UNLIMITED, ZoneInfo("Europe/Oslo"))
    present = accounts.present(Scope.USER, "ada", DAILY, NOW)

    midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo("Europe/Oslo"))
    assert present == BudgetCounter(Scope.USER, "ada", present.window, FIVE)
    assert present.window.start == midnight


def test_a_budget_for_one_model_counts_for_that_model_before_the_others() -> None:
    both = {"claude-opus-5-5": DAILY, "claude-haiku-4-5": DAILY}
    caller = Caller(key(model_budgets=both), user(model_budgets={"claude-opus-5-5": FOREVER}))

    assert of(caller) == [
        (Scope.KEY_MODEL, f"claude-opus-5-5/{KEY_ID}", TODAY, True),
        (Scope.KEY, KEY_ID, LIFETIME, False),
        (Scope.USER_MODEL, "claude-opus-5-5/ada", LIFETIME, True),
        (Scope.USER, "ada", LIFETIME, False),
    ]


@pytest.mark.parametrize(("passed", "cap"), [(-1, 7), (0, 5), (1, 5)])
def test_an_increase_ends_by_itself(passed: int, cap: int) -> None:
    raised = replace(DAILY, increase=Increase(Decimal(2), NOW))
    at = NOW + timedelta(seconds=passed)

    present = Accounts(UNLIMITED, UTC).present(Scope.KEY, "a", raised, at)

    assert present.cap == Decimal(cap)


def test_the_present_windows_of_a_holder_are_those_of_all_its_budgets() -> None:
    holder = user(budget=DAILY, model_budgets={"claude-opus-5-5": DAILY})

    windows = Accounts(UNLIMITED, UTC).windows(holder, NOW)

    assert [(a.scope, a.id, a.window) for a in windows] == [
        (Scope.USER_MODEL, "claude-opus-5-5/ada", TODAY),
        (Scope.USER, "ada", TODAY),
    ]


def test_a_template_speaks_where_a_key_is_silent() -> None:
    named = Policy(budget=Budget(FIVE, "1d", soft=Decimal(3)), limits=Limits(rpm=6, tpm=60))
    held = key(budget_id="team", template=named, limits=Limits(rpm=9))

    assert held.allowance.budget == Budget(FIVE, "1d", soft=Decimal(3))
    assert held.allowance.limits == Limits(rpm=9, tpm=60)
    assert replace(held, own=replace(held.own, budget=FOREVER)).allowance.budget.duration is None


def test_limits_come_in_the_order_of_their_scopes_and_only_where_there_are_any() -> None:
    slow, opus = Limits(rpm=1), replace(OPUS, limits=Limits(parallel=9))
    caller = Caller(
        key(limits=slow, model_limits={"claude-opus-5-5": slow, "claude-haiku-4-5": slow}),
        user(limits=slow, model_limits={"claude-opus-5-5": slow}),
    )

    assert limits_of(caller, opus) == (
        LimitedBy(LimitScope.KEY_MODEL, f"claude-opus-5-5/{KEY_ID}", slow),
        LimitedBy(LimitScope.KEY, KEY_ID, slow),
        LimitedBy(LimitScope.USER_MODEL, "claude-opus-5-5/ada", slow),
        LimitedBy(LimitScope.USER, "ada", slow),
        LimitedBy(LimitScope.MODEL, "claude-opus-5-5", opus.limits),
    )
    assert limits_of(Caller(key(), user()), OPUS) == ()
