"""Shares of something bounded: nobody takes all of it, and nobody waits for another's share."""

import asyncio

import pytest

from app.service.fairness import FairShare, Taken


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


@pytest.mark.parametrize("granted", [False, True])
async def test_who_stops_waiting_leaves_nothing_behind(granted: bool) -> None:
    share = FairShare(1, 1)
    first = await share.take("a")
    waiting, next_ = taking(share, "b"), taking(share, "c")
    await settled()

    if granted:
        first.give_back()  # its turn has come, but it was cancelled before it ran
    waiting.cancel()
    await settled()
    first.give_back()
    await settled()

    assert waiting.cancelled()
    next_.result().give_back()
    assert (share.taken, share.waiting) == (0, 0)
