"""Settlements on disk: whole, bounded, and replayed until the database has them."""

import asyncio
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.budgets import Window
from app.core.pricing import Cost
from app.core.usage import Usage
from app.errors import DatabaseUnavailable
from app.ledger.record import BudgetCounter, Ending, RequestRecord, Scope
from app.ledger.spool import FileSpool, decode, encode
from tests.support.examples import account, hold, settlement
from tests.support.fakes import MemoryLedger

TIMES = st.datetimes(timezones=st.just(UTC))
MONEY = st.decimals(allow_nan=False, allow_infinity=False)
SECONDS = st.floats(min_value=0, max_value=1e6)
COUNTS = st.integers(min_value=0, max_value=2**53)
ACCOUNTS = st.builds(
    BudgetCounter,
    scope=st.sampled_from(Scope),
    id=st.text(),
    window=st.builds(Window, start=TIMES, end=st.none() | TIMES),
    cap=st.none() | MONEY,
    soft=st.none() | MONEY,
)
SETTLEMENTS = st.builds(
    RequestRecord,
    request_id=st.text(),
    started_at=TIMES,
    finished_at=TIMES,
    key_id=st.text(),
    user_id=st.none() | st.text(),
    api_format=st.text(),
    model=st.text(),
    upstream_model=st.text(),
    counters=st.lists(ACCOUNTS, max_size=5).map(tuple),
    usage=st.builds(Usage, *[COUNTS] * 5),
    cost=MONEY,
    estimated=st.booleans(),
    ending=st.sampled_from(get_args(Ending)),
    status=COUNTS,
    stream=st.booleans(),
    ttfb_seconds=st.none() | SECONDS,
    upstream_request_id=st.none() | st.text(),
    session_id=st.none() | st.text(),
    user_agent=st.none() | st.text(),
    cost_parts=st.none() | st.builds(Cost, *[MONEY] * 5),
    latency_seconds=SECONDS,
    error_code=st.none() | st.text(),
    agent=st.none() | st.text(),
    tags=st.lists(st.text(), max_size=3).map(tuple),
)


def one(cost: str = "0.5") -> RequestRecord:
    return settlement(hold(account(cap="5")), cost=cost)


class Refusing(MemoryLedger):
    """Takes no settlement of one dollar."""

    async def settle(self, record: RequestRecord) -> None:
        if record.cost == 1:
            raise RuntimeError("violates a constraint")
        await super().settle(record)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@given(SETTLEMENTS)
def test_what_is_read_back_is_what_was_written_in_every_field(whole: RequestRecord) -> None:
    assert decode(encode(whole)) == whole


def test_fields_of_a_newer_version_are_ignored_and_missing_ones_have_defaults() -> None:
    kept = one()
    fields = orjson.loads(encode(kept))
    del fields["agent"]

    assert decode(orjson.dumps({**fields, "v": 2, "region": "us-east-1"})) == kept


async def test_what_is_kept_is_settled_and_then_gone(tmp_path: Path) -> None:
    spool, ledger = FileSpool(tmp_path, max_bytes=10_000), MemoryLedger()
    kept = [one("0.1"), one("0.2")]
    for each in kept:
        await spool.add(each)

    assert await spool.replay(ledger) == 2
    assert await spool.replay(ledger) == 0

    assert sorted(ledger.settled, key=lambda s: s.cost) == kept
    assert files(tmp_path) == []


async def test_what_a_process_left_is_replayed_by_the_next(tmp_path: Path) -> None:
    left = one()
    await FileSpool(tmp_path, max_bytes=10_000).add(left)
    ledger = MemoryLedger()

    await FileSpool(tmp_path, max_bytes=10_000).replay(ledger)

    assert ledger.settled == [left]


async def test_a_replay_stops_while_the_database_is_away_and_loses_nothing(tmp_path: Path) -> None:
    spool, ledger = FileSpool(tmp_path, max_bytes=10_000), MemoryLedger()
    await spool.add(one())
    ledger.away = DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        await spool.replay(ledger)
    ledger.away = None

    assert await spool.replay(ledger) == 1


