"""What a ledger promises. One suite for PostgreSQL's and for the one that unit tests use."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import psycopg
import pytest

from app.core.budgets import Window
from app.core.ids import InstanceId, RequestId
from app.database.database import Database
from app.ledger.ledger import PostgresLedger
from app.ledger.record import BudgetCounter, BudgetRejection, Grant, Ledger, Scope
from tests.support.examples import NOW, TODAY, account, hold, settlement
from tests.support.fakes import MemoryLedger

KEY, USER, GLOBAL = Scope.KEY, Scope.USER, Scope.GLOBAL
COMMON = (KEY, USER, GLOBAL)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FAR_AWAY = Window(NOW + timedelta(days=400), None)


class Books(Protocol):
    """A ledger, and a look into it."""

    @property
    def ledger(self) -> Ledger: ...

    def sums(self, account: BudgetCounter) -> tuple[Decimal, Decimal]:
        """What is spent in an account, and what is held."""

    def cost(self, request_id: RequestId) -> Decimal | None:
        """What the log says of a request, if it is there."""


class MemoryBooks:
    def __init__(self) -> None:
        self.ledger = MemoryLedger()

    def sums(self, account: BudgetCounter) -> tuple[Decimal, Decimal]:
        return self.ledger.spent(account), self.ledger.held(account)

    def cost(self, request_id: RequestId) -> Decimal | None:
        logged = self.ledger.log.get(request_id)
        return logged.cost if logged else None


class PostgresBooks:
    def __init__(self, dsn: str, database: Database) -> None:
        self._dsn = dsn
        self.ledger = PostgresLedger(database)

    def sums(self, account: BudgetCounter) -> tuple[Decimal, Decimal]:
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute(
                "SELECT spent, reserved FROM budget_counter "
                "WHERE scope = %s AND id = %s AND window_start = %s",
                (account.scope.value, account.id, account.window.start),
            ).fetchone()
        return (row[0], row[1]) if row else (Decimal(0), Decimal(0))

    def cost(self, request_id: RequestId) -> Decimal | None:
        with psycopg.connect(self._dsn) as connection:
            rows = connection.execute(
                "SELECT cost FROM spend_log WHERE request_id = %s", (request_id,)
            ).fetchall()
        assert len(rows) <= 1
        return rows[0][0] if rows else None


@pytest.fixture(params=["memory", "postgresql"])
async def books(request: pytest.FixtureRequest) -> AsyncIterator[Books]:
    if request.param == "memory":
        yield MemoryBooks()
        return
    dsn: str = request.getfixturevalue("database_url")
    async with Database(dsn, pool_size=2, timeout_seconds=10) as database:
        yield PostgresBooks(dsn, database)


def money(spent: str, held: str) -> tuple[Decimal, Decimal]:
    return Decimal(spent), Decimal(held)


async def test_a_hold_counts_in_every_account_that_has_a_cap(books: Books) -> None:
    capped, windowed, free = account(KEY, "5"), account(USER, "5", TODAY), account(USER)

    answer = await books.ledger.hold(hold(capped, free, windowed, amount="0.3"))

    assert isinstance(answer, Grant)
    assert books.sums(capped) == money("0", "0.3")
    assert books.sums(windowed) == money("0", "0.3")
    assert books.sums(free) == money("0", "0")


@pytest.mark.parametrize(("amount", "granted"), [("1", True), ("1.000001", False)])
async def test_a_cap_may_be_used_to_its_last_digit(
    books: Books, amount: str, granted: bool
) -> None:
    answer = await books.ledger.hold(hold(account(cap="1"), amount=amount))

    assert isinstance(answer, Grant) is granted


async def test_what_is_held_is_not_there_for_others(books: Books) -> None:
    await books.ledger.hold(hold(account(cap="1"), amount="0.7"))

    refusal = await books.ledger.hold(hold(account(cap="1"), amount="0.4"))

    assert isinstance(refusal, BudgetRejection)
    assert (refusal.spent, refusal.held) == money("0", "0.7")


async def test_what_is_spent_is_not_there_either(books: Books) -> None:
    first = hold(account(cap="1"), amount="0.2")
    await books.ledger.hold(first)
    await books.ledger.settle(settlement(first, cost="0.7"))

    refusal = await books.ledger.hold(hold(account(cap="1"), amount="0.4"))

    assert isinstance(refusal, BudgetRejection)
    assert (refusal.account, refusal.spent, refusal.held) == (account(cap="1"), *money("0.7", "0"))


@pytest.mark.parametrize(
    ("caps", "refused"),
    [
        (("0.5", "0.5", "0.5"), KEY),
        (("5", "0.5", "0.5"), USER),
        (("5", "5", "0.5"), GLOBAL),
        ((None, "0.5", "0.5"), USER),
        ((None, None, "0.5"), GLOBAL),
        ((None, None, None), None),
    ],
)
async def test_the_first_account_that_does_not_cover_it_is_named(
    books: Books, caps: tuple[str | None, ...], refused: Scope | None
) -> None:
    accounts = [account(scope, cap) for scope, cap in zip(COMMON, caps, strict=True)]

    answer = await books.ledger.hold(hold(*accounts))

    assert (answer.account.scope if isinstance(answer, BudgetRejection) else None) == refused


@pytest.mark.parametrize("position", [0, 1, 2])
async def test_a_refusal_holds_nothing_anywhere(books: Books, position: int) -> None:
    caps = ["5", "5", "5"]
    caps[position] = "0.5"
    accounts = [account(scope, cap) for scope, cap in zip(COMMON, caps, strict=True)]
    refused = hold(*accounts)

    assert isinstance(await books.ledger.hold(refused), BudgetRejection)

    assert [books.sums(a) for a in accounts] == [money("0", "0")] * 3
    assert isinstance(await books.ledger.hold(replace(refused, amount=Decimal("0.5"))), Grant)


@pytest.mark.parametrize(
    ("accounts", "left"),
    [
        ([account(KEY)], None),
        ([account(KEY, "5"), account(USER), account(GLOBAL, "3")], "2"),
        ([account(KEY, "1"), account(USER, "7")], "0"),
    ],
)
async def test_a_grant_says_what_the_tightest_account_has_left(
    books: Books, accounts: list[BudgetCounter], left: str | None
) -> None:
    answer = await books.ledger.hold(hold(*accounts, amount="1"))

    assert isinstance(answer, Grant)
    assert answer.left == (Decimal(left) if left is not None else None)


async def test_a_grant_names_the_account_that_is_nearest_to_its_cap(books: Books) -> None:
    accounts = [account(KEY, "10"), account(USER, "4"), account(GLOBAL, "100")]
    first = hold(*accounts, amount="1")
    await books.ledger.hold(first)
    await books.ledger.settle(settlement(first, cost="2"))

    answer = await books.ledger.hold(hold(*accounts, amount="1"))

    assert isinstance(answer, Grant)
    assert answer.fullest is not None
    assert (answer.fullest.account.scope, answer.fullest.spent) == (USER, Decimal(2))


async def test_accounts_differ_by_scope_id_and_window(books: Books) -> None:
    others = [account(USER, "1"), account(KEY, "1", id_="b"), account(KEY, "1", TODAY)]
    await books.ledger.hold(hold(account(KEY, "1")))

    for other in others:
        assert isinstance(await books.ledger.hold(hold(other)), Grant)


async def test_a_hold_grows_to_its_new_total(books: Books) -> None:
    first = hold(account(cap="1"), amount="0.4")
    await books.ledger.hold(first)

    answer = await books.ledger.hold(replace(first, amount=Decimal("0.9"), grows=True))

    assert isinstance(answer, Grant)
    assert books.sums(account()) == money("0", "0.9")


async def test_a_hold_that_may_not_grow_keeps_what_it_has(books: Books) -> None:
    first = hold(account(cap="1"), amount="0.4")
    await books.ledger.hold(first)

    refusal = await books.ledger.hold(replace(first, amount=Decimal("1.1"), grows=True))

    assert isinstance(refusal, BudgetRejection)
    assert (refusal.spent, refusal.held) == money("0", "0.4")
    assert books.sums(account()) == money("0", "0.4")


async def test_a_hold_shrinks_though_the_cap_is_exceeded(books: Books) -> None:
    first, other = hold(account(cap="1"), amount="0.9"), hold(account(cap="1"), amount="0.1")
    for held in (first, other):
        await books.ledger.hold(held)
    await books.ledger.settle(settlement(other, cost="7"))

    answer = await books.ledger.hold(replace(first, amount=Decimal("0.2"), grows=True))

    assert isinstance(answer, Grant)
    assert books.sums(account()) == money("7", "0.2")


async def test_the_same_hold_twice_counts_once(books: Books) -> None:
    first = hold(account(cap="1"), amount="0.7")

    for _ in range(2):
        assert isinstance(await books.ledger.hold(first), Grant)

    assert books.sums(account()) == money("0", "0.7")


async def test_a_settlement_replaces_the_hold_by_the_cost_in_every_account(books: Books) -> None:
    accounts = [account(KEY), account(KEY, "5", TODAY), account(USER, "5")]
    held = hold(*accounts)
    await books.ledger.hold(held)

    await books.ledger.settle(settlement(held, cost="0.25"))

    assert [books.sums(a) for a in accounts] == [money("0.25", "0")] * 3
    assert books.cost(held.request_id) == Decimal("0.25")


async def test_what_is_booked_counts_at_once_and_lasts_soon(books: Books) -> None:
    held = hold(account(cap="5"))
    await books.ledger.hold(held)

    booked = await books.ledger.book(settlement(held, cost="0.25"))

    assert list(booked.spent) == [Decimal("0.25")]
    assert books.sums(account()) == money("0.25", "0")
    assert await booked.lasts


async def test_settling_twice_is_settling_once(books: Books) -> None:
    held = hold(account(cap="5"))
    await books.ledger.hold(held)

    await books.ledger.settle(settlement(held, cost="0.25"))
    await books.ledger.settle(settlement(held, cost="0.99"))

    assert books.sums(account()) == money("0.25", "0")
    assert books.cost(held.request_id) == Decimal("0.25")


async def test_a_cost_may_exceed_what_was_held_and_the_cap(books: Books) -> None:
    held = hold(account(cap="1"), amount="0.5")
    await books.ledger.hold(held)

    await books.ledger.settle(settlement(held, cost="3"))

    assert books.sums(account()) == money("3", "0")


@pytest.mark.parametrize("window", [TODAY, FAR_AWAY])
async def test_a_request_without_a_hold_is_booked_all_the_same(
    books: Books, window: Window
) -> None:
    unheld = hold(account(cap="5", window=window), started_at=window.start)

    await books.ledger.settle(settlement(unheld, cost="0.25"))

    assert books.sums(account(window=window)) == money("0.25", "0")
    assert books.cost(unheld.request_id) == Decimal("0.25")


async def test_real_figures_replace_a_guess_and_no_guess_replaces_them(books: Books) -> None:
    held = hold(account(cap="5"))
    await books.ledger.hold(held)
    guess = settlement(held, cost="1", ending="gateway_lost", estimated=True)

    await books.ledger.settle(guess)
    await books.ledger.settle(guess)
    guessed = books.sums(account())
    await books.ledger.settle(settlement(held, cost="0.4"))
    await books.ledger.settle(guess)

    assert guessed == money("1", "0")
    assert books.sums(account()) == money("0.4", "0")
    assert books.cost(held.request_id) == Decimal("0.4")


async def test_a_request_that_was_settled_holds_nothing_more(books: Books) -> None:
    held = hold(account(cap="5"))
    await books.ledger.hold(held)
    await books.ledger.settle(settlement(held, cost="0.25"))

    answer = await books.ledger.hold(replace(held, amount=Decimal(2), grows=True))

    assert isinstance(answer, Grant)
    assert books.sums(account()) == money("0.25", "0")


async def test_orphans_are_old_holds_of_owners_that_are_silent(books: Books) -> None:
    alive, dead = InstanceId("alive"), InstanceId("dead")
    held = [
        hold(account(cap="9"), owner=dead, started_at=LONG_AGO + timedelta(seconds=2)),
        hold(account(cap="9"), owner=dead, started_at=LONG_AGO + timedelta(seconds=1)),
        hold(account(cap="9"), owner=dead, started_at=datetime.now(UTC)),
        hold(account(cap="9"), owner=alive, started_at=LONG_AGO),
    ]
    for one in held:
        await books.ledger.hold(one)
    await books.ledger.heartbeat(alive)

    found = await books.ledger.orphans(60)

    assert [orphan.request_id for orphan in found] == [held[1].request_id, held[0].request_id]
    assert found[0] == replace(held[1], grows=True)


async def test_an_owner_that_was_silent_for_as_long_as_asked_is_dead(books: Books) -> None:
    held = hold(account(cap="9"), owner=InstanceId("slow"), started_at=LONG_AGO)
    await books.ledger.hold(held)
    await books.ledger.heartbeat(InstanceId("slow"))

    assert await books.ledger.orphans(60) == []
    assert len(await books.ledger.orphans(0)) == 1


async def test_an_owner_that_left_is_silent_at_once(books: Books) -> None:
    held = hold(account(cap="9"), owner=InstanceId("leaving"), started_at=LONG_AGO)
    await books.ledger.hold(held)
    await books.ledger.heartbeat(InstanceId("leaving"))

    await books.ledger.forget(InstanceId("leaving"))

    assert [orphan.request_id for orphan in await books.ledger.orphans(60)] == [held.request_id]


async def test_an_orphan_is_settled_with_the_accounts_it_remembers(books: Books) -> None:
    accounts = account(KEY), account(KEY, "5", TODAY), account(GLOBAL, "5", id_="*")
    await books.ledger.hold(hold(*accounts, amount="0.5", started_at=LONG_AGO))

    (orphan,) = await books.ledger.orphans(60)
    await books.ledger.settle(settlement(orphan, cost="0.5", ending="gateway_lost"))

    assert [books.sums(a) for a in accounts] == [money("0.5", "0")] * 3


async def test_strays_are_an_owners_old_holds_for_requests_it_does_not_know(books: Books) -> None:
    me, other = InstanceId("me"), InstanceId("other")
    known, stray = (hold(account(cap="9"), owner=me, started_at=LONG_AGO) for _ in range(2))
    young = hold(account(cap="9"), owner=me, started_at=datetime.now(UTC))
    for one in (known, stray, young, hold(account(cap="9"), owner=other, started_at=LONG_AGO)):
        await books.ledger.hold(one)
    await books.ledger.heartbeat(me)

    found = await books.ledger.strays(me, [known.request_id], 60)

    assert found == [replace(stray, grows=True)]


async def test_preparing_may_be_repeated(books: Books) -> None:
    for _ in range(2):
        await books.ledger.prepare(NOW)
