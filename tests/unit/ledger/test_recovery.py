"""Rounds: a heartbeat, and what others left."""

import asyncio
import logging
from datetime import datetime, timedelta
from decimal import Decimal

import anyio
import pytest

from app.core.ids import InstanceId, RequestId
from app.core.tasks import DetachedTasks
from app.errors import DatabaseUnavailable
from app.ledger.record import Ledger, ReserveRequest
from app.ledger.recovery import Recovery
from app.ledger.settling import Settler
from app.telemetry.metrics import Metrics
from tests.support.examples import account, hold, settlement
from tests.support.fakes import FakeTime, MemoryLedger, MemorySpool

ME, OTHER = InstanceId("me"), InstanceId("other")
AWAY = DatabaseUnavailable("away")
TIMEOUT = 15.0


class House:
    """A janitor whose hours pass as the test wants."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self.time = FakeTime()
        self.ledger = MemoryLedger(now=lambda: self.time.instant)
        self.spool = MemorySpool()
        self.open: set[RequestId] = set()
        self.settler = Settler(self.ledger, self.spool, DetachedTasks())
        self.metrics = Metrics()
        self.janitor = Recovery(
            self.ledger,
            self.settler,
            self.metrics,
            instance=ME,
            open_requests=self.open,
            clock=self.time.clock,
            instance_timeout_seconds=timeout,
        )

    async def rounds(self, seconds: float) -> None:
        """So many seconds of what `run` does."""
        for _ in range(round(seconds / 3)):
            self.time.advance(3)
            await self.janitor.round()
            await self.janitor.replay()

    async def work_until(self, happened: asyncio.Event) -> None:
        """`run`, by the real clock."""
        work = asyncio.create_task(self.janitor.run())
        with anyio.fail_after(30):
            await happened.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    def tidied(self, kind: str) -> bool:
        """Whether metrics tell of one settlement of that kind."""
        line = f'gateway_recovered_requests_total{{kind="{kind}"}} 1.0'
        return line in self.metrics.exposition().decode()

    async def leave_behind(self, owner: InstanceId = OTHER) -> None:
        """A hold of 0.5 USD that is an hour old."""
        started = self.time.instant - timedelta(hours=1)
        await self.ledger.hold(
            hold(account(cap="5"), amount="0.5", owner=owner, started_at=started)
        )


async def test_a_hold_that_this_process_does_not_know_of_is_released_unpaid() -> None:
    house = House()
    await house.leave_behind(ME)
    await house.leave_behind(ME)
    known, stray = house.ledger.reservations
    house.open.add(known)

    await house.rounds(3)

    assert set(house.ledger.reservations) == {known}
    assert house.ledger.log[stray].cost == 0
    assert house.tidied("stray")


async def test_a_request_whose_fresh_hold_was_released_is_booked_all_the_same() -> None:
    house = House()
    held = hold(account(), owner=ME, started_at=house.time.instant - timedelta(days=2))
    await house.ledger.hold(held)
    await house.janitor.round()
    assert house.ledger.reservations == {}

    await house.ledger.settle(settlement(held, cost="0.5"))

    assert house.ledger.log[held.request_id].cost == Decimal("0.5")


async def test_each_round_says_that_this_process_lives() -> None:
    house = House()

    await house.rounds(9)

    assert house.ledger.beats == [ME] * 3


async def test_the_silence_of_the_database_is_counted_from_its_last_answer() -> None:
    house = House()
    await house.rounds(6)
    assert house.janitor.silence_seconds == 0

    house.ledger.away = AWAY
    with pytest.raises(DatabaseUnavailable):
        await house.rounds(30)
    house.time.advance(57)

    assert house.janitor.silence_seconds == 60


async def test_room_in_the_log_is_made_once_a_day() -> None:
    house = House()
    await house.rounds(30)
    assert len(house.ledger.prepared) == 1

    house.time.advance(86_400)
    await house.rounds(30)

    assert len(house.ledger.prepared) == 2


async def test_a_hold_of_a_dead_process_is_settled_at_what_it_held() -> None:
    house = House()
    await house.leave_behind()

    await house.rounds(TIMEOUT + 3)

    (settled,) = house.ledger.settled
    assert (settled.ending, settled.cost, settled.estimated) == (
        "gateway_lost",
        Decimal("0.5"),
        True,
    )
    assert house.ledger.held(account()) == 0
    assert house.ledger.spent(account()) == Decimal("0.5")
    assert house.tidied("orphan")


async def test_holds_of_processes_that_live_are_left_alone() -> None:
    house = House()
    for owner in (ME, OTHER):
        await house.leave_behind(owner)
    house.open.update(house.ledger.reservations)

    for _ in range(20):
        await house.ledger.heartbeat(OTHER)
        await house.rounds(3)

    assert house.ledger.settled == []


async def test_others_get_time_to_say_that_they_live_before_they_are_taken_for_dead() -> None:
    house = House()
    await house.leave_behind()

    await house.rounds(TIMEOUT)

    assert house.ledger.settled == []


async def test_after_the_database_was_away_everybody_gets_that_time_again() -> None:
    house = House()
    await house.rounds(60)
    await house.leave_behind()
    house.ledger.away = AWAY
    task = asyncio.create_task(house.janitor.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    house.ledger.away = None

    await house.rounds(TIMEOUT)
    assert house.ledger.settled == []
    await house.rounds(3)

    assert len(house.ledger.settled) == 1


async def test_a_long_replay_holds_up_no_heartbeat() -> None:
    house = House(timeout=0.01)
    beaten = asyncio.Event()
    begun: list[Ledger] = []

    async def replay(ledger: Ledger) -> int:
        begun.append(ledger)
        await beaten.wait()
        return 0

    async def heartbeat(owner: InstanceId) -> None:
        house.ledger.beats.append(owner)
        if begun and len(house.ledger.beats) > 3:
            beaten.set()

    house.spool.replay = replay  # type: ignore[method-assign]
    house.ledger.heartbeat = heartbeat  # type: ignore[method-assign]
    await house.work_until(beaten)

    assert len(begun) == 1


async def test_a_replay_that_fails_breaks_no_round_beside_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House(timeout=0.01)
    failed, ended = asyncio.Event(), asyncio.Event()

    async def replay(ledger: Ledger) -> int:
        failed.set()
        raise AWAY

    async def prepare(now: datetime) -> None:
        await failed.wait()
        await asyncio.sleep(0)

    async def strays(*_: object) -> list[ReserveRequest]:
        ended.set()
        return []

    house.spool.replay = replay  # type: ignore[method-assign]
    house.ledger.prepare = prepare  # type: ignore[method-assign]
    house.ledger.strays = strays  # type: ignore[assignment]
    await house.work_until(ended)

    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


async def test_what_was_spooled_is_booked() -> None:
    house = House()
    house.spool.kept = [settlement(hold(account()))]

    await house.rounds(3)

    assert (len(house.ledger.settled), house.spool.kept) == (1, [])
    assert house.tidied("spooled")


@pytest.mark.parametrize("error", [AWAY, RuntimeError("oops")])
async def test_a_bad_round_is_not_the_last(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(timeout=0.01)
    beaten = asyncio.Event()
    rounds = 0

    async def heartbeat(owner: InstanceId) -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            raise error
        beaten.set()

    house.ledger.heartbeat = heartbeat  # type: ignore[method-assign]
    await house.work_until(beaten)

    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == (0 if error is AWAY else 2)


async def test_a_process_that_leaves_books_what_it_kept_and_is_no_longer_alive() -> None:
    house = House()
    await house.rounds(3)
    house.spool.kept = [settlement(hold(account()))]
    await house.leave_behind(ME)

    await house.janitor.leave()

    assert house.spool.kept == []
    assert len(await house.ledger.orphans(60)) == 1


async def test_leaving_while_the_database_is_away_keeps_what_is_spooled() -> None:
    house = House()
    house.spool.kept = [settlement(hold(account()))]
    house.ledger.away = AWAY

    await house.janitor.leave()

    assert len(house.spool.kept) == 1
