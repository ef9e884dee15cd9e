"""Tags, however a client names them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tags import LONGEST_TAG, MOST_TAGS, body_tags, tags
from app.web import headers


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["job:alpha", " nightly "], ("job:alpha", "nightly")),
        (["a", "", "a", " "], ("a",)),
        (["ü415887", "日本"], ("ü415887", "日本")),
        (["u\u0308"], ("ü",)),
        (["a\x00b\u202ec\u2028"], ("abc",)),
        (["x" * 100], ("x" * 64,)),
        ([str(n) for n in range(20)], tuple(str(n) for n in range(10))),
    ],
)
def test_tags_are_short_printable_and_few(words: list[str], expected: tuple[str, ...]) -> None:
    assert tags(words) == expected
    assert body_tags({"metadata": {"tags": words}}) == expected


@pytest.mark.parametrize("metadata", [None, "x", [], {}, {"tags": "x"}, {"tags": [5, None, ["a"]]}])
def test_a_body_without_tags_has_none(metadata: Any) -> None:
    assert body_tags({"metadata": metadata}) == ()
    assert body_tags({}) == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ci, nightly", ("ci", "nightly")),
        ("ü415887", ("ü415887",)),
        ("", ()),
    ],
)
def test_headers_are_utf_8(value: str, expected: tuple[str, ...]) -> None:
    as_read = value.encode().decode("latin-1")

    assert headers.tags({"x-litellm-tags": as_read}) == expected
    assert headers.tags({"x-gateway-tags": as_read, "x-litellm-tags": as_read}) == expected


def test_a_header_that_is_no_utf_8_is_latin_1() -> None:
    assert headers.tags({"x-gateway-tags": b"\xfc415887".decode("latin-1")}) == ("ü415887",)


@given(st.lists(st.text(st.characters(exclude_categories=[]))), st.binary())
def test_any_words_become_tags_that_can_be_stored(words: list[str], header: bytes) -> None:
    for found in (tags(words), headers.tags({"x-gateway-tags": header.decode("latin-1")})):
        assert len(found) <= MOST_TAGS
        assert all(0 < len(tag) <= LONGEST_TAG and tag.isprintable() for tag in found)
        "".join(found).encode()
