"""Whoever sends many keys that nobody has waits for a turn; nobody else does."""

import asyncio
import logging

import pytest

from app.errors import DatabaseUnavailable, TooManyUnknownKeys
from app.identity import failed_auth as guessing
from app.identity import key_lookup
from app.identity.failed_auth import FailedAuthLimiter, network
from app.identity.key_lookup import BatchedKeyLookup
from app.identity.policy import hash_key
from tests.support.examples import KEY_HASH, NOW, caller
from tests.support.fakes import FakeTime, MemoryDirectory

HERE = "192.0.2.1"


def noted(unknown: FailedAuthLimiter, times: int, address: str = HERE) -> FailedAuthLimiter:
    for _ in range(times):
        unknown.note(address)
    return unknown


def test_an_address_may_send_so_many_a_minute_and_then_one_more_at_a_time() -> None:
    time = FakeTime(NOW)
    unknown = noted(FailedAuthLimiter(6, time.clock.monotonic), 5)
    assert not unknown.exhausted(HERE)

    unknown.note(HERE)
    assert unknown.exhausted(HERE)
    assert unknown.wait_seconds == 10

    time.advance(10)
    assert not unknown.exhausted(HERE)
    unknown.note(HERE)
    assert unknown.exhausted(HERE)


def test_whoever_goes_on_is_not_let_in_later_for_it() -> None:
    time = FakeTime(NOW)
    unknown = noted(FailedAuthLimiter(6, time.clock.monotonic), 1000)

    time.advance(10)

    assert not unknown.exhausted(HERE)


def test_a_pause_saves_up_no_more_than_a_minute() -> None:
    time = FakeTime(NOW)
    unknown = noted(FailedAuthLimiter(6, time.clock.monotonic), 1)

    time.advance(3600)
    noted(unknown, 6)

    assert unknown.exhausted(HERE)


def test_without_a_limit_nobody_is_exhausted() -> None:
    assert not noted(FailedAuthLimiter(0, FakeTime(NOW).clock.monotonic), 1000).exhausted(HERE)


def test_the_oldest_addresses_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guessing, "ADDRESSES_REMEMBERED", 2)
    unknown = FailedAuthLimiter(1, FakeTime(NOW).clock.monotonic)

    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        unknown.note(address)

    assert not unknown.exhausted("192.0.2.1")
    assert unknown.exhausted("192.0.2.2")
    assert unknown.exhausted("192.0.2.3")


def test_an_operator_is_told_of_the_address_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time = FakeTime(NOW)
    with caplog.at_level(logging.WARNING):
        unknown = noted(FailedAuthLimiter(6, time.clock.monotonic), 5)
        assert caplog.records == []

        noted(unknown, 95)
        assert [(one.getMessage(), one.__dict__["address"]) for one in caplog.records] == [
            ("many unknown keys from one address", HERE)
        ]

        time.advance(60)
        noted(unknown, 100)

    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("testclient", "testclient"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_an_address_stands_for_all_that_its_owner_surely_has(address: str, whose: str) -> None:
    assert network(address) == whose


class Gate:
    """A pause that lasts until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.waited: list[float] = []

    async def pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        await self.open.wait()


async def test_keys_that_wait_for_a_turn_are_looked_up_by_one_statement() -> None:
    directory, gate = MemoryDirectory({KEY_HASH: caller()}), Gate()
    turns = BatchedKeyLookup(directory, gate.pause)
    asked = [hash_key("sk-1"), KEY_HASH, KEY_HASH, hash_key("sk-2")]
    finding = [asyncio.create_task(turns.find(one)) for one in asked]
    await asyncio.sleep(0)
    gate.open.set()

    assert await asyncio.gather(*finding) == [None, caller(), caller(), None]
    assert directory.lookups == [(hash_key("sk-1"), KEY_HASH, hash_key("sk-2"))]


async def test_there_is_a_next_turn() -> None:
    directory, gate = MemoryDirectory({KEY_HASH: caller()}), Gate()
    turns = BatchedKeyLookup(directory, gate.pause)
    gate.open.set()

    assert await turns.find(KEY_HASH) == caller()
    assert await turns.find(hash_key("sk-1")) is None
    assert gate.waited == [key_lookup.TURN_SECONDS] * 2


async def test_whoever_gives_up_leaves_the_others_their_turn() -> None:
    gate = Gate()
    turns = BatchedKeyLookup(MemoryDirectory({KEY_HASH: caller()}), gate.pause)
    first = asyncio.create_task(turns.find(KEY_HASH))
    second = asyncio.create_task(turns.find(KEY_HASH))
    await asyncio.sleep(0)

    first.cancel()
    gate.open.set()

    assert await second == caller()


async def test_when_too_many_wait_the_next_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_lookup, "MOST_WAITING", 1)
    gate = Gate()
    turns = BatchedKeyLookup(MemoryDirectory({KEY_HASH: caller()}), gate.pause)
    waiting = asyncio.create_task(turns.find(KEY_HASH))
    await asyncio.sleep(0)

    with pytest.raises(TooManyUnknownKeys) as refused:
        await turns.find(hash_key("sk-1"))
    assert refused.value.headers == {"retry-after": "1"}
    assert refused.value.message.startswith("Too many keys that nobody has are being sent.")

    gate.open.set()
    assert await waiting == caller()


async def test_a_database_that_is_away_is_told_to_all_who_wait() -> None:
    gate = Gate()
    turns = BatchedKeyLookup(MemoryDirectory(away=DatabaseUnavailable("away")), gate.pause)
    finding = [asyncio.create_task(turns.find(hash_key(one))) for one in ("sk-1", "sk-2")]
    await asyncio.sleep(0)
    gate.open.set()

    for one in finding:
        with pytest.raises(DatabaseUnavailable):
            await one
