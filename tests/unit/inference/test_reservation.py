"""When more is asked for, or too much given back, to the token."""

import asyncio
from decimal import Decimal

import pytest

from app.catalog.catalog import load_catalog
from app.core.usage import Usage
from app.errors import DatabaseUnavailable
from app.formats.events import Event
from app.formats.meter import Meter
from app.inference.estimates import SLICE
from app.inference.reservation import CROWD, Reservation
from app.ledger.record import BudgetState, Grant
from tests.support.examples import NOW, account, hold
from tests.support.fakes import MemoryLedger
from tests.unit.inference.bench import delta, event

TARGET = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
OUTPUT_IN_INPUT = 5
"""Tokens of input that cost as much as one of output."""

TOLERATED = SLICE // 2 * OUTPUT_IN_INPUT
"""Input tokens by which a guess may be wrong."""

SMALLEST = Decimal("0.0000001")


def usd(input_tokens: int, output_tokens: int = 0) -> Decimal:
    return TARGET.cost(Usage(input_tokens, output_tokens), NOW.date()).total


def reserved(
    ledger: MemoryLedger,
    input_tokens: int,
    output_tokens: int = 1_000,
    *,
    left: Decimal | None = None,
    max_tokens: int = 1_000,
) -> Reservation:
    capped = account(cap="100")
    standing = BudgetState(capped, Decimal(100) - (left or 0), Decimal(0))
    return Reservation(
        ledger,
        hold(capped, amount=str(usd(input_tokens, output_tokens)), started_at=NOW),
        TARGET,
        Usage(input_tokens, output_tokens),
        grant=Grant(() if left is None else (standing,)),
        max_tokens=max_tokens,
        likely_input=input_tokens,
    )


def meter(input_tokens: int, deltas: int = 0) -> Meter:
    found = Meter(one_hour_cache=False)
    usage = {"input_tokens": input_tokens, "output_tokens": 1}
    found.observe(Event.of(event("message_start", message={"usage": usage})))
    for _ in range(deltas):
        found.observe(Event.of(delta("x")))
    return found


async def asks(ledger: MemoryLedger, reservation: Reservation, seen: Meter) -> bool:
    """Whether the ledger was asked for another amount."""
    before = len(ledger.holds)
    assert await reservation.covers(seen)
    for _ in range(5):
        await asyncio.sleep(0)
    return len(ledger.holds) > before


@pytest.mark.parametrize(("more", "asked"), [(TOLERATED, False), (TOLERATED + 1, True)])
async def test_a_prompt_that_is_longer_than_reserved_is_paid_for_beyond_a_tolerance(
    more: int, asked: bool
) -> None:
    ledger = MemoryLedger()
    reservation = reserved(ledger, 100, left=Decimal(50))

    assert await asks(ledger, reservation, meter(100 + more)) is asked
    if asked:
        (held,) = ledger.holds
        assert (held.amount, held.grows) == (usd(100 + more, 1_000), True)


@pytest.mark.parametrize(("less", "asked"), [(TOLERATED, False), (TOLERATED + 1, True)])
async def test_what_is_reserved_for_too_long_a_prompt_is_given_back_beyond_a_tolerance(
    less: int, asked: bool
) -> None:
    ledger = MemoryLedger()
    reservation = reserved(ledger, 10_000, left=SMALLEST)

    assert await asks(ledger, reservation, meter(10_000 - less)) is asked


@pytest.mark.parametrize(("more", "asked"), [(Decimal(0), False), (-SMALLEST, True)])
async def test_too_much_is_given_back_only_where_a_crowd_would_use_up_the_budget(
    more: Decimal, asked: bool
) -> None:
    ledger = MemoryLedger()
    reservation = reserved(ledger, 10_000, left=CROWD * usd(9_900) + more)

    assert await asks(ledger, reservation, meter(100)) is asked


async def test_too_much_is_kept_where_no_budget_has_a_cap() -> None:
    ledger = MemoryLedger()

    assert not await asks(ledger, reserved(ledger, 10_000), meter(100))


async def test_a_prompt_is_corrected_once_and_not_before_it_is_known() -> None:
    ledger = MemoryLedger()
    reservation = reserved(ledger, 10_000, left=SMALLEST)

    assert not await asks(ledger, reservation, Meter(one_hour_cache=False))
    assert await asks(ledger, reservation, meter(100))
    assert not await asks(ledger, reservation, meter(100))
    assert not await asks(ledger, reservation, meter(100))


@pytest.mark.parametrize(("max_tokens", "wanted"), [(10_000, 100 + SLICE), (500, 500)])
async def test_an_answer_is_extended_by_a_slice_and_no_further_than_its_limit(
    max_tokens: int, wanted: int
) -> None:
    ledger = MemoryLedger()
    reservation = reserved(ledger, 100, 128, left=Decimal(50), max_tokens=max_tokens)

    assert await asks(ledger, reservation, meter(100, deltas=100))

    assert ledger.holds[0].amount == usd(100, wanted)


async def test_a_correction_never_takes_output_back() -> None:
    ledger = MemoryLedger()
    reservation = reserved(ledger, 100, 5_000, left=Decimal(50), max_tokens=10_000)

    assert await asks(ledger, reservation, meter(50_000))

    assert ledger.holds[0].amount == usd(50_000, 5_000)


@pytest.mark.parametrize("used", [127, 128])
async def test_a_refused_answer_goes_on_to_the_end_of_what_is_reserved(used: int) -> None:
    ledger = MemoryLedger()
    broke = account(cap="0")
    reservation = Reservation(
        ledger,
        hold(broke, amount=str(usd(100, 128)), started_at=NOW),
        TARGET,
        Usage(100, 128),
        grant=Grant((BudgetState(broke, Decimal(0), Decimal(0)),)),
        max_tokens=1_000,
        likely_input=100,
    )
    ledger.reservations[reservation.hold.request_id] = reservation.hold
    assert await asks(ledger, reservation, meter(100, deltas=100))

    assert await reservation.covers(meter(100, deltas=100))
    assert await reservation.covers(meter(100, deltas=used)) is (used < 128)
    assert len(ledger.holds) == 1
    assert reservation.covered == Usage(100, 128)


async def test_without_a_cap_an_answer_is_covered_while_the_ledger_is_away() -> None:
    ledger = MemoryLedger(away=DatabaseUnavailable("away"))
    reservation = reserved(ledger, 100, 128, max_tokens=10_000)

    assert await reservation.covers(meter(100, deltas=128))

    assert reservation.covered == Usage(100, 128 + SLICE)
    assert reservation.hold.amount == usd(100, 128 + SLICE)


@pytest.mark.parametrize(("used", "asked"), [(96, False), (97, True)])
async def test_an_answer_is_extended_once_three_quarters_of_it_are_used(
    used: int, asked: bool
) -> None:
    ledger = MemoryLedger()
    reservation = reserved(ledger, 100, 128, left=Decimal(50), max_tokens=10_000)

    assert await asks(ledger, reservation, meter(100, deltas=used)) is asked
