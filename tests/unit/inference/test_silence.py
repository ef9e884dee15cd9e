"""Each wait is for so long and no longer, and who is cancelled by others stays so."""

import asyncio

import pytest

from app.inference.stream import Silence
from tests.support.waiting import until

SHORT = 0.01
LONG = 60


async def at_once() -> str:
    return "here"


async def never(ended: list[str]) -> str:
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        ended.append("given up")
    return "never"


async def test_what_comes_in_time_is_heard() -> None:
    silence = Silence(LONG)

    assert [await silence.heard(at_once()) for _ in range(3)] == ["here"] * 3
    silence.close()


async def test_what_does_not_come_is_given_up() -> None:
    silence, ended = Silence(SHORT), list[str]()

    assert [await silence.heard(never(ended)) for _ in range(3)] == [None] * 3
    assert ended == ["given up"] * 3


async def test_each_wait_has_its_full_time() -> None:
    """The timer that the first of them set rings within the last, and must not end it."""
    loop = asyncio.get_running_loop()
    silence, ended = Silence(0.05), list[str]()
    began = loop.time()
    while loop.time() < began + 0.04:
        await silence.heard(asyncio.sleep(0))
    before = loop.time()
    await silence.heard(never(ended))

    assert loop.time() - before >= 0.05 - 0.001


async def test_who_is_given_up_is_not_cancelled_afterwards() -> None:
    silence, ended = Silence(SHORT), list[str]()
    await silence.heard(never(ended))
    task = asyncio.current_task()

    assert task is not None
    assert task.cancelling() == 0
    async with asyncio.timeout(LONG):
        assert await silence.heard(at_once()) == "here"


async def test_a_cancellation_by_others_is_theirs() -> None:
    silence, ended = Silence(LONG), list[str]()
    waiting = asyncio.create_task(silence.heard(never(ended)))
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["given up"]


async def test_so_is_one_at_the_moment_when_the_time_is_up() -> None:
    silence, ended = Silence(SHORT), list[str]()

    async def slow_to_end() -> str:
        try:
            return await never(ended)
        except asyncio.CancelledError:
            waiting.cancel()
            raise

    waiting = asyncio.create_task(silence.heard(slow_to_end()))

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_error_is_passed_on() -> None:
    silence = Silence(LONG)

    async def fails() -> str:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await silence.heard(fails())


async def test_nothing_rings_between_two_waits() -> None:
    loop = asyncio.get_running_loop()
    silence, ended = Silence(SHORT), list[str]()
    await silence.heard(at_once())
    later = loop.time() + 2 * SHORT
    await until(lambda: loop.time() > later)

    assert await silence.heard(at_once()) == "here"
    assert ended == []
    silence.close()
