"""Shares of something bounded: nobody takes all of it, and nobody waits for another's share."""

import asyncio

import pytest

from app.core.fairness import FairShare, Taken


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def taking(share: FairShare, owner: str, amount: int = 1) -> "asyncio.Task[Taken]":
    return asyncio.create_task(share.take(owner, amount))


async def test_an_owner_waits_for_its_own_share_and_others_do_not_wait_for_it() -> None:
    share = FairShare(10, 4)
    crowd = [taking(share, "crowd") for _ in range(100)]
    await settled()
    assert (share.taken, share.waiting) == (4, 96)

    colleague = await asyncio.wait_for(share.take("colleague", 4), 1)
    assert share.taken == 8

    colleague.give_back()
    crowd[0].result().give_back()
    await settled()
    assert sum(task.done() for task in crowd) == 5
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)


async def test_who_came_first_gets_the_room_that_becomes_free() -> None:
    share = FairShare(4, 4)
    first = await share.take("a", 3)
    large = taking(share, "b", 4)
    small = taking(share, "c", 1)
    await settled()

    assert not small.done()  # it would fit, but would hold up the larger one for ever

    first.give_back()
    await settled()
    assert (large.done(), small.done()) == (True, False)
    large.result().give_back()
    await settled()
    assert small.done()


async def test_an_amount_larger_than_a_share_takes_the_whole_share() -> None:
    share = FairShare(10, 4)

    taken = await asyncio.wait_for(share.take("a", 1_000), 1)

    assert share.taken == 4
    taken.give_back()
    assert share.taken == 0


async def test_a_part_can_be_given_back_and_nothing_twice() -> None:
    share = FairShare(10, 10)
    taken = await share.take("a", 8)

    taken.give_back(keep=3)
    assert share.taken == 3
    taken.give_back(keep=5)
    assert share.taken == 3
    taken.give_back()
    taken.give_back()
    assert share.taken == 0
    Taken.nothing().give_back()


@pytest.mark.parametrize("given_back", ["later", "before the cancellation", "right after it"])
async def test_who_stops_waiting_leaves_nothing_behind(given_back: str) -> None:
    share = FairShare(1, 1)
    first = await share.take("a")
    waiting, next_ = taking(share, "b"), taking(share, "c")
    await settled()

    if given_back == "before the cancellation":
        first.give_back()  # its turn has come, but it is cancelled before it runs
    waiting.cancel()
    if given_back == "right after it":
        first.give_back()
    await settled()
    first.give_back()
    await settled()

    assert waiting.cancelled()
    next_.result().give_back()
    assert (share.taken, share.waiting) == (0, 0)
    assert not share._by_owner


async def test_an_amount_that_is_not_named_is_one() -> None:
    share = FairShare(10, 4)

    assert share.take_now("a") is not None
    await share.take("a")

    assert share.taken == 2


async def test_an_amount_that_waited_is_given_back_whole() -> None:
    share = FairShare(4, 4)
    first = await share.take("a", 4)
    second = taking(share, "b", 1_000)
    await settled()

    first.give_back()
    await settled()
    assert share.taken == 4
    second.result().give_back()

    assert share.taken == 0
    assert not share._by_owner


async def test_who_gives_back_a_part_may_take_that_and_no_more() -> None:
    share = FairShare(10, 4)
    taken = await share.take("a", 4)

    taken.give_back(keep=1)

    assert share.take_now("a", 4) is None
    assert share.take_now("a", 3) is not None


async def test_who_has_given_everything_back_is_not_remembered() -> None:
    share = FairShare(10, 4)

    for owner in "abc":
        with await share.take(owner, 4):
            pass

    assert not share._by_owner


async def test_room_goes_past_those_whose_own_share_is_used_up() -> None:
    share = FairShare(8, 4)
    await share.take("a", 4)
    other = await share.take("b", 4)
    again, third = taking(share, "a", 1), taking(share, "c", 4)
    await settled()

    other.give_back()
    await settled()

    assert (again.done(), third.done()) == (False, True)
    again.cancel()


async def test_who_stops_waiting_lets_those_behind_in_at_once() -> None:
    share = FairShare(4, 4)
    await share.take("a", 2)
    large, small = taking(share, "b", 4), taking(share, "c", 2)
    await settled()
    assert not small.done()

    large.cancel()
    await settled()

    assert small.done()
    assert share.taken == 4


async def test_what_is_free_is_not_taken_from_those_who_wait_for_more() -> None:
    share = FairShare(4, 4)
    await share.take("a", 2)
    large = taking(share, "b", 4)
    await settled()

    assert share.take_now("c", 1) is None
    large.cancel()
    await settled()
    assert share.take_now("c", 1) is not None


async def test_nobody_may_have_more_than_there_is() -> None:
    share = FairShare(3, 10)

    await asyncio.wait_for(share.take("a", 5), 1)

    assert share.taken == 3
