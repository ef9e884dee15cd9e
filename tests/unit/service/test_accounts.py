"""Which accounts a request counts against."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.domain.budgets import LIFETIME, UNLIMITED, Budget, Window
from app.domain.keys import Caller
from app.domain.ledger import Account, Scope
from app.service.accounts import Accounts
from tests.support.examples import KEY_HASH, NOW, TODAY, key, user

FIVE = Decimal(5)
DAILY, FOREVER = Budget(FIVE, "1d"), Budget(FIVE)
UTC = ZoneInfo("UTC")


def of(caller: Caller, everybody: Budget = UNLIMITED) -> list[tuple[Scope, str, Window, bool]]:
    accounts = Accounts(everybody, UTC).of(caller, NOW)
    return [(a.scope, a.id, a.window, a.cap is not None) for a in accounts]


def test_a_key_without_a_budget_counts_for_its_lifetime() -> None:
    assert of(Caller(key(), None)) == [(Scope.KEY, KEY_HASH, LIFETIME, False)]


def test_a_budget_without_a_window_caps_the_lifetime() -> None:
    assert of(Caller(key(budget=FOREVER), None)) == [(Scope.KEY, KEY_HASH, LIFETIME, True)]


def test_a_budget_with_a_window_counts_beside_the_lifetime() -> None:
    assert of(Caller(key(budget=DAILY), None)) == [
        (Scope.KEY, KEY_HASH, LIFETIME, False),
        (Scope.KEY, KEY_HASH, TODAY, True),
    ]


def test_a_window_without_a_cap_is_counted_too() -> None:
    assert of(Caller(key(budget=Budget(None, "1d")), None))[1] == (
        (Scope.KEY, KEY_HASH, TODAY, False)
    )


def test_all_accounts_come_in_the_order_of_their_scopes() -> None:
    caller = Caller(key(budget=DAILY, user_id="ada"), user(budget=DAILY))

    assert of(caller, DAILY) == [
        (Scope.KEY, KEY_HASH, LIFETIME, False),
        (Scope.KEY, KEY_HASH, TODAY, True),
        (Scope.USER, "ada", LIFETIME, False),
        (Scope.USER, "ada", TODAY, True),
        (Scope.GLOBAL, "*", LIFETIME, False),
        (Scope.GLOBAL, "*", TODAY, True),
    ]


@pytest.mark.parametrize("budget", [UNLIMITED, Budget(None, "1d")])
def test_everybody_is_counted_only_under_a_cap(budget: Budget) -> None:
    assert len(of(Caller(key(), None), budget)) == 1


def test_windows_begin_at_the_midnight_of_the_zone() -> None:
    accounts = Accounts(UNLIMITED, ZoneInfo("Europe/Oslo"))
    present = accounts.present(Scope.USER, "ada", DAILY, NOW)

    midnight = datetime(2026, 11, 23, tzinfo=ZoneInfo("Europe/Oslo"))
    assert present == Account(Scope.USER, "ada", present.window, FIVE)
    assert present.window.start == midnight
