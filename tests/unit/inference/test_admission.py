"""A hold is asked for before a call, and grows ahead of the answer."""

import asyncio
import weakref
from collections.abc import Awaitable
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import orjson
import pytest

from app.catalog.catalog import load_catalog
from app.catalog.model import Target
from app.core.budgets import UNLIMITED, Budget, Limits
from app.core.ids import InstanceId
from app.core.json_fields import JsonObject
from app.core.usage import Usage
from app.errors import BudgetExceeded, BudgetHeld, DatabaseUnavailable, ModelNotAllowed, RateLimited
from app.formats.events import Event
from app.formats.meter import Meter
from app.identity.policy import Accounts, Caller, limits_of
from app.inference import admission
from app.inference.admission import LARGE_BODY, TIGHT, Admission
from app.inference.estimates import FIRST_SLICE, SLICE, InputEstimate, OutputForecast
from app.inference.known_prompts import KnownPrompts, prefixes
from app.inference.request import InferenceRequest
from app.inference.reservation import LEAST_THINKING, SPARE, Demand, Reservation
from app.ledger.record import ReserveRequest
from tests.support.examples import (
    KEY_ID,
    caller,
    credentials,
    key,
    request_id,
    sent,
    settlement,
    user,
)
from tests.support.fakes import FakeTime, MemoryLedger
from tests.unit.inference.bench import delta, event

TARGET = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
AWAY = DatabaseUnavailable("away")
NOW = date(2026, 11, 23)
OUTPUT = Decimal("0.0000055")
"""USD for one token that comes out, and five that go in."""


class Kept(dict[str, Any]):
    """A body whose end can be seen."""


class Gate:
    """An admission on a fake ledger."""

    def __init__(self, *, contact: str | None = None) -> None:
        self.time = FakeTime()
        self.ledger = MemoryLedger()
        self.forecast = OutputForecast()
        self.prompts = KnownPrompts(self.time.clock.monotonic)
        self.counted: int | None = None
        self.counts = 0
        self.asked_to_count: tuple[str, Target, bytes] | None = None
        self.admission = Admission(
            self.ledger,
            Accounts(UNLIMITED, ZoneInfo("UTC")),
            self.forecast,
            self.prompts,
            self._count,
            instance=InstanceId("gateway-1"),
            clock=self.time.clock,
            contact=contact,
        )

    async def admit(
        self,
        who: Caller,
        *,
        input_tokens: int = 100,
        max_tokens: int = 32_000,
        stream: bool = True,
        thinks: bool = False,
        body: JsonObject | None = None,
        cache_ttl: str | None = None,
    ) -> Reservation:
        """`input_tokens` is the upper bound for the prompt."""
        request = InferenceRequest(
            id=request_id(),
            route="/v1/messages",
            read=sent(b""),
            body_bytes=0,
            credentials=credentials(),
            betas=(),
            session_id=None,
            client=None,
            received_at=self.time.instant,
            received_monotonic=self.time.seconds,
        )
        body = body or {"messages": [{"role": "user", "content": "x" * input_tokens}]}
        demand = Demand(
            TARGET,
            TARGET,
            body,
            orjson.dumps(body),
            InputEstimate(input_tokens, input_tokens, input_tokens, cache_ttl),
            max_tokens,
            stream=stream,
            thinks=thinks,
        )
        return await self.admission.admit(request, who, demand)

    async def _count(self, owner: str, target: Target, body: bytes) -> int | None:
        self.asked_to_count = owner, target, body
        self.counts += 1
        return self.counted


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
    with anyio.fail_after(30):
        return await answer


async def until_asked(gate: Gate, times: int) -> None:
    with anyio.fail_after(30):
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
    gate.admission.learn(first, Usage(output_tokens=800))

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
    reservation = await gate.admit(caller(cap="1"), input_tokens=guessed)

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


def usd(*, input_tokens: int = 0, output_tokens: int = 0) -> Decimal:
    return (input_tokens + 5 * output_tokens) * OUTPUT / 5


