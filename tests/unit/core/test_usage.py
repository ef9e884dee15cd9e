"""Tokens of five kinds."""

from app.core.usage import Usage

USAGE = Usage(1, 20, 300, 4_000, 50_000)


def test_the_prompt_is_all_that_was_read_cached_or_not() -> None:
    assert USAGE.prompt_tokens == 54_301


def test_the_total_is_prompt_and_answer() -> None:
    assert USAGE.total_tokens == 54_321
