"""Reports say the same of a day whether they read its log or its summaries."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
import pytest

from app.core.budgets import LIFETIME, Window
from app.core.ids import KeyId, UserId
from app.core.usage import Usage
from app.database.database import Database
from app.ledger.ledger import PostgresLedger
from app.ledger.record import BudgetCounter, RequestRecord, Scope, by_model
from app.spend.history import PostgresSpending
from app.spend.records import Dimension, Finding, LogQuery, Part, Period, Spender, SpendGroup
from tests.support.examples import hold, settlement

STILL_OPEN = timedelta(minutes=5)
"""A day's books stay open for so long after its end."""
OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-4-5"
ADA, BOB = UserId("ada"), UserId("bob")
KEY_A, KEY_B = KeyId("a" * 64), KeyId("b" * 64)


def ago(days: int) -> date:
    return (datetime.now(UTC) - STILL_OPEN).date() - timedelta(days=days)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@dataclass
class Desk:
    """A ledger to write by and reports to read."""

    dsn: str
    ledger: PostgresLedger
    spending: PostgresSpending

    async def book(self, days: int = 1, cost: str = "0.5", **changes: Any) -> RequestRecord:
        key, user = changes.pop("key_id", KEY_A), changes.pop("user_id", ADA)
        accounts = changes.pop("accounts", None) or (
            BudgetCounter(Scope.KEY, key, LIFETIME, None),
            *([BudgetCounter(Scope.USER, user, LIFETIME, None)] if user else []),
        )
        held = hold(*accounts, started_at=noon(ago(days)), key_id=key, user_id=user)
        held = replace(held, model=changes.pop("model", HAIKU))
        booked = settlement(held, cost=cost, **changes)
        await self.ledger.settle(booked)
        return booked

    async def close_days(self) -> int:
        return await self.spending.summarise(1000)

    async def groups(self, by: Dimension, spender: Spender = Spender()) -> list[SpendGroup]:  # noqa: B008
        period = Period(ago(20), ago(0))
        return list((await self.spending.groups(by, period, spender, Part(100))).records)

    async def all_reports(self) -> list[list[SpendGroup]]:
        everybody, ada = Spender(), Spender(user_id=ADA)
        return [await self.groups(by, whose) for by in Dimension for whose in (everybody, ada)]

    async def cost(self, by: Dimension = Dimension.MODEL) -> Decimal:
        return sum((group.cost for group in await self.groups(by)), Decimal(0))

    def execute(self, sql: LiteralString, *parameters: Any) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(sql, parameters)

    def tables(self) -> set[str]:
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute(
                "SELECT inhrelid::regclass::text FROM pg_inherits "
                "WHERE inhparent = 'spend_log'::regclass"
            ).fetchall()
        return {row[0] for row in rows}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with Database(database_url, pool_size=2, timeout_seconds=10) as database:
        desk = Desk(database_url, PostgresLedger(database), PostgresSpending(database))
        for days in range(20, -1, -1):
            await desk.ledger.prepare(noon(ago(days)))
        yield desk


async def fill(desk: Desk) -> None:
    await desk.book(3, "1", model=OPUS, tags=("ci", "nightly"))
    await desk.book(3, "2", status=502, ending="upstream_failed", estimated=True)
    await desk.book(2, "4", key_id=KEY_B, user_id=BOB, session_id=None, tags=("ci",))
    await desk.book(2, "8", key_id=KEY_B, user_id=None, session_id="other")
    await desk.book(0, "16")


async def test_each_dimension_is_told_with_its_sums(desk: Desk) -> None:
    await fill(desk)

    by_model = await desk.groups(Dimension.MODEL)
    assert [(g.name, g.requests, g.failed_requests, g.cost) for g in by_model] == [
        (HAIKU, 4, 1, Decimal(30)),
        (OPUS, 1, 0, Decimal(1)),
    ]
    assert by_model[0].usage == Usage(40, 80, 120, 160, 200)
    assert (by_model[0].tokens, by_model[0].estimated_cost) == (600, Decimal(2))
    sums = {
        by: {group.name: group.cost for group in await desk.groups(by)}
        for by in (Dimension.DAY, Dimension.USER, Dimension.SESSION, Dimension.TAG)
    }
    assert sums[Dimension.DAY] == {str(ago(3)): 3, str(ago(2)): 12, str(ago(0)): 16}
    assert sums[Dimension.USER] == {"ada": 19, "": 8, "bob": 4}
    assert sums[Dimension.SESSION] == {"session-1": 19, "other": 8}
    assert sums[Dimension.TAG] == {"ci": 5, "nightly": 1}


