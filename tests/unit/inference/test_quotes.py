"""What is reserved of a call, to the token."""

from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from app.catalog.catalog import load_catalog
from app.catalog.model import Target
from app.core.pricing import Price, Rates, Tier
from app.core.usage import Usage
from app.inference.estimates import FIRST_SLICE, InputEstimate
from app.inference.reservation import LEAST_THINKING, SPARE, USEFUL_THINKING, Demand, Quote, Quotes
from tests.support.examples import NOW

TARGET = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
DAY = NOW.date()
PROMPT = Usage(input_tokens=100)
SMALLEST = Decimal("0.0000001")


def quotes(
    *,
    stream: bool = True,
    thinks: bool = False,
    max_tokens: int = 32_000,
    first: int = 200,
    text_bytes: int = 100,
    target: Target = TARGET,
) -> Quotes:
    """Of a call with an upper bound of 100 tokens for its prompt."""
    estimate = InputEstimate(likely=50, most=100, text_bytes=text_bytes)
    body = {"messages": [{"role": "user", "content": "x"}]}
    demand = Demand(
        target,
        target,
        body,
        orjson.dumps(body),
        estimate,
        max_tokens,
        stream=stream,
        thinks=thinks,
    )
    return Quotes(demand, DAY, first)


def usd(**tokens: int) -> Decimal:
    return TARGET.cost(Usage(**tokens), DAY).total


def room(output_tokens: int) -> Decimal:
    """What the prompt and so many tokens of output cost."""
    return usd(input_tokens=100, output_tokens=output_tokens)


def test_a_watched_answer_is_quoted_by_its_first_slice_and_needs_no_spare_room() -> None:
    usage = Usage(input_tokens=100, output_tokens=200)

    assert quotes().generous() == Quote(usage, room(200), Decimal(0))


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_is_quoted_in_full_and_needs_no_spare_room(stream: bool) -> None:
    usage = Usage(input_tokens=100, output_tokens=32_000)

    assert quotes(stream=stream, thinks=True).generous() == Quote(usage, room(32_000), Decimal(0))


def test_an_answer_in_one_piece_is_quoted_in_full_and_leaves_room_for_many_more() -> None:
    usage = Usage(input_tokens=100, output_tokens=32_000)

    quote = quotes(stream=False).generous()

    assert quote == Quote(usage, room(32_000), SPARE * usd(output_tokens=32_000))


def test_no_more_output_is_quoted_than_the_model_can_generate() -> None:
    most = TARGET.model.max_output_tokens

    assert quotes(max_tokens=most + 1).most_output == most
    assert quotes(max_tokens=most - 1).most_output == most - 1


@pytest.mark.parametrize(
    ("first", "affordable", "tokens"),
    [
        (200, 10_000, 200),
        (200, 200, 200),
        (200, 199, FIRST_SLICE),
        (200, FIRST_SLICE, FIRST_SLICE),
        (200, FIRST_SLICE - 1, None),
        (50, 50, 50),
        (50, 49, None),
    ],
)
def test_a_watched_answer_fits_where_its_slice_or_a_small_one_does(
    first: int, affordable: int, tokens: int | None
) -> None:
    found = quotes(first=first).fitting(PROMPT, room(affordable))

    expected = tokens and Quote(Usage(input_tokens=100, output_tokens=tokens), room(tokens))
    assert found == expected
    if tokens == affordable:
        assert quotes(first=tokens).fitting(PROMPT, room(affordable) - SMALLEST) != expected


def test_a_model_without_a_price_fits_into_any_budget() -> None:
    free = Price(DAY, (Tier(0, Rates(*[Decimal(0)] * 5)),), "test")
    target = replace(TARGET, model=replace(TARGET.model, prices=(free,)))

    found = quotes(target=target).fitting(PROMPT, Decimal(0))

    assert found == Quote(Usage(input_tokens=100, output_tokens=200), Decimal(0))


@pytest.mark.parametrize(
    ("max_tokens", "affordable", "tokens"),
    [
        (64_000, LEAST_THINKING - 1, None),
        (64_000, LEAST_THINKING, LEAST_THINKING),
        (64_000, USEFUL_THINKING - 1, USEFUL_THINKING - 1),
        (64_000, USEFUL_THINKING + 1, USEFUL_THINKING),
        (64_000, 4 * USEFUL_THINKING + 4, USEFUL_THINKING + 1),
        (64_000, 40_003, 10_000),
        (3_000, 40_000, 3_000),
        (1_000, 1_000, 1_000),
        (1_000, 999, None),
    ],
)
def test_thinking_gets_a_share_of_the_room_within_its_bounds(
    max_tokens: int, affordable: int, tokens: int | None
) -> None:
    found = quotes(thinks=True, max_tokens=max_tokens).fitting(PROMPT, room(affordable))

    assert found == (
        tokens
        and Quote(Usage(input_tokens=100, output_tokens=tokens), room(tokens), max_tokens=tokens)
    )


@pytest.mark.parametrize(
    ("thinks", "max_tokens", "output_tokens"),
    [
        (False, 32_000, FIRST_SLICE),
        (False, 5, 5),
        (True, 32_000, LEAST_THINKING),
        (True, 5, 5),
    ],
)
def test_a_call_is_not_begun_without_the_price_of_a_little_output(
    thinks: bool, max_tokens: int, output_tokens: int
) -> None:
    assert quotes(thinks=thinks, max_tokens=max_tokens).least(PROMPT) == room(output_tokens)


def test_a_prompt_is_priced_at_its_upper_bound() -> None:
    assert quotes().prompt == usd(input_tokens=100)


@pytest.mark.parametrize(("text_bytes", "tokens"), [(0, 0), (15, 0), (16, 1), (3_200, 200)])
def test_no_call_costs_less_than_reading_its_text_from_the_cache(
    text_bytes: int, tokens: int
) -> None:
    expected = usd(cache_read_tokens=tokens, output_tokens=1)

    assert quotes(text_bytes=text_bytes).cheapest == expected
