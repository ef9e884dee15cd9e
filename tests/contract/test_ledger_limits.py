"""What a ledger promises of limits on speed, held to it as `test_ledger` holds budgets."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from app.core.budgets import LimitedBy, LimitKind, Limits, LimitScope
from app.core.usage import Usage
from app.database.database import Database
from app.ledger.ledger import PostgresLedger
from app.ledger.record import BudgetRejection, Grant, Ledger, RateLimitRejection, ReserveRequest
from tests.support.examples import account, hold, settlement
from tests.support.fakes import FakeTime, MemoryLedger

KEY, USER, MODEL = LimitScope.KEY, LimitScope.USER, LimitScope.MODEL


class MemoryMeters:
    def __init__(self) -> None:
        self._time = FakeTime()
        self.ledger: Ledger = MemoryLedger(now=lambda: self._time.instant)

    def wait(self, seconds: float) -> None:
        self._time.advance(seconds)


class PostgresMeters:
    def __init__(self, dsn: str, database: Database) -> None:
        self._dsn = dsn
        self.ledger: Ledger = PostgresLedger(database)

    def wait(self, seconds: float) -> None:
        """What was written is so much older."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(
                "UPDATE rate_limit_bucket SET as_of = as_of - %s", (timedelta(seconds=seconds),)
            )


Meters = MemoryMeters | PostgresMeters


@pytest.fixture(params=["memory", "postgresql"])
async def meters(request: pytest.FixtureRequest) -> AsyncIterator[Meters]:
    if request.param == "memory":
        yield MemoryMeters()
        return
    dsn: str = request.getfixturevalue("database_url")
    async with Database(dsn, pool_size=2, timeout_seconds=10) as database:
        yield PostgresMeters(dsn, database)


def limited(scope: LimitScope = KEY, id_: str = "a", **limits: int) -> LimitedBy:
    return LimitedBy(scope, id_, Limits(**limits))


def asking(*limits: LimitedBy, tokens: int = 100) -> ReserveRequest:
    return hold(account(), limits=limits, tokens=tokens)


async def let_in(meters: Meters, *limits: LimitedBy, tokens: int = 100) -> ReserveRequest:
    held = asking(*limits, tokens=tokens)
    assert isinstance(await meters.ledger.hold(held), Grant)
    return held


async def refused(meters: Meters, *limits: LimitedBy, tokens: int = 100) -> RateLimitRejection:
    answer = await meters.ledger.hold(asking(*limits, tokens=tokens))
    assert isinstance(answer, RateLimitRejection)
    return answer


async def test_a_minutes_worth_of_requests_may_come_at_once_and_no_more(meters: Meters) -> None:
    for _ in range(3):
        await let_in(meters, limited(rpm=3))

    refusal = await refused(meters, limited(rpm=3))

    assert (refusal.limited_by, refusal.kind) == (limited(rpm=3), LimitKind.REQUESTS)
    assert refusal.wait_seconds == pytest.approx(20, abs=1)


async def test_who_waits_as_long_as_was_said_is_let_in_once(meters: Meters) -> None:
    for _ in range(3):
        await let_in(meters, limited(rpm=3))
    refusal = await refused(meters, limited(rpm=3))

    meters.wait(refusal.wait_seconds or 0)

    await let_in(meters, limited(rpm=3))
    await refused(meters, limited(rpm=3))


async def test_requests_that_are_refused_do_not_count(meters: Meters) -> None:
    await let_in(meters, limited(rpm=1))
    for _ in range(5):
        await refused(meters, limited(rpm=1))

    meters.wait(60)

    await let_in(meters, limited(rpm=1))


async def test_a_request_that_a_budget_refuses_counts_in_no_limit(meters: Meters) -> None:
    poor = hold(account(cap="0.5"), limits=(limited(rpm=1, parallel=1),), tokens=1)
    assert isinstance(await meters.ledger.hold(poor), BudgetRejection)

    await let_in(meters, limited(rpm=1, parallel=1))


async def test_tokens_that_are_expected_count_at_once(meters: Meters) -> None:
    await let_in(meters, limited(tpm=1000), tokens=700)

    refusal = await refused(meters, limited(tpm=1000), tokens=400)

    assert refusal.kind is LimitKind.TOKENS
    assert refusal.wait_seconds == pytest.approx(6, abs=1)
    await let_in(meters, limited(tpm=1000), tokens=300)


