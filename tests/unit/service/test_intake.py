"""Bodies come in without harm to other callers."""

import asyncio
import threading

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RateLimited, RequestTooLarge
from app.service import intake as module
from app.service.intake import (
    MEDIUM_BYTES,
    MOST_VALUES,
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


async def test_room_that_is_not_to_be_had_for_long_is_an_error_to_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    use = intake()
    await use.room("ada", 100)

    with pytest.raises(RateLimited) as refused:
        await use.room("ada", 1)
    assert refused.value.headers["retry-after"] == "2"


async def test_a_small_body_is_read_at_once_and_a_large_one_in_a_thread() -> None:
    use = intake()

    assert await where(use, b"{}") is threading.main_thread()
    assert await where(use, LARGE) is not threading.main_thread()
    assert (
        await where(use, orjson.dumps([[]] * (SMALL_BYTES // 3 + 1))) is not threading.main_thread()
    )
    assert await where(use, LARGE[SMALL_BYTES:]) is threading.main_thread()


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