async def test_an_answer_in_one_piece_is_reserved_in_full_where_many_more_would_fit() -> None:
    gate = Gate()
    ample = usd(input_tokens=100) + (SPARE + 1) * usd(output_tokens=1000)

    reservation = await gate.admit(caller(cap=str(ample)), max_tokens=1000, stream=False)

    assert reservation.whole
    assert reservation.hold.amount == usd(input_tokens=100, output_tokens=1000)


async def test_an_answer_in_one_piece_is_watched_where_the_budget_is_not_ample() -> None:
    gate = Gate()
    ample = usd(input_tokens=100) + (SPARE + 1) * usd(output_tokens=1000)
    short = caller(cap=str(ample - Decimal("0.0000001")))

    reservation = await gate.admit(short, max_tokens=1000, stream=False)

    assert not reservation.whole
    assert reservation.hold.amount == usd(input_tokens=100, output_tokens=FIRST_SLICE)
    assert reservation.lowered_max_tokens is None


async def test_an_answer_in_one_piece_without_a_cap_is_reserved_in_full() -> None:
    reservation = await Gate().admit(caller(), max_tokens=32_000, stream=False)

    assert reservation.hold.amount == usd(input_tokens=100, output_tokens=32_000)


async def test_what_is_reserved_later_leaves_no_room_for_others() -> None:
    gate = Gate()
    ample = usd(input_tokens=100) + (SPARE + 1) * usd(output_tokens=1_000)
    reservation = await gate.admit(caller(cap=str(ample)), max_tokens=1_000, stream=False)
    assert reservation.hold.spare == SPARE * usd(output_tokens=1_000)
    found = Meter(one_hour_cache=False)
    usage = {"input_tokens": 10_000, "output_tokens": 1}
    found.observe(Event.of(event("message_start", message={"usage": usage})))

    assert await soon(reservation.covers(found))
    await until_asked(gate, 2)
    assert await soon(reservation.covers(found))

    assert reservation.hold.spare == 0
    assert reservation.hold.amount == usd(input_tokens=10_000, output_tokens=1_000)


async def test_answers_in_one_piece_at_once_reserve_no_more_than_the_cap() -> None:
    gate = Gate()
    who = caller(cap="1")
    answers = await asyncio.gather(
        *(gate.admit(who, max_tokens=8_000, stream=False) for _ in range(1_500)),
        return_exceptions=True,
    )

    admitted = [answer for answer in answers if isinstance(answer, Reservation)]
    assert Decimal("0.99") < sum(r.hold.amount for r in admitted) <= 1
    assert len(admitted) > 100
    assert all(isinstance(a, BudgetHeld) for a in answers if not isinstance(a, Reservation))


@pytest.mark.parametrize("stream", [True, False])
async def test_thinking_that_is_not_shown_is_reserved_in_full(stream: bool) -> None:
    gate = Gate()

    reservation = await gate.admit(caller(cap="1"), max_tokens=8_000, stream=stream, thinks=True)

    assert reservation.hold.amount == usd(input_tokens=100, output_tokens=8_000)
    assert reservation.whole
    assert await soon(reservation.covers(meter(7_999)))
    assert len(gate.ledger.holds) == 1


async def test_thinking_takes_a_share_of_a_budget_that_cannot_pay_for_all_of_it() -> None:
    gate = Gate()
    who = caller(cap=str(usd(output_tokens=64_000)))

    reservation = await gate.admit(who, max_tokens=64_000, thinks=True)

    assert reservation.lowered_max_tokens is not None
    assert 8_192 <= reservation.lowered_max_tokens <= 16_000
    assert reservation.covered.output_tokens == reservation.lowered_max_tokens
    assert reservation.whole


async def test_thinking_is_refused_where_the_budget_pays_for_next_to_none_of_it() -> None:
    gate = Gate()
    enough = usd(input_tokens=100, output_tokens=LEAST_THINKING)
    assert (await gate.admit(caller(cap=str(enough)), thinks=True)).lowered_max_tokens == 2_048

    with pytest.raises(BudgetExceeded, match="needs about"):
        await Gate().admit(caller(cap=str(enough - OUTPUT)), thinks=True)