async def test_reports_are_the_same_when_days_are_summarised_and_when_their_log_is_gone(
    desk: Desk,
) -> None:
    await fill(desk)
    by_log = await desk.all_reports()

    assert await desk.close_days() == 3
    by_summary = await desk.all_reports()
    assert await desk.spending.drop_before(ago(1)) == 2
    without_log = await desk.all_reports()

    assert by_log == by_summary == without_log
    assert await desk.spending.logged(LogQuery()) == 1


async def test_without_any_spend_there_is_no_day_to_close(desk: Desk) -> None:
    assert await desk.close_days() == 0
    assert await desk.spending.checks(9) == []


async def test_days_that_need_nothing_are_left_alone(desk: Desk) -> None:
    await fill(desk)
    await desk.close_days()

    assert await desk.close_days() == 0


async def test_spend_that_is_booked_late_enters_the_summary_of_its_day(desk: Desk) -> None:
    await desk.book(3, "1")
    await desk.close_days()

    late = await desk.book(3, "2")

    assert await desk.cost() == 3
    assert await desk.close_days() == 1
    await desk.ledger.settle(late)
    await desk.close_days()
    assert await desk.cost() == 3


async def test_spend_of_a_day_whose_log_is_gone_is_added_to_its_summaries(desk: Desk) -> None:
    await desk.book(5, "1", tags=("ci",))
    await desk.close_days()
    await desk.spending.drop_before(ago(0))

    await desk.book(5, "2", tags=("ci",))
    await desk.close_days()

    assert [await desk.cost(by) for by in Dimension] == [3] * len(Dimension)


async def test_real_figures_that_replace_a_guess_do_so_in_the_summary_too(desk: Desk) -> None:
    guess = await desk.book(2, "5", ending="gateway_lost", estimated=True)
    await desk.close_days()

    await desk.ledger.settle(replace(guess, cost=Decimal(2), ending="completed", estimated=False))
    await desk.close_days()

    assert await desk.cost() == 2


async def test_a_log_is_given_up_only_when_its_day_is_summarised(desk: Desk) -> None:
    await desk.book(9)
    before = desk.tables()

    assert await desk.spending.drop_before(ago(0)) == 0
    assert desk.tables() == before

    await desk.close_days()
    await desk.book(9)
    assert await desk.spending.drop_before(ago(0)) == 7
    assert f"spend_log_{ago(9):%Y%m%d}" in desk.tables()


async def test_a_log_is_given_up_a_week_at_a_time(desk: Desk) -> None:
    await desk.book(10)
    await desk.close_days()

    assert [await desk.spending.drop_before(ago(0)) for _ in range(3)] == [7, 3, 0]
    assert f"spend_log_{ago(10):%Y%m%d}" not in desk.tables()
    assert f"spend_log_{ago(0):%Y%m%d}" in desk.tables()


async def test_the_check_finds_nothing_where_all_is_right(desk: Desk) -> None:
    await fill(desk)
    await desk.close_days()

    assert await desk.spending.unchecked() == ago(1)
    assert await desk.spending.check(ago(1), []) == []
    assert await desk.spending.unchecked() is None
    (checked, *_) = await desk.spending.checks(5)
    assert (checked.day, checked.findings) == (ago(1), ())
    assert checked.checked_at is not None


