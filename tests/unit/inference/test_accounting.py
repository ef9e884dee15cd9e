"""A request is settled once, and nothing that was seen of it is missing from its end."""

from dataclasses import astuple, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.catalog.catalog import load_catalog
from app.catalog.model import Target
from app.core.budgets import UNLIMITED
from app.core.guardrail import NO_UNITS, GuardrailUnits
from app.core.ids import InstanceId, UserId
from app.core.pricing import Cost, Price, Rates, Tier
from app.core.tasks import DetachedTasks
from app.core.usage import Usage
from app.errors import DatabaseUnavailable, GatewayError, UpstreamBroke, UpstreamThrottled
from app.formats.events import Event
from app.formats.meter import Meter
from app.identity.policy import Accounts, Caller
from app.inference.accounting import Accounting, End
from app.inference.admission import Admission
from app.inference.estimates import OutputForecast
from app.inference.known_prompts import KnownPrompts
from app.inference.request import InferenceRequest
from app.inference.reservation import Reservation
from app.ledger.record import (
    BudgetState,
    CapturedContent,
    Ending,
    Grant,
    RequestRecord,
    Scope,
    UpstreamAttempt,
)
from app.ledger.settling import Settler
from tests.support.examples import KEY_ID, NOW, account, credentials, hold, key, sent
from tests.support.fakes import FakeTime, MemoryLedger, MemorySpool, RecordList
from tests.unit.inference.bench import CLOSE, OPEN, START, STOP, delta, end, event, no_count

TARGET = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
OTHER = load_catalog(region="us-east-1", profile="global").resolve("claude-haiku-4-5")
ASKED = b'{"messages":[]}'
LIKELY = 70
MAX_TOKENS = 1_000
COVERED = Usage(input_tokens=100, output_tokens=128)


class Desk:
    """One admitted request of a key with a cap, half a second after it came in."""

    def __init__(self, *, captured: bytes | None = None, bedrock_id: str | None = None) -> None:
        self.time = FakeTime(NOW)
        self.ledger = MemoryLedger()
        self.sink = RecordList()
        self.background = DetachedTasks()
        self.forecast = OutputForecast()
        self.meter = Meter(one_hour_cache=False)
        clock = self.time.clock
        self.accounts = (account(Scope.KEY, "5"), account(Scope.USER, None, id_="ada"))
        self.hold = hold(
            *self.accounts,
            started_at=NOW,
            user_id="ada",
            bedrock_id=bedrock_id or TARGET.profile.bedrock_id,
        )
        self.admission = Admission(
            self.ledger,
            Accounts(UNLIMITED, ZoneInfo("UTC")),
            self.forecast,
            KnownPrompts(clock.monotonic),
            no_count,
            instance=InstanceId("gateway-1"),
            clock=clock,
            contact=None,
        )
        self.admission.open_requests.add(self.hold.request_id)
        self.request = InferenceRequest(
            id=self.hold.request_id,
            route="/v1/messages",
            read=sent(b""),
            body_bytes=0,
            credentials=credentials(),
            betas=(),
            session_id="session-1",
            client="claude-cli/2.1",
            received_at=NOW,
            received_monotonic=self.time.seconds,
            agent="agent-1",
            tags=("team", "late"),
        )
        self.time.advance(0.5)
        self.accounting = Accounting(
            self.request,
            Caller(key(user_id="ada", tags=("team", "early")), None),
            TARGET,
            Reservation(
                self.ledger,
                self.hold,
                TARGET,
                COVERED,
                grant=Grant(),
                max_tokens=MAX_TOKENS,
                likely_input=LIKELY,
            ),
            api_format="anthropic",
            stream=True,
            parameters={"temperature": 1},
            captured=captured,
            meter=self.meter,
            admission=self.admission,
            settler=Settler(self.ledger, MemorySpool(), self.background),
            sink=self.sink,
            clock=clock,
        )

    def see(self, *events: bytes) -> None:
        for raw in events:
            self.accounting.observe(Event.of(raw))

    async def settle(self, ending: Ending, error: GatewayError | None = None, **end: Any) -> None:
        await self.background.complete(self.accounting.settle(End(ending, error, **end)))

    async def ended(self) -> RequestRecord:
        await self.background.finish()
        (record,) = self.sink.records
        assert self.ledger.settled == [record]
        return record


WHOLE = (START, OPEN, delta("Hi"), CLOSE, end(20), STOP)
USED = Usage(input_tokens=10, output_tokens=20)
COST = TARGET.cost(USED, NOW.date())


