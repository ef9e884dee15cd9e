"""What a `usage` object says is billed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.usage import Usage
from app.wire.usage import counts, iterations, parse_usage, tells_output, total


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
