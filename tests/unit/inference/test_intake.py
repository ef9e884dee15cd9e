"""Bodies come in without harm to other callers."""

import asyncio
import threading
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RateLimited, RequestTooLarge
from app.inference import intake as module
from app.inference.intake import (
    FEW_VALUES,
    MEDIUM_BYTES,
    MOST_VALUES,
    REST,
    SMALL_BYTES,
    Intake,
    count_values,
)

LARGE = b'"' + b"x" * MEDIUM_BYTES + b'"'


def intake(most_bytes: int = 400) -> Intake:
    return Intake(most_bytes, lambda: 0)


async def where(use: Intake, body: bytes, owner: str = "ada") -> threading.Thread:
    return await use.read(owner, body, threading.current_thread)


async def test_a_caller_may_have_a_quarter_of_the_bytes_in_flight() -> None:
    use = intake()
    room = await use.room("ada", 60)
    more = asyncio.create_task(use.room("ada", 60))
    await asyncio.wait_for(use.room("bob", 100), 1)
    assert (more.done(), use.bytes_in_flight) == (False, 160)

    room.give_back()
    await asyncio.wait_for(more, 1)


async def test_a_body_larger_than_a_share_takes_a_whole_number_of_bytes() -> None:
    use = intake(403)

    await use.room("ada", 1_000)

    assert use.bytes_in_flight == 100


async def test_room_that_is_not_to_be_had_for_long_is_an_error_to_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    use = intake()
    await use.room("ada", 100)

    with pytest.raises(RateLimited) as refused:
        await use.room("ada", 1)
    assert refused.value.headers == {"retry-after": "2"}
    assert refused.value.message == (
        "Too many bytes of other requests are being processed. Send fewer large requests "
        "at the same time; try again in a moment."
    )


async def test_a_small_body_is_read_at_once_and_a_large_one_in_a_thread() -> None:
    use = intake()

    assert await where(use, b"{}") is threading.main_thread()
    assert await where(use, LARGE) is not threading.main_thread()
    assert (
        await where(use, orjson.dumps([[]] * (SMALL_BYTES // 3 + 1))) is not threading.main_thread()
    )
    assert await where(use, LARGE[SMALL_BYTES:]) is threading.main_thread()


@pytest.mark.parametrize("character", [b",", b"[", b"{", b'"'])
async def test_a_medium_body_is_read_at_once_where_it_has_few_values(character: bytes) -> None:
    each = 2 if character == b'"' else 1
    few = (character * (each * FEW_VALUES + each - 1)).ljust(SMALL_BYTES + 1)
    many = (character * (each * FEW_VALUES + each)).ljust(SMALL_BYTES + 1)

    assert await where(intake(), few) is threading.main_thread()
    assert await where(intake(), many) is not threading.main_thread()


async def test_the_length_of_a_body_decides_to_the_byte_where_it_is_read() -> None:
    many = b"[" * (FEW_VALUES + 1)

    assert await where(intake(), many.ljust(SMALL_BYTES)) is threading.main_thread()
    assert await where(intake(), many.ljust(SMALL_BYTES + 1)) is not threading.main_thread()
    assert await where(intake(), b"".ljust(MEDIUM_BYTES)) is threading.main_thread()
    assert await where(intake(), b"".ljust(MEDIUM_BYTES + 1)) is not threading.main_thread()


@pytest.mark.parametrize("text", [b"", b'","'])
async def test_a_body_may_have_as_many_values_as_the_limit_says(text: bytes) -> None:
    most = text + b"[" * (MOST_VALUES - bool(text))

    await where(intake(), most.ljust(MEDIUM_BYTES))
    with pytest.raises(RequestTooLarge):
        await where(intake(), (most + b"[").ljust(MEDIUM_BYTES))


async def test_a_body_of_too_many_values_is_refused_unread() -> None:
    use = intake()

    with pytest.raises(RequestTooLarge, match=f"{MOST_VALUES:,} JSON values"):
        await where(use, orjson.dumps([[]] * (MOST_VALUES + 1)))


async def test_a_text_of_many_commas_is_one_value() -> None:
    await where(intake(), orjson.dumps(["[{,'" * MOST_VALUES]))


async def test_a_caller_of_many_large_bodies_waits_between_them_and_others_do_not() -> None:
    now = 0.0
    use = Intake(10_000_000, lambda: now)

    def work() -> None:
        nonlocal now
        now += 1

    await use.read("crowd", LARGE, work)
    waiting = asyncio.create_task(use.read("crowd", LARGE, work))
    await asyncio.wait_for(use.read("colleague", LARGE, work), 1)

    assert not waiting.done()
    waiting.cancel()


async def test_a_text_of_many_quotes_is_one_value() -> None:
    await where(intake(), orjson.dumps(['"' * (2 * MOST_VALUES + 2)]))


async def test_what_stands_between_texts_counts_as_well() -> None:
    with pytest.raises(RequestTooLarge):
        await where(intake(), orjson.dumps([""] * MOST_VALUES))


class Rests:
    """An intake whose clock a body's reading moves on by a second, and the rests before it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.taken: list[float] = []
        self.use = Intake(10_000_000, lambda: self.now)
        sleep = asyncio.sleep

        async def rest(seconds: float) -> None:
            self.taken.append(seconds)
            await sleep(0)

        monkeypatch.setattr(asyncio, "sleep", rest)

    async def read(self, owner: str) -> float:
        """How long it rested before."""

        def work() -> None:
            self.now += 1

        await self.use.read(owner, LARGE, work)
        return self.taken[-1]


async def test_a_caller_rests_for_a_multiple_of_the_time_that_the_last_body_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests = Rests(monkeypatch)

    assert await rests.read("ada") == 0
    assert await rests.read("ada") == REST
    rests.now += 1
    assert await rests.read("ada") == REST - 1


async def test_a_caller_of_two_large_bodies_at_once_rests_before_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests = Rests(monkeypatch)

    await asyncio.gather(rests.read("ada"), rests.read("ada"))

    assert rests.taken == [0, REST]


async def test_large_bodies_are_read_one_at_a_time_whoever_sends_them() -> None:
    use, going_on = intake(), 0

    def work() -> int:
        nonlocal going_on
        going_on += 1
        time.sleep(0.05)
        seen, going_on = going_on, going_on - 1
        return seen

    assert await asyncio.gather(*(use.read(owner, LARGE, work) for owner in "abc")) == [1, 1, 1]


@pytest.mark.parametrize(("owner", "remembered"), [("a", False), ("b", True), ("c", True)])
async def test_the_rests_of_the_latest_callers_are_remembered(
    owner: str, remembered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CALLERS_REMEMBERED", 2)
    monkeypatch.setattr(module, "REST", 100)
    rests = Rests(monkeypatch)
    for each in "abc":
        await rests.read(each)

    assert (await rests.read(owner) > 0) is remembered


async def test_what_the_work_raises_is_raised() -> None:
    def work() -> None:
        raise RateLimited("no")

    for body in (b"{}", LARGE):
        with pytest.raises(RateLimited):
            await intake().read("ada", body, work)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab",[{}\\\\é', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text('k"\\\\', max_size=3), inner, max_size=4)
    ),
    max_leaves=40,
)


def values(value: object) -> int:
    """Its values, keys among them."""
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(values, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(values, value))
    return 1


@given(VALUES)
def test_no_body_holds_many_more_values_than_are_counted(value: object) -> None:
    counted = count_values(orjson.dumps(value))

    assert values(value) / 2 - 1 <= counted <= 2 * values(value)