DAMAGES: dict[str, tuple[LiteralString, Finding]] = {
    "a row is lost": (
        "DELETE FROM spend_log WHERE cost = 2",
        Finding("summary", "key", KEY_A, Decimal(1), Decimal(3)),
    ),
    "a summary is wrong": (
        "UPDATE spend_daily SET cost = cost + 0.000001 WHERE model = 'claude-opus-5-5'",
        Finding("summary", "key", KEY_A, Decimal(3), Decimal("3.000001")),
    ),
    "a key's counter is wrong": (
        "UPDATE budget_counter SET spent = spent + 1 WHERE scope = 'key' AND id <> repeat('a', 64)",
        Finding("lifetime", "key", KEY_B, Decimal(12), Decimal(13)),
    ),
    "a user's counter is wrong": (
        "UPDATE budget_counter SET spent = 0 WHERE scope = 'user' AND id = 'ada'",
        Finding("lifetime", "user", "ada", Decimal(19), Decimal(0)),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_the_check_finds_what_does_not_agree(desk: Desk, damage: str) -> None:
    sql, finding = DAMAGES[damage]
    await fill(desk)
    await desk.close_days()
    desk.execute(sql)

    found = await desk.spending.check(ago(3), [])

    assert finding in found
    recorded = {check.day: check.findings for check in await desk.spending.checks(30)}
    assert recorded[ago(3)] == tuple(found)


async def test_spend_that_came_from_elsewhere_is_no_difference(desk: Desk) -> None:
    await fill(desk)
    await desk.close_days()
    desk.execute("UPDATE budget_counter SET spent = spent + 7, adjusted = adjusted + 7")

    assert await desk.spending.check(ago(3), []) == []


async def test_a_window_that_missed_something_is_found_and_counted_anew(desk: Desk) -> None:
    window = BudgetCounter(Scope.KEY, KEY_A, Window(noon(ago(2)), None), Decimal(50))
    await desk.book(1, "3", accounts=(BudgetCounter(Scope.KEY, KEY_A, LIFETIME, None), window))
    await desk.book(1, "4")
    await desk.close_days()

    (finding,) = [f for f in await desk.spending.check(ago(1), [window]) if f.what == "window"]
    assert (finding.logged, finding.counted, finding.short) == (Decimal(7), Decimal(3), True)

    await desk.spending.count_anew([window])
    assert (await desk.spending.standings([window]))[0].spent == 7


@pytest.mark.parametrize("dropped", [False, True])
async def test_a_new_window_starts_from_what_was_spent_in_it(desk: Desk, dropped: bool) -> None:
    await desk.book(5, "1", model=OPUS)
    await desk.book(3, "2", model=OPUS)
    await desk.book(2, "4")
    await desk.book(2, "8", key_id=KEY_B, user_id=BOB)
    if dropped:
        await desk.close_days()
        await desk.spending.drop_before(ago(0))
    window = Window(datetime.combine(ago(3), datetime.min.time(), UTC), None)
    accounts = [
        BudgetCounter(Scope.KEY, KEY_A, window, None),
        BudgetCounter(Scope.KEY_MODEL, by_model(OPUS, KEY_A), window, None),
        BudgetCounter(Scope.USER, ADA, window, None),
        BudgetCounter(Scope.USER_MODEL, by_model(OPUS, BOB), window, None),
        BudgetCounter(Scope.GLOBAL_MODEL, by_model(OPUS, "*"), window, None),
        BudgetCounter(Scope.GLOBAL, "*", window, None),
    ]

    await desk.spending.count_anew(accounts)

    spent = [standing.spent for standing in await desk.spending.standings(accounts)]
    assert spent == [6, 2, 6, 0, 2, 14]


async def test_the_log_is_read_by_what_requests_were(desk: Desk) -> None:
    booked = await desk.book(1, "3", model=OPUS, tags=("ci",), session_id="s", agent="reviewer")
    for days in (2, 3, 4):
        await desk.book(days, key_id=KEY_B, user_id=BOB)

    for query in (
        LogQuery(spender=Spender(key_id=KEY_A)),
        LogQuery(spender=Spender(user_id=ADA)),
        LogQuery(model=OPUS),
        LogQuery(tag="ci"),
        LogQuery(session_id="s"),
        LogQuery(request_id=booked.request_id),
        LogQuery(since=noon(ago(1))),
    ):
        (entry,) = await desk.spending.log(query)
        assert entry.request_id == booked.request_id
        assert (entry.cost, entry.agent) == (Decimal(3), "reviewer")
    pages = [await desk.spending.log(LogQuery(offset=n, limit=2)) for n in (0, 2)]
    assert await desk.spending.logged(LogQuery()) == 4
    assert [e.started_at for page in pages for e in page] == [
        noon(ago(days)) for days in (1, 2, 3, 4)
    ]