async def test_bedrocks_own_count_lets_in_what_the_upper_bound_kept_out() -> None:
    gate = Gate()
    gate.counted = 250
    who = caller(cap=str(usd(input_tokens=250, output_tokens=FIRST_SLICE)))

    reservation = await gate.admit(who, input_tokens=1_000)

    assert reservation.covered == Usage(input_tokens=250, output_tokens=FIRST_SLICE)
    assert gate.counts == 1
    assert len(gate.ledger.holds) == 2


async def test_bedrock_is_not_asked_to_count_while_the_upper_bound_fits() -> None:
    gate = Gate()

    await gate.admit(caller(cap="5"), input_tokens=1_000)

    assert gate.counts == 0


async def test_nothing_is_counted_for_a_budget_that_is_used_up() -> None:
    gate = Gate()
    with pytest.raises(BudgetExceeded):
        await gate.admit(caller(cap="0"))

    assert gate.counts == 0


def marked(text: str) -> JsonObject:
    block = {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}
    return {"messages": [{"role": "user", "content": [block]}]}


async def test_a_prompt_that_bedrock_has_cached_is_reserved_at_the_price_of_a_read() -> None:
    gate = Gate()
    body = marked("word " * 1_000)
    gate.prompts.learn(prefixes(TARGET, body), Usage(cache_write_5m_tokens=1_000))
    read = TARGET.cost(Usage(cache_read_tokens=1_000, output_tokens=FIRST_SLICE), NOW).total
    who = caller(cap=str(read))

    reservation = await gate.admit(who, input_tokens=5_000, body=body, cache_ttl="5m")

    assert reservation.hold.amount == read


async def test_nobody_else_may_count_on_what_a_lost_cache_entry_would_cost() -> None:
    gate = Gate()
    body = marked("word " * 1_000)
    gate.prompts.learn(prefixes(TARGET, body), Usage(cache_write_5m_tokens=1_000))
    who = caller(cap=str(TARGET.cost(Usage(cache_write_5m_tokens=900), NOW).total))

    reservation = await gate.admit(who, input_tokens=5_000, body=body, cache_ttl="5m")

    assert reservation.hold.amount == who.key.allowance.budget.max
    with pytest.raises(BudgetHeld):
        await gate.admit(who, input_tokens=1)


async def test_a_cache_entry_that_may_have_expired_is_not_counted_on() -> None:
    gate = Gate()
    body = marked("word " * 1_000)
    gate.prompts.learn(prefixes(TARGET, body), Usage(cache_write_5m_tokens=1_000))
    gate.time.advance(241)

    with pytest.raises(BudgetExceeded):
        await gate.admit(caller(cap="0.001"), input_tokens=5_000, body=body, cache_ttl="5m")


async def test_prompts_are_learnt_where_little_of_a_budget_is_left() -> None:
    gate = Gate()

    assert (await gate.admit(caller(cap="5"))).prompt == ()
    assert (await gate.admit(caller(cap="0.002"))).prompt != ()


async def test_a_large_body_is_not_read_again_right_after_a_refusal() -> None:
    gate = Gate()
    who = caller(cap="0")
    gate.admission.refuse_again(who, LARGE_BODY + 1)
    with pytest.raises(BudgetExceeded):
        await gate.admit(who)

    gate.admission.refuse_again(who, LARGE_BODY)
    with pytest.raises(BudgetExceeded):
        gate.admission.refuse_again(who, LARGE_BODY + 1)
    gate.time.advance(1)
    gate.admission.refuse_again(who, LARGE_BODY + 1)


async def test_a_remembered_refusal_does_not_keep_the_request_that_caused_it() -> None:
    gate = Gate()
    who = caller(cap="0")
    body: JsonObject = {"messages": []}
    encoded = weakref.ref(kept := Kept(body))
    with pytest.raises(BudgetExceeded):
        await gate.admit(who, body=kept)
    del kept

    assert encoded() is None
    for _ in range(2):  # each has the frames of its own raise alone
        with pytest.raises(BudgetExceeded) as raised:
            gate.admission.refuse_again(who, LARGE_BODY + 1)
        assert len(raised.traceback) == 2


