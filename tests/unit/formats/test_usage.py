"""What a `usage` object says is billed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.usage import Usage
from app.formats.usage import (
    MOST_ITERATIONS,
    MOST_TOKENS,
    Counts,
    counts,
    iterations,
    parse_usage,
    tells_output,
    total,
    usage_json,
)


def step(kind: str = "message", *, input: int = 0, output: int = 0, **more: Any) -> dict[str, Any]:  # noqa: A002
    return {"type": kind, "input_tokens": input, "output_tokens": output, **more}


def usage(*steps: Any, input: int = 0, output: int = 0, **more: Any) -> dict[str, Any]:  # noqa: A002
    own = {"input_tokens": input, "output_tokens": output, **more}
    return own | ({"iterations": list(steps)} if steps else {})


COMPACTED = usage(
    step("compaction", input=180_000, output=3_500),
    step(input=23_000, output=1_000),
    input=23_000,
    output=1_000,
)
CASES: dict[str, tuple[dict[str, Any], Usage]] = {
    "a compaction, which the top leaves out": (COMPACTED, Usage(203_000, 4_500)),
    "one step, which is the top itself": (
        usage(step(input=10, output=5), input=10, output=5),
        Usage(10, 5),
    ),
    "a compaction alone, after which the answer pauses": (
        usage(step("compaction", input=100, output=50)),
        Usage(100, 50),
    ),
    "steps that the top holds": (
        usage(step(input=10, output=5), step(input=20, output=6), input=30, output=11),
        Usage(30, 11),
    ),
    "a type of step that is not known yet": (
        usage(step("made_up_2031", input=7, output=3), step(input=1, output=1), input=1, output=1),
        Usage(8, 4),
    ),
    "steps that say less than the top": (
        usage(step(input=1), input=10, output=5),
        Usage(10, 5),
    ),
    "the cache of each step": (
        usage(
            step(
                "compaction",
                input=1,
                cache_read_input_tokens=100,
                cache_creation_input_tokens=30,
                cache_creation={"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            ),
            step(input=2, cache_creation_input_tokens=5),
            input=2,
            cache_creation_input_tokens=5,
        ),
        Usage(3, 0, 100, 15, 20),
    ),
    "a split that the top alone has": (
        usage(
            step(input=2, cache_creation_input_tokens=9),
            input=2,
            cache_creation_input_tokens=9,
            cache_creation={"ephemeral_1h_input_tokens": 9},
        ),
        Usage(2, 0, 0, 0, 9),
    ),
    "nonsense": (
        {"iterations": ["x", None, {"input_tokens": -5}, {"output_tokens": 10**15}]},
        Usage(),
    ),
    "no list": ({"input_tokens": 3, "iterations": {"input_tokens": 5}}, Usage(3)),
    "null": ({"input_tokens": 3, "iterations": None}, Usage(3)),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_billed_is_the_sum_of_all_steps_and_nothing_twice(case: str) -> None:
    told, billed = CASES[case]

    assert parse_usage(told, one_hour_cache=False) == billed


@pytest.mark.parametrize(("hour", "billed"), [(False, (6, 3)), (True, (2, 7))])
def test_cache_writes_without_a_lifetime_are_billed_by_the_one_that_was_asked_for(
    hour: bool, billed: tuple[int, int]
) -> None:
    told = {
        "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
    }

    found = parse_usage(told, one_hour_cache=hour)

    assert (found.cache_write_5m_tokens, found.cache_write_1h_tokens) == billed


@pytest.mark.parametrize("hour", [False, True])
def test_a_split_that_is_larger_than_its_sum_is_billed_as_it_is(hour: bool) -> None:
    told = {
        "cache_creation_input_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
    }

    assert counts(told).cache_write == 5
    assert parse_usage(told, one_hour_cache=hour) == Usage(0, 0, 0, 2, 3)


def test_a_count_that_no_answer_can_have_is_not_believed() -> None:
    for tokens, believed in ((1, 1), (MOST_TOKENS, MOST_TOKENS), (MOST_TOKENS + 1, 0), (-1, 0)):
        assert counts({"output_tokens": tokens}).output == believed
    assert counts({"output_tokens": "7"}).output == 0


def test_the_sum_of_steps_is_the_sum_of_each_count() -> None:
    steps = [Counts(1, 2, 3, 4, 5, 6), Counts(10, 20, 30, 40, 50, 60)]

    assert total(steps) == Counts(11, 22, 33, 44, 55, 66)


def test_the_larger_of_each_count_is_kept() -> None:
    one, other = Counts(1, 20, 3, 40, 5, 60), Counts(10, 2, 30, 4, 50, 6)

    assert one.at_least(other) == other.at_least(one) == Counts(10, 20, 30, 40, 50, 60)


def test_more_steps_than_an_answer_can_have_are_not_counted() -> None:
    assert len(iterations(usage(*[step(input=1)] * (MOST_ITERATIONS + 1)))) == MOST_ITERATIONS


def test_usage_is_shown_with_the_fields_of_anthropic_and_read_back_unchanged() -> None:
    billed = Usage(1, 2, 4, 8, 16)

    shown = usage_json(billed)

    assert shown == {
        "input_tokens": 1,
        "cache_creation_input_tokens": 24,
        "cache_read_input_tokens": 4,
        "cache_creation": {"ephemeral_5m_input_tokens": 8, "ephemeral_1h_input_tokens": 16},
        "output_tokens": 2,
    }
    assert parse_usage(shown, one_hour_cache=False) == billed


def test_output_of_a_step_is_output_that_was_told() -> None:
    assert tells_output(usage(step("compaction", input=1, output=1)))
    assert not tells_output(usage(step("compaction", input=1)))


NUMBERS = st.integers(0, 10_000)
STEPS = st.lists(st.builds(lambda i, o: step(input=i, output=o), NUMBERS, NUMBERS), max_size=5)


@given(STEPS, NUMBERS, NUMBERS)
def test_never_less_than_the_top_and_never_less_than_the_steps(
    steps: list[dict[str, Any]], input_tokens: int, output_tokens: int
) -> None:
    found = counts(usage(*steps, input=input_tokens, output=output_tokens))

    assert found.input == max(input_tokens, sum(item["input_tokens"] for item in steps))
    assert found.output == max(output_tokens, sum(item["output_tokens"] for item in steps))
    assert total(iterations(usage(*steps))).input <= found.input
