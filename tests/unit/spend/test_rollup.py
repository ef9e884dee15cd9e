"""The books of days that are over are closed, checked, and in the end given up."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.budgets import UNLIMITED, Budget
from app.core.ids import KeyHash
from app.database.paging import Cut, Page
from app.errors import DatabaseUnavailable
from app.identity.listing import KeyFilter, UserFilter, UserSummary
from app.identity.policy import Accounts, Key, User
from app.ledger.record import BudgetCounter, Scope
from app.spend import rollup as upkeep
from app.spend.records import Finding
from app.spend.retention import AT_A_TIME, DETAILS_A_DAY, MOST_BATCHES, Old, Present, Retention
from app.spend.rollup import DailyRollup
from app.telemetry.metrics import Metrics
from tests.support.examples import KEY_ID, TODAY, key, user
from tests.support.fakes import FakeTime

DAILY = Budget(Decimal(5), "1d")
YESTERDAY = date(2026, 11, 22)


@dataclass
class MemoryBooks:
    """Spend that is kept in order by somebody else, and the list of those who spend."""

    keys: list[Key] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    open_days: int = 0
    day_to_check: date | None = None
    findings: list[Finding] = field(default_factory=list)
    checked: list[tuple[date, list[BudgetCounter]]] = field(default_factory=list)
    counted_anew: list[BudgetCounter] = field(default_factory=list)
    dropped_before: list[date] = field(default_factory=list)
    old_rows: dict[Old, int] = field(default_factory=dict)
    forgotten: list[tuple[Old, datetime, Present]] = field(default_factory=list)
    failure: Exception | None = None

    async def summarise(self, details: int) -> int:
        assert details == DETAILS_A_DAY
        if self.failure is not None:
            raise self.failure
        return self.open_days

    async def drop_before(self, day: date) -> int:
        self.dropped_before.append(day)
        return 1

    async def unchecked(self) -> date | None:
        return self.day_to_check

    async def check(self, day: date, windows: Sequence[BudgetCounter]) -> Sequence[Finding]:
        self.checked.append((day, list(windows)))
        return self.findings

    async def count_anew(self, windows: Sequence[BudgetCounter]) -> None:
        self.counted_anew += windows

    async def forget(self, what: Old, before: datetime, most: int, present: Present) -> int:
        self.forgotten.append((what, before, present))
        deleted = min(self.old_rows.get(what, 0), most)
        self.old_rows[what] = self.old_rows.get(what, 0) - deleted
        return deleted

    async def list_users(self, which: UserFilter, cut: Cut) -> Page[UserSummary]:
        assert which == UserFilter()
        some = self.users[cut.offset : cut.offset + cut.limit]
        return Page([UserSummary(one, 0) for one in some], len(self.users))

    async def list_keys(self, which: KeyFilter, cut: Cut) -> Page[Key]:
        assert which == KeyFilter()
        return Page(self.keys[cut.offset : cut.offset + cut.limit], len(self.keys))


class House:
    def __init__(self, audit_days: int = 400, **books: Any) -> None:
        self.books = MemoryBooks(**books)
        self.metrics = Metrics()
        self.time = FakeTime()
        self.upkeep = DailyRollup(
            self.books,
            self.books,
            Accounts(UNLIMITED, ZoneInfo("UTC")),
            self.metrics,
            Retention(self.books, audit_days=audit_days),
            self.time.clock,
            retention_days=90,
        )

    def differences(self) -> float:
        lines = self.metrics.exposition().decode().splitlines()
        (line,) = (line for line in lines if line.startswith("gateway_reconciliation_differences "))
        return float(line.split()[1])


def finding(what: str, scope: str, id_: str, counted: str) -> Finding:
    return Finding(what, scope, id_, Decimal(5), Decimal(counted))


async def test_the_log_is_given_up_after_the_days_that_it_is_to_be_kept() -> None:
    house = House()

    await house.upkeep.round()

    assert house.books.dropped_before == [date(2026, 11, 23) - timedelta(days=90)]


async def test_the_latest_day_is_checked_with_the_present_windows_of_all_budgets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upkeep, "HOLDERS_AT_A_TIME", 2)
    house = House(
        day_to_check=YESTERDAY,
        keys=[
            key(budget=DAILY),
            key(hash=KeyHash("b"), budget=Budget(Decimal(5))),
            key(hash=KeyHash("c"), model_budgets={"claude-opus-5-5": DAILY}),
        ],
        users=[user(), user(budget=DAILY)],
    )

    await house.upkeep.round()

    ((day, windows),) = house.books.checked
    assert day == YESTERDAY
    assert [(w.scope, w.id, w.window) for w in windows] == [
        (Scope.KEY, KEY_ID, TODAY),
        (Scope.KEY_MODEL, "claude-opus-5-5/c", TODAY),
        (Scope.USER, "ada", TODAY),
    ]


async def test_a_day_that_was_checked_is_not_checked_again() -> None:
    house = House()

    await house.upkeep.round()

    assert house.books.checked == []


async def test_differences_are_told_loudly_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    found = [finding("summary", "key", "k", "4"), finding("lifetime", "user", "ada", "6")]
    house = House(day_to_check=YESTERDAY, findings=found)

    await house.upkeep.round()

    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert errors[1].__dict__["counted_usd"] == "6"
    assert house.differences() == 2


async def test_a_check_without_differences_takes_the_last_ones_back() -> None:
    house = House(day_to_check=YESTERDAY, findings=[finding("summary", "key", "k", "4")])
    await house.upkeep.round()

    house.books.findings = []
    await house.upkeep.round()

    assert house.differences() == 0


async def test_a_window_that_missed_something_is_counted_anew_but_never_lowered() -> None:
    found = [
        finding("window", "key", KEY_ID, "4"),
        finding("window", "user", "ada", "6"),
        finding("lifetime", "key", KEY_ID, "4"),
    ]
    house = House(
        day_to_check=YESTERDAY, findings=found, keys=[key(budget=DAILY)], users=[user(budget=DAILY)]
    )

    await house.upkeep.round()

    assert [(a.scope, a.id, a.window) for a in house.books.counted_anew] == [
        (Scope.KEY, KEY_ID, TODAY)
    ]


@pytest.mark.parametrize("failure", [DatabaseUnavailable("away"), RuntimeError("oops")])
async def test_a_bad_round_is_not_the_last(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "PAUSE_SECONDS", 0)
    house = House(failure=failure)

    task = asyncio.create_task(house.upkeep.run())
    await asyncio.sleep(0)
    house.books.failure = None
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert house.books.dropped_before


async def test_old_rows_are_deleted_once_a_day_and_by_batches() -> None:
    house = House(old_rows={Old.METERS: 2 * AT_A_TIME + 1})

    await house.upkeep.round()
    first = [what for what, *_ in house.books.forgotten]
    await house.upkeep.round()
    again = len(house.books.forgotten) - len(first)
    house.time.advance(86_400)
    await house.upkeep.round()

    assert house.books.old_rows[Old.METERS] == 0
    assert {what: first.count(what) for what in Old} == dict.fromkeys(Old, 1) | {Old.METERS: 3}
    assert again == 0
    assert len(house.books.forgotten) == len(first) + len(Old)


async def test_a_table_that_has_too_much_goes_on_the_next_day() -> None:
    house = House(old_rows={Old.WINDOWS: (MOST_BATCHES + 1) * AT_A_TIME})

    await house.upkeep.round()

    assert house.books.old_rows[Old.WINDOWS] == AT_A_TIME


async def test_windows_of_budgets_stay_however_old_they_are() -> None:
    long_ago = Budget(Decimal(5), "12mo")
    house = House(keys=[key(budget=long_ago)], users=[user(budget=DAILY)])

    await house.upkeep.round()

    (present,) = (one for what, _, one in house.books.forgotten if what == Old.WINDOWS)
    assert [(w.scope, w.id) for w in present.windows if not w.lifetime] == [(Scope.KEY, KEY_ID)]
    assert present.listed_at == house.time.clock.now() - timedelta(minutes=1)


@pytest.mark.parametrize(("days", "kept"), [(0, None), (90, 90), (400, 400)])
async def test_the_audit_log_is_kept_as_long_as_is_wanted(days: int, kept: int | None) -> None:
    house = House(audit_days=days)

    await house.upkeep.round()

    now = house.time.clock.now()
    found = [
        (now - before).days for what, before, _ in house.books.forgotten if what == "audit_log"
    ]
    assert found == ([kept] if kept else [])
