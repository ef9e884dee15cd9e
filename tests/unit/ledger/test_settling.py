"""What a request cost is booked, or kept until it can be."""

import asyncio
import logging
from dataclasses import replace
from decimal import Decimal

import pytest

from app.core.tasks import DetachedTasks
from app.errors import DatabaseUnavailable
from app.ledger import settling
from app.ledger.record import RequestRecord
from app.ledger.settling import Settler
from tests.support.examples import account, hold, settlement
from tests.support.fakes import MemoryLedger, MemorySpool

AWAY = DatabaseUnavailable("away")


class Desk:
    def __init__(self, *, room: int = 100, away: bool = False) -> None:
        self.ledger = MemoryLedger(away=AWAY if away else None)
        self.spool = MemorySpool(room=room)
        self.background = DetachedTasks()
        self.settler = Settler(self.ledger, self.spool, self.background)

    async def settle(self, count: int) -> list[RequestRecord]:
        made = [settlement(hold(account()), cost=str(number)) for number in range(count)]
        for one in made:
            await self.settler.settle(one)
        return made


async def test_a_settlement_is_booked_at_once() -> None:
    desk = Desk()

    made = await desk.settle(1)

    assert (desk.ledger.settled, desk.spool.kept) == (made, [])


async def test_while_the_database_is_away_it_is_spooled(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(away=True)

    made = await desk.settle(1)

    assert desk.spool.kept == made
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == "settlement failed; written to the local spool"
    assert facts(record) == (made[0].request_id, "0", "DatabaseUnavailable")


def facts(record: logging.LogRecord) -> tuple[str, str, str]:
    """What an operator needs to book a settlement by hand, and why it must be."""
    told = vars(record)
    return told["request_id"], told["cost"], told["reason"]


async def test_with_a_full_disk_it_is_kept_in_memory_and_said_loudly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(away=True, room=1)

    made = await desk.settle(3)
    desk.ledger.away = None

    assert {record.levelno for record in caplog.records[1:]} == {logging.CRITICAL}
    kept = caplog.records[1]
    assert kept.message == "settlement failed and the spool is not writable; kept in memory"
    assert facts(kept) == (made[1].request_id, "1", "DatabaseUnavailable")
    assert "No space left" in vars(kept)["error"]
    assert await desk.settler.replay() == 3
    assert sorted(desk.ledger.settled, key=lambda one: one.cost) == made


async def test_a_replay_while_the_database_is_away_keeps_everything() -> None:
    desk = Desk(away=True, room=1)
    await desk.settle(3)

    with pytest.raises(DatabaseUnavailable):
        await desk.settler.replay()
    desk.ledger.away = None

    assert await desk.settler.replay() == 3
    assert await desk.settler.replay() == 0


async def test_two_replays_at_once_lose_nothing() -> None:
    desk = Desk(away=True, room=0)
    made = await desk.settle(3)
    desk.ledger.away = None
    desk.ledger.gate = asyncio.Event()

    replays = [asyncio.create_task(desk.settler.replay()) for _ in range(2)]
    await desk.ledger.asked_to_settle.wait()
    await asyncio.sleep(0)
    desk.ledger.gate.set()

    assert sum(await asyncio.gather(*replays)) == 3
    assert sorted(desk.ledger.settled, key=lambda one: one.cost) == made


async def test_memory_is_bounded_and_what_is_lost_is_named(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "KEPT_IN_MEMORY", 2)
    desk = Desk(away=True, room=0)

    made = await desk.settle(3)
    desk.ledger.away = None
    await desk.settler.replay()

    (lost,) = [
        record
        for record in caplog.records
        if record.message == "settlement dropped: memory queue full"
    ]
    assert (vars(lost)["request_id"], vars(lost)["cost"]) == (made[0].request_id, "0")
    assert desk.ledger.settled == made[1:]


async def test_a_repetition_books_once() -> None:
    desk = Desk()
    (one,) = await desk.settle(1)

    await desk.settler.settle(replace(one, cost=Decimal(9)))

    assert desk.ledger.spent(account()) == one.cost


async def test_a_fault_of_ours_loses_no_settlement(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.ledger.away = RuntimeError("a fault of ours")  # type: ignore[assignment]

    with pytest.raises(RuntimeError):
        await desk.settle(1)

    (kept,) = desk.spool.kept
    (record,) = caplog.records
    assert facts(record) == (kept.request_id, "0", "RuntimeError")


async def test_what_the_database_may_have_lost_is_settled_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    lasts = desk.ledger.lasts = asyncio.get_running_loop().create_future()
    made = await desk.settle(2)
    assert desk.ledger.settled == made

    lasts.set_result(False)
    await desk.background.finish()

    (record,) = caplog.records
    assert record.message == "flush failed; re-sending settlements"
    assert vars(record)["count"] == 2
    assert desk.ledger.settled == made * 2
    assert desk.ledger.spent(account()) == sum(one.cost for one in made)


async def test_what_lasts_is_not_settled_again() -> None:
    desk = Desk()

    made = await desk.settle(2)
    await desk.background.finish()

    assert desk.ledger.settled == made


async def test_what_may_be_lost_by_a_database_that_is_away_since_is_spooled() -> None:
    desk = Desk()
    lasts = desk.ledger.lasts = asyncio.get_running_loop().create_future()
    made = await desk.settle(2)

    desk.ledger.away = AWAY
    lasts.set_result(False)
    await desk.background.finish()

    assert sorted(desk.spool.kept, key=lambda one: one.cost) == made
