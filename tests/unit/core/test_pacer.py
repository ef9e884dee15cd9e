"""One request starts in each round of the event loop."""

import asyncio

from app.core.pacer import StartPacer


async def rounds(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_one_that_comes_alone_starts_at_once() -> None:
    before = asyncio.get_running_loop().time()
    seen: list[str] = []
    asyncio.get_running_loop().call_soon(seen.append, "a round later")

    await StartPacer().turn()

    assert seen == []
    assert asyncio.get_running_loop().time() - before < 1


async def test_those_that_come_together_start_in_order_and_each_continues_before_the_next() -> None:
    pacer, seen = StartPacer(), list[str]()

    async def request(name: str) -> None:
        await pacer.turn()
        seen.append(name)
        await asyncio.sleep(0)
        seen.append(f"{name} continues")

    await asyncio.gather(*(request(name) for name in "abc"))

    assert seen == ["a", "a continues", "b", "b continues", "c", "c continues"]


async def test_one_that_comes_after_a_while_starts_at_once_again() -> None:
    pacer, seen = StartPacer(), list[str]()
    await pacer.turn()
    await rounds(2)
    asyncio.get_running_loop().call_soon(seen.append, "a round later")

    await pacer.turn()

    assert seen == []


async def test_one_that_is_cancelled_while_it_waits_holds_up_nobody() -> None:
    pacer, seen = StartPacer(), list[str]()

    async def request(name: str) -> None:
        await pacer.turn()
        seen.append(name)

    first, second, third = (asyncio.create_task(request(name)) for name in "abc")
    await rounds(1)
    second.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)

    assert seen == ["a", "c"]
