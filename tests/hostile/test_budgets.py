"""A budget holds against whoever owns it, in every API and with every kind of content."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import anyio
import httpx
import pytest

from app.inference.estimates import SLICE
from tests.hostile.crowd import (
    APIS,
    HAIKU,
    HAIKU_OUTPUT,
    OPUS,
    OPUS_OUTPUT,
    SONNET,
    SONNET_OUTPUT,
    Ask,
    anthropic,
    bedrock,
    crowd,
    message,
    openai,
    pdf,
    spent,
    text,
)
from tests.support.processes import gateway_process
from tests.support.stack import Stack, billed, running_stack
from tests.support.waiting import until

AT_ONCE = {"kind": "slow", "seconds": 0.004, "before": 2}
"""All answers begin after a while, so that all are in flight together, and are then written at some
200 tokens a second each."""


def marked(content: dict[str, Any], ttl: str) -> dict[str, Any]:
    return {**content, "cache_control": {"type": "ephemeral", "ttl": ttl}}


def long_prompt(number: int, ttl: str) -> list[dict[str, Any]]:
    start = {"type": "text", "text": f"{number} " + "word " * 4000}
    return [marked(start, ttl), {"type": "text", "text": "[[tokens=1]]"}]


KINDS: dict[str, tuple[str, Callable[[int], Ask]]] = {
    "non-streaming answers": ("0.2", lambda n: anthropic(text(n, 1500))),
    "chat completions": ("0.2", lambda n: openai(text(n, 1500))),
    "InvokeModel": ("0.2", lambda n: bedrock(text(n, 1500))),
    "long answers of a tight budget": ("0.3", lambda n: anthropic(text(n, 2000))),
    "hidden thinking": (
        "0.5",
        lambda n: anthropic(text(n, 6000, model=OPUS, stream=n % 2 == 0)),
    ),
    "PDFs": (
        "0.3",
        lambda n: anthropic(
            message([pdf(2_000_000), {"type": "text", "text": f"{n} [[tokens=1]]"}], 5, stream=True)
        ),
    ),
    "one-hour cache writes": (
        "0.1",
        lambda n: anthropic(message(long_prompt(n, "1h"), 5, stream=True)),
    ),
    "five-minute cache writes": (
        "0.1",
        lambda n: bedrock(message(long_prompt(n, "5m"), 5, stream=True)),
    ),
    "prompts above a price tier": (
        "0.3",
        lambda n: anthropic(
            message(
                [{"type": "text", "text": f"{n} " + "word " * 90_000}], 5, model="claude-haiku-5-5"
            )
        ),
    ),
    "digits": ("0.05", lambda n: anthropic(message([{"type": "text", "text": "7" * 40_000}], 5))),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crowd_does_not_spend_more_than_its_budget(own_stack: Stack, kind: str) -> None:
    cap, ask = KINDS[kind]
    gateway, emulator = own_stack.gateway, own_stack.emulator
    key = gateway.new_key(max_budget=cap)
    # A cheap warm-up: the gateway learns that this key's answers are short.
    await crowd([gateway], key, [anthropic(text(n, 1)) for n in range(25)])
    emulator.scenario(AT_ONCE)
    most = 60 if kind in ("PDFs", "prompts above a price tier") else 200

    answers = await crowd([gateway], key, [ask(n) for n in range(most)])

    admitted = sum(answer.status_code == 200 for answer in answers)
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert admitted > 0
    slices = admitted * SLICE * max(HAIKU_OUTPUT, OPUS_OUTPUT)
    # An answer that the budget ends is settled at an estimate, which is not below the bill.
    assert billed(emulator.usage()) <= spent(own_stack) <= Decimal(cap) + slices
    assert own_stack.reservations() == []


def mix(number: int, random: Random) -> Ask:
    """One request of any kind."""
    stream = random.random() < 0.5
    match random.randrange(6):
        case 0:
            return anthropic(text(number, random.choice([1, 200, 2000]), stream=stream, model=OPUS))
        case 1:
            return anthropic(message(long_prompt(number % 3, random.choice(["5m", "1h"])), 5))
        case 2:
            content = [
                pdf(random.choice([4_000, 400_000])),
                {"type": "text", "text": "[[tokens=9]]"},
            ]
            return bedrock(message(content, 9, stream=stream))
        case _:
            tokens = random.choice([1, 50, 500, 1500])
            return random.choice(APIS)(text(number, tokens, stream=stream))


@pytest.mark.parametrize("seed", range(3))
async def test_no_mix_of_requests_over_two_gateways_breaks_a_budget(
    own_stack: Stack, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    cap = Decimal("0.6")
    own_stack.emulator.scenario({"kind": "slow", "seconds": 0.004, "before": 0.5})
    with gateway_process(own_stack.database_url, own_stack.emulator.url, tmp_path) as other:
        key = other.admin("POST", "/user/new", max_budget=str(cap))["key"]
        gateways = [own_stack.gateway, other]
        answers = []
        for crowds in range(20):  # what the first learns, the next may use
            answers += await crowd(gateways, key, [mix(n, random) for n in range(60)])
            if crowds >= 2 and billed(own_stack.emulator.usage()) > cap / 2:
                break

    admitted = sum(answer.status_code == 200 for answer in answers)
    assert {answer.status_code for answer in answers} == {200, 429}
    bill = billed(own_stack.emulator.usage())
    assert bill <= spent(own_stack) <= cap + admitted * SLICE * OPUS_OUTPUT
    assert bill > cap / 2
    assert own_stack.reservations() == []


class Conversation:
    """A session as Claude Code has it: tools and system marked once, and the newest turn."""

    def __init__(self, model: str, *, marked: bool, words: int) -> None:
        self._marked = marked
        self.body: dict[str, Any] = {
            "model": model,
            "max_tokens": 32_000,
            "stream": True,
            "tools": [{"name": f"tool{n}", "input_schema": {"type": "object"}} for n in range(20)],
            "system": [self._mark({"type": "text", "text": "You are terse. " * (words // 3)})],
            "messages": [],
        }

    def turn(self, number: int) -> dict[str, Any]:
        """The body of the next request."""
        messages = self.body["messages"]
        for earlier in messages:
            for block in earlier["content"]:
                block.pop("cache_control", None)
        words = f"Turn {number}: " + "do this " * 40 + "[[tokens=120]]"
        messages.append({"role": "user", "content": [self._mark({"type": "text", "text": words})]})
        return self.body

    def answered(self, text: str) -> None:
        content = [{"type": "text", "text": text}]
        self.body["messages"].append({"role": "assistant", "content": content})

    def _mark(self, block: dict[str, Any]) -> dict[str, Any]:
        return marked(block, "5m") if self._marked else block


@pytest.mark.parametrize(
    ("model", "caching", "words", "cap"),
    [
        (HAIKU, True, 20_000, "0.2"),
        (HAIKU, False, 2_000, "0.1"),
        (SONNET, True, 20_000, "0.6"),
        (SONNET, False, 2_000, "0.3"),
    ],
    ids=["counted-cached", "counted", "uncounted-cached", "uncounted"],
)
async def test_a_conversation_can_spend_95_percent_of_its_budget_and_at_most_a_slice_more(
    own_stack: Stack, model: str, caching: bool, words: int, cap: str
) -> None:
    slice_cost = SLICE * (HAIKU_OUTPUT if model == HAIKU else SONNET_OUTPUT)
    key = own_stack.gateway.new_key(max_budget=cap)
    conversation = Conversation(model, marked=caching, words=words)
    status = 200
    for number in range(400):
        ask = anthropic(conversation.turn(number))
        (answer,) = await crowd([own_stack.gateway], key, [ask])
        if (status := answer.status_code) != 200:
            break
        conversation.answered(f"Answer {number}")

    assert status == 429
    bill = billed(own_stack.emulator.usage())
    assert Decimal("0.95") * Decimal(cap) <= bill <= spent(own_stack)
    assert spent(own_stack) <= Decimal(cap) + slice_cost


async def test_single_questions_can_spend_95_percent_of_a_budget(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(max_budget="0.05")
    status = 200
    for number in range(1_000):
        (answer,) = await crowd([own_stack.gateway], key, [openai(text(number, 100))])
        if (status := answer.status_code) != 200:
            break

    assert status == 429
    bill = billed(own_stack.emulator.usage())
    assert Decimal("0.0475") <= bill <= Decimal("0.05") + SLICE * HAIKU_OUTPUT


@pytest.fixture
def finishing(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    """An emulator that finishes, and bills, what it has begun."""
    settings = {"GATEWAY_INSTANCE_TIMEOUT_SECONDS": "2"}
    with running_stack(database_url, tmp_path, "--on-disconnect", "finish", **settings) as stack:
        yield stack


async def test_a_gateway_that_is_killed_books_at_least_what_bedrock_bills(
    finishing: Stack, tmp_path: Path
) -> None:
    stack = finishing
    key = stack.gateway.new_key(max_budget="1000")
    stack.emulator.scenario({"kind": "slow", "seconds": 3})
    asks = [openai(text(number, 3000)) for number in range(40)]

    async with anyio.create_task_group() as group:

        async def broken() -> None:
            with pytest.raises(httpx.TransportError):
                await crowd([stack.gateway], key, asks)

        group.start_soon(broken)
        await until(lambda: len(stack.emulator.usage()) == len(asks))
        stack.gateway.kill()

    settings = {"GATEWAY_INSTANCE_TIMEOUT_SECONDS": "2"}
    with gateway_process(stack.database_url, stack.emulator.url, tmp_path, settings):
        await until(lambda: not stack.reservations(), seconds=60)

    bill = billed(stack.emulator.usage())
    assert bill > Decimal("0.6")
    assert {row["ending"] for row in stack.spend_log()} == {"gateway_lost"}
    assert bill <= spent(stack)
