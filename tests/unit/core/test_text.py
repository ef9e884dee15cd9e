"""JSON with halves of characters."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.text import repaired

CASES = {
    rb'"\ud83d"': "\ufffd",
    rb'"\ude00"': "\ufffd",
    rb'"\uD83D\ude00"': "\N{GRINNING FACE}",
    rb'"\ud83d\ud83d\ude00"': "\ufffd\N{GRINNING FACE}",
    rb'"\\ud83d"': r"\ud83d",
    rb'"\\\ud83d"': "\\\ufffd",
    rb'"\ud83dx\ude00"': "\ufffdx\ufffd",
    b'"\xff"': "\ufffd",
    b'"\xc3\xbc"': "\xfc",
}


@pytest.mark.parametrize("raw", CASES)
def test_each_half_of_a_character_is_replaced_and_nothing_else(raw: bytes) -> None:
    assert orjson.loads(repaired(raw)) == CASES[raw]


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_any_text_can_be_read(text: str) -> None:
    read = orjson.loads(repaired(json.dumps(text).encode()))

    assert read == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(st.text())
def test_good_text_stays_as_it_is(text: str) -> None:
    for raw in (json.dumps(text).encode(), orjson.dumps(text)):
        assert repaired(raw) == raw
