"""At most one more try, before the first byte."""

from dataclasses import dataclass, field

import orjson
import pytest

from app.catalog.catalog import load_catalog
from app.catalog.model import Target
from app.core.guardrail import Guardrail
from app.core.ids import KeyId
from app.core.time import Clock
from app.errors import (
    GatewayError,
    NotFound,
    UpstreamBroke,
    UpstreamDenied,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamTimeout,
)
from app.telemetry.metrics import Metrics
from app.upstream.routing import AVOIDED_SECONDS, RETRY_WITHIN_SECONDS, Attempt, Router
from app.upstream.unsupported import UnsupportedParams
from app.upstream.upstream import Call

US = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
GLOBAL = US.replace("us.", "global.", 1)
GUARDRAIL = Guardrail("abc123", "1")


@dataclass
class Bench:
    """Attempts on a scripted Bedrock: `errors` are raised in turn, then calls succeed."""

    errors: list[GatewayError]
    failover: tuple[str, ...] = ()
    seconds_a_call: float = 0.0
    now: float = 0.0
    calls: list[Call] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    notes: list[tuple[str, float, GatewayError | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = Clock(monotonic=lambda: self.now)
        self.metrics = Metrics()
        self.attempts = Router(
            UnsupportedParams(clock.monotonic),
            clock,
            failover=self.failover,
            watcher=self.metrics,
            pause=self._pause,
        )

    async def ask(
        self, model: str = "claude-haiku-4-5", *, key: str = "key-1", **body: object
    ) -> str:
        """The id of the profile that answered."""
        target = load_catalog(region="us-east-1", profile=None).resolve(model)
        wanted = Attempt(target, orjson.dumps(body), KeyId(key), GUARDRAIL)
        _, answered = await self.attempts.make(wanted, self._once, self._note)
        return answered.profile.bedrock_id

    def _note(self, target: Target, began: float, error: GatewayError | None) -> None:
        self.notes.append((target.profile.bedrock_id, began, error))

    async def _once(self, call: Call) -> None:
        self.calls.append(call)
        self.now += self.seconds_a_call
        if self.errors:
            raise self.errors.pop(0)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.mark.parametrize("error", [UpstreamThrottled, UpstreamOverloaded, UpstreamFailed])
async def test_a_call_that_may_go_better_is_made_again_after_a_pause(
    error: type[GatewayError],
) -> None:
    bench = Bench([error("no")])

    assert await bench.ask() == US
    assert (len(bench.calls), len(bench.pauses)) == (2, 1)
    counted = f'gateway_upstream_retries_total{{error="{error.code}"}} 1.0'
    assert counted in bench.metrics.exposition().decode()


async def test_a_third_try_is_never_made() -> None:
    bench = Bench([UpstreamThrottled("1"), UpstreamThrottled("2")])

    with pytest.raises(UpstreamThrottled, match="2"):
        await bench.ask()


@pytest.mark.parametrize(
    "error", [UpstreamBroke, UpstreamTimeout, UpstreamDenied, UpstreamRejected, NotFound]
)
async def test_what_may_be_billed_or_cannot_go_better_is_not_tried_again(
    error: type[GatewayError],
) -> None:
    bench = Bench([error("no")])

    with pytest.raises(error):
        await bench.ask()
    assert len(bench.calls) == 1


async def test_a_call_that_took_long_to_fail_is_not_tried_again() -> None:
    bench = Bench([UpstreamThrottled("no")], seconds_a_call=RETRY_WITHIN_SECONDS + 1)

    with pytest.raises(UpstreamThrottled):
        await bench.ask()


async def test_a_full_profile_is_left_for_the_operators_next_one_at_once() -> None:
    bench = Bench([UpstreamThrottled("full")], failover=("global",))

    assert await bench.ask() == GLOBAL
    assert ([call.bedrock_id for call in bench.calls], bench.pauses) == ([US, GLOBAL], [])


async def test_a_full_profile_is_asked_last_for_a_while() -> None:
    bench = Bench([UpstreamThrottled("full")], failover=("global",))
    await bench.ask()

    assert await bench.ask() == GLOBAL
    bench.now += AVOIDED_SECONDS
    assert await bench.ask() == US


async def test_the_only_profile_is_asked_even_when_it_was_full() -> None:
    bench = Bench([UpstreamThrottled("1"), UpstreamThrottled("2")])
    with pytest.raises(UpstreamThrottled):
        await bench.ask()

    assert await bench.ask() == US


async def test_a_client_that_names_a_profile_gets_no_other() -> None:
    bench = Bench([UpstreamThrottled("full")], failover=("global",))

    assert await bench.ask(model=US) == US


async def test_what_bedrock_refused_is_left_out_at_once_and_later() -> None:
    bench = Bench([UpstreamRejected("metadata: Extra inputs are not permitted")])

    await bench.ask(metadata={}, max_tokens=1)
    await bench.ask(metadata={}, max_tokens=2)

    assert [orjson.loads(call.body) for call in bench.calls] == [
        {"metadata": {}, "max_tokens": 1},
        {"max_tokens": 1},
        {"max_tokens": 2},
    ]
    assert bench.pauses == []
    counted = 'gateway_unsupported_params_dropped_total{model="claude-haiku-4-5"} 1.0'
    assert counted in bench.metrics.exposition().decode()


async def test_nothing_is_learnt_from_an_error_while_the_retry_fails_as_well() -> None:
    refused = UpstreamRejected("metadata: Extra inputs are not permitted")
    bench = Bench([refused, UpstreamRejected("something else")])

    with pytest.raises(UpstreamRejected, match="something else"):
        await bench.ask(metadata={}, max_tokens=1)
    await bench.ask(metadata={}, max_tokens=2)

    assert orjson.loads(bench.calls[-1].body) == {"metadata": {}, "max_tokens": 2}


async def test_what_one_key_ran_into_changes_nothing_for_another() -> None:
    bench = Bench([UpstreamRejected("metadata: Extra inputs are not permitted")])

    await bench.ask(key="attacker", metadata={}, max_tokens=1)
    await bench.ask(key="victim", metadata={}, max_tokens=2)

    assert orjson.loads(bench.calls[-1].body) == {"metadata": {}, "max_tokens": 2}


async def test_the_price_is_that_of_the_most_expensive_profile_that_may_answer() -> None:
    target = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
    cheap = load_catalog(region="us-east-1", profile="global").resolve("claude-haiku-4-5")

    assert Bench([], failover=("us",)).attempts.dearest(cheap).profile == target.profile
    assert Bench([]).attempts.dearest(cheap) is cheap


@pytest.mark.parametrize(
    "error",
    [UpstreamThrottled("full"), UpstreamRejected("metadata: Extra inputs are not permitted")],
)
async def test_the_second_try_is_guarded_like_the_first(error: GatewayError) -> None:
    bench = Bench([error], failover=("global",))

    await bench.ask(metadata={}, max_tokens=1)

    assert [call.guardrail for call in bench.calls] == [GUARDRAIL, GUARDRAIL]


async def test_each_call_is_noted_with_its_beginning_and_its_failure() -> None:
    error = UpstreamThrottled("no")
    bench = Bench([error], failover=("global",), seconds_a_call=2)

    await bench.ask()

    assert bench.notes == [(US, 0, error), (GLOBAL, 2, None)]
