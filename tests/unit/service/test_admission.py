"""A hold is asked for before a call, and grows ahead of the answer."""

import asyncio
from collections.abc import Awaitable
from decimal import Decimal
from zoneinfo import ZoneInfo

import anyio
import pytest

from app.catalog.loader import load_catalog
from app.domain.budgets import UNLIMITED
from app.domain.identity import InstanceId
from app.domain.keys import Caller
from app.errors import BudgetExceeded, BudgetHeld, DatabaseUnavailable, ModelNotAllowed
from app.service.accounts import Accounts
from app.service.admission import Admission, Reservation
from app.service.estimates import FIRST_SLICE, SLICE, OutputForecast
from app.service.metering import Meter
from app.service.request import InferenceRequest
from app.wire.anthropic import Event
from tests.support.examples import caller, credentials, request_id, sent
from tests.support.fakes import FakeTime, MemoryLedger
from tests.unit.service.bench import delta, event

TARGET = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
AWAY = DatabaseUnavailable("away")
OUTPUT = Decimal("0.0000055")
"""USD for one token that comes out, and five that go in."""


class Gate:
    """An admission on a fake ledger."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.ledger = MemoryLedger()
        self.forecast = OutputForecast()
        self.admission = Admission(
            self.ledger,
            Accounts(UNLIMITED, ZoneInfo("UTC")),
            self.forecast,
            instance=InstanceId("gateway-1"),
            clock=self.time.clock,
            contact=None,
        )

    async def admit(
        self, who: Caller, *, input_tokens: int = 100, max_tokens: int = 32_000
    ) -> Reservation:
        request = InferenceRequest(
            id=request_id(),
            route="/v1/messages",
            read=sent(b""),
            credentials=credentials(),
            betas=(),
            session_id=None,
            client=None,
            received_at=self.time.instant,
            received_monotonic=self.time.seconds,
        )
        return await self.admission.admit(
            request, who, TARGET, input_tokens=input_tokens, max_tokens=max_tokens
        )


def meter(deltas: int = 0) -> Meter:
    """One that has seen so many tokens of an answer to about a hundred."""
    found = Meter(one_hour_cache=False)
    usage = {"input_tokens": 100, "output_tokens": 1}
    found.observe(Event.of(event("message_start", message={"usage": usage})))
    see(found, deltas)
    return found


def see(found: Meter, deltas: int) -> None:
    for _ in range(deltas):
        found.observe(Event.of(delta("x")))


async def soon(answer: Awaitable[bool]) -> bool:
    with anyio.fail_after(5):
        return await answer


async def until_asked(gate: Gate, times: int) -> None:
    with anyio.fail_after(5):
        while len(gate.ledger.holds) < times:  # noqa: ASYNC110 - the fake has no event for it
            await asyncio.sleep(0)


async def test_the_estimated_input_and_a_first_slice_of_output_are_held() -> None:
    gate = Gate()

    reservation = await gate.admit(caller(cap="5"))

    assert reservation.hold.amount == (100 + 5 * FIRST_SLICE) * OUTPUT / 5
    assert reservation.hold == next(iter(gate.ledger.reservations.values()))
    assert (reservation.hold.grows, reservation.hold.owner) == (False, "gateway-1")


async def test_the_first_slice_is_what_such_requests_produced_lately() -> None:
    gate = Gate()
    first = await gate.admit(caller())
    gate.admission.learn(first.hold, 800)

    assert (await gate.admit(caller())).covered.output_tokens == 1008


async def test_a_model_that_is_not_on_the_list_is_refused_before_money_is_asked_for() -> None:
    gate = Gate()

    with pytest.raises(ModelNotAllowed, match="claude-haiku-4-5"):
        await gate.admit(caller(models=("claude-opus-5-5",)))

    assert gate.ledger.holds == []


async def test_a_budget_that_is_used_up_is_another_error_than_one_that_is_held() -> None:
    gate = Gate()
    with pytest.raises(BudgetExceeded):
        await gate.admit(caller(cap="0.0001"))

    await gate.admit(caller(cap="0.001"))
    with pytest.raises(BudgetHeld):
        await gate.admit(caller(cap="0.001"))


async def test_a_database_that_is_away_lets_nobody_in() -> None:
    gate = Gate()
    gate.ledger.away = AWAY

    with pytest.raises(DatabaseUnavailable):
        await gate.admit(caller())


async def test_nothing_more_is_asked_for_while_enough_is_held() -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="5"))

    assert await soon(reservation.covers(meter(FIRST_SLICE * 3 // 4)))

    assert len(gate.ledger.holds) == 1


async def test_more_is_asked_for_ahead_of_use_and_not_waited_for() -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="5"))
    gate.ledger.gate = asyncio.Event()

    assert await soon(reservation.covers(meter(FIRST_SLICE * 3 // 4 + 1)))

    await until_asked(gate, 2)
    more = gate.ledger.holds[1]
    assert more.grows
    assert more.amount == (100 + 5 * (FIRST_SLICE * 3 // 4 + 1 + SLICE)) * OUTPUT / 5
    gate.ledger.gate.set()
    assert await soon(reservation.covers(meter(FIRST_SLICE)))
    assert reservation.hold.amount == more.amount


async def test_the_word_of_the_ledger_is_waited_for_when_all_is_used() -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="5"))
    gate.ledger.gate = asyncio.Event()

    waiting = asyncio.create_task(soon(reservation.covers(meter(FIRST_SLICE))))
    await until_asked(gate, 2)
    assert not waiting.done()

    gate.ledger.gate.set()
    assert await waiting


async def test_a_refusal_ends_the_answer() -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="0.001"))

    assert not await soon(reservation.covers(meter(FIRST_SLICE)))

    assert reservation.covered.output_tokens == FIRST_SLICE


async def test_an_answer_that_goes_on_is_covered_slice_by_slice() -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="5"))
    seen = meter()

    for _ in range(300):
        see(seen, 10)
        assert await soon(reservation.covers(seen))

    assert reservation.covered.output_tokens >= 3000
    assert len(gate.ledger.holds) <= 3000 / SLICE * 2


@pytest.mark.parametrize(
    ("guessed", "times", "input_tokens"), [(100, 1, 100), (50_000, 2, 100), (10, 1, 10)]
)
async def test_a_guess_at_the_input_that_was_far_off_is_corrected(
    guessed: int, times: int, input_tokens: int
) -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="5"), input_tokens=guessed)

    assert await soon(reservation.covers(meter()))
    await until_asked(gate, times)
    assert await soon(reservation.covers(meter(1)))

    assert len(gate.ledger.holds) == times
    assert reservation.covered.input_tokens == input_tokens


async def test_a_database_that_is_away_does_not_end_an_answer_without_a_cap() -> None:
    gate = Gate()
    reservation = await gate.admit(caller())
    gate.ledger.away = AWAY

    assert await soon(reservation.covers(meter(FIRST_SLICE)))


async def test_a_database_that_is_away_ends_an_answer_under_a_cap() -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="5"))
    gate.ledger.away = AWAY

    with pytest.raises(DatabaseUnavailable):
        await reservation.covers(meter(FIRST_SLICE))


@pytest.mark.parametrize("answered", [False, True])
async def test_a_question_that_no_longer_matters_is_dropped(answered: bool) -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="5"))
    gate.ledger.gate = asyncio.Event()
    await reservation.covers(meter(FIRST_SLICE - 1))
    await until_asked(gate, 2)
    if answered:
        gate.ledger.away = AWAY
        gate.ledger.gate.set()
        await asyncio.sleep(0)

    reservation.close()
    reservation.close()


@pytest.mark.parametrize(("cap", "afforded"), [(None, True), ("100", True), ("1", False)])
async def test_only_ample_budgets_let_a_long_answer_run_unwatched(
    cap: str | None, afforded: bool
) -> None:
    reservation = await Gate().admit(caller(cap=cap))

    assert reservation.affords(32_000) is afforded
