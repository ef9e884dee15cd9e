"""JSON loses no digit on its way through the gateway."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import exact_json

NUMBERS = st.integers(-(10**40), 10**40) | st.integers(-(2**64), 2**65)
DOCUMENTS = st.recursive(
    NUMBERS | st.text(max_size=9) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_what_is_read_is_written_with_all_of_its_digits(document: Any) -> None:
    assert json.loads(orjson.dumps(exact_json.loads(json.dumps(document)))) == document


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 10**18, 0])
def test_numbers_of_64_bits_are_numbers(number: int) -> None:
    assert exact_json.loads(str(number)) == number


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**300])
def test_larger_ones_are_none_that_one_could_reckon_with(number: int) -> None:
    assert not isinstance(exact_json.loads(str(number)), int | float)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "1e400",
        "NaN",
        f"[1{'0' * 400}]",
        r'["\ud800"]',
        "\ufeff1",
        f"{'[' * 1000}{10**30}{']' * 1000}",
        f"{'[' * 2000}{10**30}{']' * 2000}",
    ],
)
def test_what_orjson_refuses_or_is_too_deep_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        exact_json.loads(text)


def test_twenty_digits_in_a_text_are_text() -> None:
    assert exact_json.loads('{"a":"12345678901234567890123","b":1.5}') == {
        "a": "12345678901234567890123",
        "b": 1.5,
    }
