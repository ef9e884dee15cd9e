"""One begins in each round of the event loop."""

import asyncio

import pytest

from app.web.connection import Turnstile


async def rounds(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_one_that_comes_alone_begins_at_once() -> None:
    begun: list[str] = []
    Turnstile().pass_through(lambda: begun.append("only"))

    assert begun == ["only"]


async def test_those_that_come_together_begin_in_order_and_each_goes_on_before_the_next() -> None:
    turnstile, seen = Turnstile(), list[str]()
    loop = asyncio.get_running_loop()

    def begin(name: str) -> None:
        seen.append(name)
        loop.call_soon(seen.append, f"{name} goes on")

    for name in ("a", "b", "c"):
        turnstile.pass_through(lambda name=name: begin(name))  # type: ignore[misc]
    await rounds(4)

    assert seen == ["a", "a goes on", "b", "b goes on", "c", "c goes on"]


async def test_one_that_comes_after_a_while_begins_at_once_again() -> None:
    turnstile, begun = Turnstile(), list[str]()
    turnstile.pass_through(lambda: begun.append("first"))
    await rounds(2)
    turnstile.pass_through(lambda: begun.append("second"))

    assert begun == ["first", "second"]


async def test_one_that_cannot_begin_holds_up_nobody() -> None:
    turnstile, begun = Turnstile(), list[str]()

    def fail() -> None:
        raise RuntimeError("the server stops")

    with pytest.raises(RuntimeError):
        turnstile.pass_through(fail)
    turnstile.pass_through(lambda: begun.append("next"))
    await rounds(2)

    assert begun == ["next"]