async def test_the_end_of_a_request_holds_everything_that_was_seen_of_it() -> None:
    desk = Desk()
    desk.accounting.upstream_request_id = "aws-1"
    desk.time.advance(0.25)
    desk.accounting.first_byte()
    desk.time.advance(1)
    desk.accounting.first_byte()
    desk.see(*WHOLE)
    desk.time.advance(1.125)

    await desk.settle("completed")

    record = await desk.ended()
    assert record == RequestRecord(
        request_id=desk.hold.request_id,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=2.875),
        api_format="anthropic",
        route="/v1/messages",
        status=200,
        ending="completed",
        error_code=None,
        key_id=KEY_ID,
        key_alias="a-key",
        key_name="sk-...ests",
        user_id=UserId("ada"),
        model="claude-haiku-4-5",
        upstream_model=TARGET.profile.bedrock_id,
        upstream_request_id="aws-1",
        attempts=(),
        stream=True,
        usage=USED,
        cost=COST.total,
        cost_parts=COST,
        estimated=False,
        uncached_cost=Decimal(0),
        guardrail=False,
        latency_seconds=2.875,
        ttfb_seconds=0.75,
        upstream_seconds=2.375,
        session_id="session-1",
        agent="agent-1",
        user_agent="claude-cli/2.1",
        tags=("team", "early", "late"),
        counters=desk.accounts,
        parameters={"temperature": 1},
        content=None,
    )
    assert desk.sink.budgets == [(BudgetState(desk.accounts[0], COST.total, Decimal(0)),)]
    assert desk.admission.open_requests == set()


async def test_each_call_of_bedrock_is_noted_with_its_time_and_its_error() -> None:
    desk = Desk()
    first = desk.time.seconds
    desk.time.advance(2)
    desk.accounting.attempted(TARGET, first, UpstreamThrottled("full"))
    second = desk.time.seconds
    desk.time.advance(3)
    desk.accounting.attempted(OTHER, second, None)
    await desk.settle("completed")

    record = await desk.ended()
    assert record.attempts == (
        UpstreamAttempt(TARGET.profile.bedrock_id, 0.5, 2, UpstreamThrottled("full").code),
        UpstreamAttempt(OTHER.profile.bedrock_id, 2.5, 3, None),
    )


async def test_an_answer_without_a_first_byte_has_no_time_to_it() -> None:
    desk = Desk()
    await desk.settle("upstream_rejected", error=UpstreamThrottled("full"))

    record = await desk.ended()
    assert (record.ttfb_seconds, record.upstream_request_id) == (None, None)
    assert (record.status, record.error_code) == (429, UpstreamThrottled("full").code)
    assert record.cost == 0
    assert not record.estimated


@pytest.mark.parametrize(
    ("seen", "error", "status", "ending", "usage"),
    [
        ((), UpstreamThrottled("full"), None, "upstream_rejected", Usage()),
        ((), UpstreamThrottled("full"), 200, "upstream_rejected", Usage()),
        ((), UpstreamBroke("lost"), None, "upstream_failed", COVERED),
        ((), UpstreamBroke("lost"), 200, "upstream_failed", COVERED),
        ((START, OPEN, delta()), UpstreamBroke("lost"), 200, "upstream_failed", Usage(10, 1)),
        ((START,), UpstreamThrottled("full"), 200, "upstream_failed", Usage(10, 1)),
    ],
)
async def test_a_call_that_failed_is_billed_at_what_may_have_been_generated(
    seen: tuple[bytes, ...],
    error: Any,
    status: int | None,
    ending: str,
    usage: Usage,
) -> None:
    desk = Desk()
    desk.see(*seen)

    failed = desk.accounting.failed(error, status=status)
    await desk.background.complete(desk.accounting.settle(failed))

    record = await desk.ended()
    assert (record.ending, record.usage) == (ending, usage)
    assert (record.status, record.error_code) == (status or error.status, error.code)
    assert record.estimated is (ending != "upstream_rejected")


SILENT = START.replace(b'"input_tokens":10', b'"input_tokens":0')


async def test_a_prompt_that_bedrock_did_not_count_is_billed_as_it_was_estimated() -> None:
    desk = Desk()
    assert desk.meter.expected_prompt == LIKELY
    desk.see(SILENT, OPEN, delta())

    await desk.settle("client_disconnected", status=499)

    assert (await desk.ended()).usage == Usage(input_tokens=LIKELY, output_tokens=1)


async def test_an_answer_that_was_cut_is_billed_with_no_more_output_than_max_tokens() -> None:
    desk = Desk()
    desk.see(START, OPEN, *[delta("x" * 4_000)] * 9)

    await desk.settle("budget_exhausted", status=200)

    record = await desk.ended()
    assert record.usage == Usage(input_tokens=10, output_tokens=MAX_TOKENS)
    assert record.estimated


async def test_a_prompt_that_a_guardrail_kept_from_the_model_is_not_billed() -> None:
    desk = Desk()
    desk.see(SILENT)
    desk.meter.intervened = True

    await desk.settle("completed")

    record = await desk.ended()
    assert record.usage.prompt_tokens == 0
    assert record.guardrail