async def test_two_processes_that_replay_one_folder_book_each_settlement_once(
    tmp_path: Path,
) -> None:
    first, second = (FileSpool(tmp_path, max_bytes=100_000) for _ in range(2))
    kept = [one() for _ in range(10)]
    for each in kept:
        await first.add(each)
    ledger = MemoryLedger()

    await asyncio.gather(first.replay(ledger), second.replay(ledger))

    assert ledger.spent(account()) == Decimal("5")
    assert files(tmp_path) == []


async def test_the_bound_holds_for_what_is_added_one_by_one(tmp_path: Path) -> None:
    size = len(encode(one()))
    spool = FileSpool(tmp_path, max_bytes=2 * size)
    for _ in range(2):
        await spool.add(one())

    with pytest.raises(OSError, match="bound"):
        await spool.add(one())


async def test_the_bound_holds_for_what_is_added_at_once(tmp_path: Path) -> None:
    size = len(encode(one()))
    spool = FileSpool(tmp_path, max_bytes=3 * size)

    answers = await asyncio.gather(*(spool.add(one()) for _ in range(9)), return_exceptions=True)

    assert sum(answer is None for answer in answers) == len(files(tmp_path)) == 3


async def test_the_bound_counts_what_was_left_and_forgets_what_is_settled(tmp_path: Path) -> None:
    size = len(encode(one()))
    await FileSpool(tmp_path, max_bytes=size).add(one())
    spool = FileSpool(tmp_path, max_bytes=size)
    with pytest.raises(OSError, match="bound"):
        await spool.add(one())

    await spool.replay(MemoryLedger())

    await spool.add(one())


async def test_a_write_that_failed_takes_no_room(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = FileSpool(folder, max_bytes=len(encode(one())))
    folder.rmdir()
    with pytest.raises(FileNotFoundError):
        await spool.add(one())
    folder.mkdir()

    await spool.add(one())


async def test_a_file_that_a_crash_left_half_written_is_no_settlement(tmp_path: Path) -> None:
    (tmp_path / "req_1.tmp").write_bytes(encode(one())[:50])
    ledger = MemoryLedger()

    assert await FileSpool(tmp_path, max_bytes=10_000).replay(ledger) == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"cost": "lots"}'])
async def test_a_file_that_cannot_be_read_is_set_aside_and_does_not_stop_the_others(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "0.json").write_bytes(content)
    spool, ledger = FileSpool(tmp_path, max_bytes=10_000), MemoryLedger()
    await spool.add(one())

    assert await spool.replay(ledger) == 1
    assert [file.name for file in files(tmp_path)] == ["0.unreadable"]


@pytest.mark.parametrize("kind", ["unreadable", "refused"])
async def test_a_file_that_is_set_aside_takes_no_room_from_others(
    tmp_path: Path, kind: str
) -> None:
    spool = FileSpool(tmp_path, max_bytes=10_000)
    if kind == "unreadable":
        (tmp_path / "a.json").write_bytes(b"no JSON")
        spool = FileSpool(tmp_path, max_bytes=10_000)
        await spool.replay(MemoryLedger())
    else:
        await spool.add(one("1"))
        await spool.replay(Refusing())

    assert [file.suffix for file in files(tmp_path)] == [f".{kind}"]
    assert (spool.bytes, spool.size) == (0, 0)


async def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "new" / "spool", max_bytes=10_000)
    await spool.add(one())

    (file,) = files(tmp_path / "new" / "spool")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_a_settlement_that_the_database_refuses_is_set_aside_for_somebody_to_look_at(
    tmp_path: Path,
) -> None:
    spool, ledger = FileSpool(tmp_path, max_bytes=1_000_000), Refusing()
    refused, good = one("1"), one("2")
    for kept in (refused, good):
        await spool.add(kept)

    assert await spool.replay(ledger) == 1

    assert [file.name for file in files(tmp_path)] == [f"{refused.request_id}.refused"]
    assert list(ledger.log) == [good.request_id]