async def test_a_hold_says_whose_it_is_and_what_it_may_use() -> None:
    gate = Gate()
    own = key(
        user_id="ada",
        budget=Budget(Decimal(5), None),
        limits=Limits(9, 90_000, 3),
        model_budgets={"claude-haiku-4-5": Budget(Decimal(6), None)},
    )
    who = Caller(own, user())

    reservation = await gate.admit(who, input_tokens=100)

    (held,) = gate.ledger.holds
    assert held == ReserveRequest(
        request_id=held.request_id,
        owner=InstanceId("gateway-1"),
        started_at=gate.time.instant,
        key_id=KEY_ID,
        user_id=own.user_id,
        model="claude-haiku-4-5",
        bedrock_id=TARGET.profile.bedrock_id,
        accounts=Accounts(UNLIMITED, ZoneInfo("UTC")).of(
            who, "claude-haiku-4-5", gate.time.instant
        ),
        amount=usd(input_tokens=100, output_tokens=FIRST_SLICE),
        grows=False,
        limits=limits_of(who, TARGET.model),
        tokens=100 + FIRST_SLICE,
    )
    assert held.limits
    assert held.user_id == "ada"
    assert Decimal(6) in [one.cap for one in held.accounts]
    assert reservation.hold == held
    assert reservation.grant.left == 5 - held.amount
    assert reservation.likely_input == 100
    assert reservation.lowered_max_tokens is None


async def test_a_request_is_open_from_its_hold_to_its_settlement() -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="5"))
    assert gate.admission.open_requests == {reservation.hold.request_id}

    gate.admission.closed(reservation.hold.request_id)
    assert gate.admission.open_requests == set()

    with pytest.raises(BudgetExceeded):
        await gate.admit(caller(cap="0"))
    assert gate.admission.open_requests == set()


async def test_refusals_name_whom_to_ask_and_what_is_missing() -> None:
    gate = Gate(contact="it@example.org")
    with pytest.raises(BudgetExceeded, match=r"needs about \$0\.000814.*Ask it@example\.org"):
        await gate.admit(caller(cap="0.0008"), input_tokens=100)
    limited = Caller(key(limits=Limits(None, 100, None)), None)
    await gate.admit(limited)

    with pytest.raises(RateLimited, match=r"needs about 228\..*Ask it@example\.org"):
        await gate.admit(limited)
    with pytest.raises(RateLimited):
        gate.admission.refuse_again(limited, LARGE_BODY + 1)


async def test_a_refusal_that_passes_soon_is_not_repeated_unseen() -> None:
    gate = Gate()
    who = caller(cap="0.001")
    await gate.admit(who)
    with pytest.raises(BudgetHeld):
        await gate.admit(who)

    gate.admission.refuse_again(who, LARGE_BODY + 1)


async def test_the_latest_keys_that_were_refused_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "KEYS_REMEMBERED", 2)
    gate = Gate()
    keys = [caller(cap="0", hash=name * 64) for name in "abac"]
    for who in keys:
        with pytest.raises(BudgetExceeded):
            await gate.admit(who)

    a, b, _, c = keys
    gate.admission.refuse_again(b, LARGE_BODY + 1)
    for who in (a, c):
        with pytest.raises(BudgetExceeded):
            gate.admission.refuse_again(who, LARGE_BODY + 1)


async def test_bedrock_is_asked_to_count_the_body_for_the_one_who_sent_it() -> None:
    gate = Gate()
    who = caller(cap=str(usd(input_tokens=250, output_tokens=FIRST_SLICE)))
    body: JsonObject = {"messages": [{"role": "user", "content": "x" * 1_000}]}
    with pytest.raises(BudgetExceeded):
        await gate.admit(who, input_tokens=1_000, body=body)

    assert gate.asked_to_count == (who.owner, TARGET, orjson.dumps(body))


async def test_a_prompt_that_bedrock_counted_before_is_reserved_at_that() -> None:
    gate = Gate()
    body: JsonObject = {"messages": [{"role": "user", "content": "x" * 1_000}]}
    gate.prompts.learn(prefixes(TARGET, body), Usage(input_tokens=250))
    who = caller(cap=str(usd(input_tokens=300, output_tokens=FIRST_SLICE)))

    reservation = await gate.admit(who, input_tokens=1_000, body=body)

    assert reservation.covered == Usage(input_tokens=250, output_tokens=FIRST_SLICE)
    assert reservation.hold.amount == usd(input_tokens=250, output_tokens=FIRST_SLICE)
    assert reservation.prompt == tuple(prefixes(TARGET, body))