@pytest.mark.parametrize(
    ("usage", "room"),
    [(Usage(100, 100), 800), (Usage(600, 100), 300), (Usage(0, 100, cache_read_tokens=5000), 900)],
)
async def test_in_the_end_the_tokens_used_count_but_those_read_from_the_cache(
    meters: Meters, usage: Usage, room: int
) -> None:
    held = await let_in(meters, limited(tpm=1000), tokens=500)

    await meters.ledger.settle(settlement(held, usage=usage))

    await refused(meters, limited(tpm=1000), tokens=room + 5)
    await let_in(meters, limited(tpm=1000), tokens=room - 5)


async def test_a_request_larger_than_a_minutes_worth_is_let_in_when_all_is_quiet(
    meters: Meters,
) -> None:
    await let_in(meters, limited(tpm=1000), tokens=3000)

    refusal = await refused(meters, limited(tpm=1000), tokens=100)
    assert refusal.wait_seconds == pytest.approx(126, abs=1)
    meters.wait(180)

    await let_in(meters, limited(tpm=1000), tokens=3000)


async def test_a_request_holds_its_place_until_it_is_settled(meters: Meters) -> None:
    first, _ = [await let_in(meters, limited(parallel=2)) for _ in range(2)]

    refusal = await refused(meters, limited(parallel=2))
    await meters.ledger.settle(settlement(first))

    assert (refusal.kind, refusal.wait_seconds) == (LimitKind.PARALLEL, None)
    await let_in(meters, limited(parallel=2))
    await refused(meters, limited(parallel=2))


async def test_settling_twice_frees_one_place(meters: Meters) -> None:
    first, _ = [await let_in(meters, limited(parallel=2)) for _ in range(2)]

    for _ in range(2):
        await meters.ledger.settle(settlement(first))

    await let_in(meters, limited(parallel=2))
    await refused(meters, limited(parallel=2))


async def test_the_same_hold_twice_counts_once(meters: Meters) -> None:
    held = await let_in(meters, limited(rpm=2, parallel=2))
    assert isinstance(await meters.ledger.hold(held), Grant)

    await let_in(meters, limited(rpm=2, parallel=2))
    await refused(meters, limited(rpm=2, parallel=2))


async def test_a_hold_that_grows_is_not_limited_again(meters: Meters) -> None:
    held = await let_in(meters, limited(rpm=1, tpm=100, parallel=1))

    answer = await meters.ledger.hold(replace(held, amount=held.amount * 2, grows=True))

    assert isinstance(answer, Grant)


async def test_the_first_limit_in_the_way_is_named_and_none_counts(meters: Meters) -> None:
    await let_in(meters, limited(USER, "u", rpm=1))

    refusal = await refused(
        meters, limited(rpm=1), limited(USER, "u", rpm=1), limited(MODEL, rpm=1)
    )

    assert refusal.limited_by == limited(USER, "u", rpm=1)
    await let_in(meters, limited(rpm=1), limited(MODEL, rpm=1))


@pytest.mark.parametrize("limits", [Limits(rpm=0), Limits(tpm=0), Limits(parallel=0)])
async def test_a_limit_of_zero_lets_nobody_in(meters: Meters, limits: Limits) -> None:
    refusal = await refused(meters, LimitedBy(KEY, "a", limits))

    assert refusal.wait_seconds is None


async def test_a_grant_says_how_much_of_a_limit_was_used(meters: Meters) -> None:
    await let_in(meters, limited(rpm=10, tpm=1000), tokens=300)

    answer = await meters.ledger.hold(asking(limited(rpm=10, tpm=1000)))

    assert isinstance(answer, Grant)
    (reading,) = answer.readings
    assert reading.requests == pytest.approx(1, abs=0.2)
    assert reading.tokens == pytest.approx(300, abs=10)


async def test_a_place_that_a_dead_gateway_held_is_free_again(meters: Meters) -> None:
    held = await let_in(meters, limited(parallel=1))

    await meters.ledger.settle(settlement(held, ending="gateway_lost", usage=Usage()))

    await let_in(meters, limited(parallel=1))


async def test_a_clock_that_steps_back_keeps_nobody_out_for_longer_than_a_minute(
    meters: Meters,
) -> None:
    await let_in(meters, limited(rpm=2))
    meters.wait(-3600)
    await let_in(meters, limited(rpm=2))
    await refused(meters, limited(rpm=2))

    meters.wait(60)

    await let_in(meters, limited(rpm=2))