@pytest.mark.parametrize(
    ("events", "hold_of", "learnt"),
    [(WHOLE, TARGET, True), (WHOLE[:-2], TARGET, False), (WHOLE, OTHER, False)],
)
async def test_only_what_bedrock_counted_for_the_profile_that_was_asked_for_is_learnt(
    events: tuple[bytes, ...], hold_of: Target, learnt: bool
) -> None:
    desk = Desk(bedrock_id=hold_of.profile.bedrock_id)
    before = desk.forecast.first_slice(KEY_ID, TARGET.model.name, 1_000)
    desk.see(*events)

    await desk.settle("completed")
    await desk.ended()

    assert (desk.forecast.first_slice(KEY_ID, TARGET.model.name, 1_000) != before) is learnt


async def test_another_profile_that_answers_is_the_one_that_is_billed() -> None:
    desk = Desk()
    desk.accounting.target = OTHER
    desk.see(*WHOLE)

    await desk.settle("completed")

    record = await desk.ended()
    assert record.upstream_model == OTHER.profile.bedrock_id
    assert record.cost == OTHER.cost(USED, NOW.date()).total
    assert isinstance(record.cost_parts, Cost)


UNITS = GuardrailUnits(content=3, topic=2)


@pytest.mark.parametrize(("ending", "billed"), [("completed", True), ("upstream_rejected", False)])
async def test_a_guardrails_work_is_billed_unless_bedrock_refused_the_call(
    ending: Ending, billed: bool
) -> None:
    desk = Desk()
    desk.see(*WHOLE)
    desk.meter.guardrail_units = UNITS

    await desk.settle(ending)

    record = await desk.ended()
    expected = TARGET.cost(USED, NOW.date(), UNITS if billed else NO_UNITS)
    assert record.cost_parts == expected
    assert (expected.guardrail > 0) is billed


async def test_each_step_of_an_answer_is_billed_by_the_length_of_its_own_prompt() -> None:
    rates = TARGET.model.prices[-1].tiers[0].rates
    dear = Rates(*(5 * rate for rate in astuple(rates)))
    tiers = (Tier(0, rates), Tier(100, dear))
    desk = Desk()
    desk.accounting.target = replace(
        TARGET, model=replace(TARGET.model, prices=(Price(NOW.date(), tiers, "test"),))
    )
    step = {"input_tokens": 80, "output_tokens": 10}
    usage = {"input_tokens": 80, "output_tokens": 10, "iterations": [step, step]}
    told = event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)
    desk.see(SILENT, told, event("message_stop"))

    await desk.settle("completed")

    record = await desk.ended()
    assert record.usage == Usage(input_tokens=160, output_tokens=20)
    assert record.cost == TARGET.cost(record.usage, NOW.date()).total


async def test_a_request_that_cannot_be_booked_ends_with_an_outcome_all_the_same() -> None:
    away, broken = Desk(), Desk()
    away.ledger.away = DatabaseUnavailable("away")
    broken.ledger.away = RuntimeError("a fault of ours")  # type: ignore[assignment]
    for desk in (away, broken):
        desk.see(*WHOLE)
        await desk.settle("completed")
        await desk.background.finish()

        (record,), (budgets,) = desk.sink.records, desk.sink.budgets
        assert (record.ending, budgets) == ("completed", ())
        assert desk.admission.open_requests == set()


async def test_a_conversation_is_remembered_only_where_that_is_wanted() -> None:
    wanted, unwanted = Desk(captured=ASKED), Desk()
    for desk in (wanted, unwanted):
        desk.see(*WHOLE)
        await desk.settle("completed")

    with_it, without_it = await wanted.ended(), await unwanted.ended()
    assert without_it.content is None
    assert unwanted.accounting._collector is None
    assert with_it.content is not None
    assert with_it.content.asked == ASKED
    assert with_it.content.answer is not None
    assert with_it.content.answer["content"][0]["text"] == "Hi"


async def test_an_answer_in_one_piece_is_remembered_as_it_came() -> None:
    desk = Desk(captured=ASKED)
    desk.see(*WHOLE)
    await desk.settle("completed", message={"content": "whole"})

    assert (await desk.ended()).content == CapturedContent(ASKED, {"content": "whole"})


@pytest.mark.parametrize("events", [(), (START, delta(), OPEN)])
async def test_what_cannot_be_put_together_is_not_remembered(events: tuple[bytes, ...]) -> None:
    desk = Desk(captured=ASKED)
    desk.see(*events)
    await desk.settle("client_disconnected", status=499)

    assert (await desk.ended()).content == CapturedContent(ASKED, None)


async def test_the_cache_is_told_at_the_price_of_fresh_input() -> None:
    desk = Desk()
    used = replace(USED, cache_read_tokens=1_000)

    await desk.settle("completed", usage=used)

    record = await desk.ended()
    assert record.usage == used
    assert record.uncached_cost == TARGET.cache_as_input(used, NOW.date()) > 0