async def test_a_count_above_the_upper_bound_is_not_believed() -> None:
    gate = Gate()
    gate.counted = 5_000
    room = usd(input_tokens=1_000, output_tokens=FIRST_SLICE)
    gate.forecast.learn(KEY_ID, "claude-haiku-4-5", 800)

    reservation = await gate.admit(caller(cap=str(room)), input_tokens=1_000)

    assert reservation.covered == Usage(input_tokens=1_000, output_tokens=FIRST_SLICE)


async def test_a_conversation_that_may_be_summarised_is_not_learnt() -> None:
    gate = Gate()
    compact = {"edits": [{"type": "compact_20260112"}]}
    body = {"messages": [{"role": "user", "content": "x"}], "context_management": compact}

    assert (await gate.admit(caller(cap="0.002"), body=body)).prompt == ()


@pytest.mark.parametrize(("less", "learnt"), [("0", False), ("0.0000001", True)])
async def test_a_prompt_is_learnt_where_less_is_left_than_many_of_it(
    less: str, learnt: bool
) -> None:
    # The prompt alone costs far more than the first slice, so its bound is the one that counts.
    gate = Gate()
    amount = usd(input_tokens=100_000, output_tokens=FIRST_SLICE)
    cap = amount + TIGHT * usd(input_tokens=100_000) - Decimal(less)

    reservation = await gate.admit(caller(cap=str(cap)), input_tokens=100_000)

    assert bool(reservation.prompt) is learnt


async def test_a_large_prompt_is_learnt_as_well() -> None:
    gate = Gate()
    body: JsonObject = {"messages": [{"role": "user", "content": "x" * (LARGE_BODY + 1)}]}

    reservation = await gate.admit(caller(cap="2"), input_tokens=200_000, body=body)

    assert reservation.prompt == tuple(prefixes(TARGET, body))


async def test_what_bedrock_counted_of_a_prompt_is_known_the_next_time() -> None:
    gate = Gate()
    reservation = await gate.admit(caller(cap="0.002"), input_tokens=100)
    assert reservation.prompt

    gate.admission.learn(reservation, Usage(input_tokens=17, output_tokens=1))

    known = gate.prompts.find(reservation.prompt)
    assert known is not None
    assert known.tokens == 17


async def test_a_refusal_tells_when_the_budget_resets() -> None:
    with pytest.raises(BudgetExceeded) as refused:
        await Gate().admit(caller(cap="0", duration="1d"))

    assert refused.value.headers["retry-after"] == str(12 * 3_600)


async def test_thinking_shares_what_is_neither_spent_nor_held() -> None:
    gate = Gate()
    who = caller(cap=str(usd(output_tokens=64_000)))
    first = await gate.admit(who, max_tokens=8_000, thinks=True)

    second = await gate.admit(who, max_tokens=64_000, thinks=True)
    assert second.lowered_max_tokens == (64_000 - 8_020 - 20) // 4

    await gate.ledger.settle(settlement(first.hold, cost=str(usd(output_tokens=4_000))))
    await gate.ledger.settle(settlement(second.hold, cost="0"))
    third = await gate.admit(who, max_tokens=64_000, thinks=True)
    assert third.lowered_max_tokens == (64_000 - 4_000 - 20) // 4


async def test_the_first_estimate_that_fits_is_taken() -> None:
    gate = Gate()
    body = marked("word " * 1_000)
    gate.prompts.learn(prefixes(TARGET, body), Usage(cache_write_5m_tokens=1_000))
    written = Usage(cache_write_5m_tokens=1_000, output_tokens=FIRST_SLICE)
    cap = TARGET.cost(written, NOW).total

    reservation = await gate.admit(
        caller(cap=str(cap)), input_tokens=5_000, body=body, cache_ttl="5m"
    )

    assert reservation.covered == written
    assert len(gate.ledger.holds) == 2
